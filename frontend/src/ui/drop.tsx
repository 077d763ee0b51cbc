/** Drop anywhere, paste anywhere: both hand files over; a drag shows where it would land. */
import { useRef, useState } from "preact/hooks";
import { strings } from "../strings";
import { useListener } from "./hooks";
import { Icon } from "./icons";

const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;

export function DropZone({ onFiles }: { onFiles: (files: File[]) => void }) {
  const [isOver, setOver] = useState(false);
  // Enter and leave fire for every element the pointer crosses: only as many leaves as enters end the drag.
  const depth = useRef(0);
  const end = () => {
    depth.current = 0;
    setOver(false);
  };

  useListener<DragEvent>(document, "dragenter", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth.current += 1;
    setOver(true);
  });
  useListener<DragEvent>(document, "dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer !== null) event.dataTransfer.dropEffect = "copy";
  });
  useListener<DragEvent>(document, "dragleave", (event) => {
    if (!carriesFiles(event)) return;
    depth.current -= 1;
    if (depth.current <= 0) end();
  });
  useListener<DragEvent>(document, "drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    end();
    onFiles([...(event.dataTransfer?.files ?? [])]);
  });
  useListener<ClipboardEvent>(document, "paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length > 0) onFiles(files);
  });

  return isOver ? (
    <div class="drop-hint">
      <div class="drop-card">
        <Icon name="plus" />
        {strings.dropHint}
      </div>
    </div>
  ) : null;
}
