/** "Add photos": a button that opens the device's own picker. */
import { useRef } from "preact/hooks";
import { strings } from "../strings";
import { Icon } from "./icons";

export function AddButton({ onFiles }: { onFiles: (files: File[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" class="button primary" onClick={() => input.current?.click()}>
        <Icon name="plus" />
        {strings.addPhotos}
      </button>
      {/* `image/*` rather than the exact types: a picker that hides a file cannot say why it is refused. */}
      <input
        ref={input}
        class="file-input"
        type="file"
        accept="image/*"
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
