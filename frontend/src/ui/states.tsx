/** What stands in the grid's place: nothing yet, still loading, would not load. */
import { useRef } from "preact/hooks";
import { justify, rowHeightFor } from "../gallery/layout";
import { strings } from "../strings";
import { AddButton } from "./add-button";
import { GAP } from "./grid";
import { useWidth } from "./hooks";

interface EmptyProps {
  accept: readonly string[];
  onFiles: (files: File[]) => void;
}

export function Empty({ accept, onFiles }: EmptyProps) {
  return (
    <section class="state" aria-labelledby="empty-title">
      <svg class="state-picture" viewBox="0 0 160 116" aria-hidden="true" focusable="false">
        <g class="frame back" transform="rotate(-12 56 62)">
          <rect x="10" y="24" width="84" height="66" rx="7" />
        </g>
        <g class="frame" transform="rotate(6 96 62)">
          <rect x="56" y="22" width="88" height="70" rx="7" />
          <circle cx="80" cy="46" r="7.5" />
          <path d="M62 86l23-25 14 14 16-20 24 31z" />
        </g>
      </svg>
      <h2 id="empty-title">{strings.emptyTitle}</h2>
      <p>{strings.emptyText}</p>
      <AddButton accept={accept} onFiles={onFiles} />
    </section>
  );
}

export function Failed({ isOnline, onRetry }: { isOnline: boolean; onRetry: () => void }) {
  return (
    <section class="state" role="alert">
      <h2>{isOnline ? strings.failedTitle : strings.offlineTitle}</h2>
      <p>{isOnline ? strings.failedText : strings.offlineText}</p>
      <button type="button" class="button primary" onClick={onRetry}>
        {strings.retry}
      </button>
    </section>
  );
}

/** Photos of many shapes, so that the real ones do not surprise. */
const SKELETON_RATIOS = [
  1.5, 0.75, 1.33, 1.78, 0.67, 1.5, 1.5, 1, 1.33, 0.75, 1.78, 1.5, 0.67, 1.33, 1.5, 1.2, 1.5, 0.8,
];

export function Skeleton() {
  const element = useRef<HTMLDivElement>(null);
  const width = useWidth(element);
  const { boxes } = justify(SKELETON_RATIOS, { width, rowHeight: rowHeightFor(width), gap: GAP });
  return (
    <div ref={element} class="skeleton" role="status" aria-label={strings.loading}>
      {boxes.map((box) => (
        <div
          key={`${box.left},${box.top}`}
          class="skeleton-box"
          style={{
            transform: `translate(${box.left}px, ${box.top}px)`,
            width: `${box.width}px`,
            height: `${box.height}px`,
          }}
        />
      ))}
    </div>
  );
}
