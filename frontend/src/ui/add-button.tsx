/** "Add photos": a button that opens the device's own picker. */
import { useRef } from "preact/hooks";
import { strings } from "../strings";
import { Icon } from "./icons";

interface AddButtonProps {
  /** The types the gallery takes. Named one by one, they make an iPhone hand over a JPEG instead of its HEIC. */
  accept: readonly string[];
  onFiles: (files: File[]) => void;
}

export function AddButton({ accept, onFiles }: AddButtonProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" class="button primary" onClick={() => input.current?.click()}>
        <Icon name="plus" />
        {strings.addPhotos}
      </button>
      <input
        ref={input}
        class="file-input"
        type="file"
        accept={accept.join(",")}
        multiple
        hidden
        onChange={({ currentTarget }) => {
          onFiles([...(currentTarget.files ?? [])]);
          // Choosing the same file again must be a change again.
          currentTarget.value = "";
        }}
      />
    </>
  );
}
