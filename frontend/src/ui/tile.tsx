/** One photo in the grid, in any of its lives: on its way up, being prepared, ready, or in trouble. */
import type { JSX } from "preact";
import type { ThumbnailLimit } from "../api/types";
import { formatDate } from "../gallery/format";
import type { Box } from "../gallery/layout";
import type { LibraryPhoto } from "../gallery/library";
import { coveringWidth } from "../gallery/sources";
import type { Tile } from "../gallery/tiles";
import { strings } from "../strings";
import type { Upload } from "../upload/queue";
import { Icon } from "./icons";
import { Picture } from "./picture";

export interface TileActions {
  open: (photo: LibraryPhoto) => void;
  remove: (photo: LibraryPhoto) => void;
  dismissFailed: (photo: LibraryPhoto) => void;
  retry: (upload: Upload) => void;
  drop: (upload: Upload) => void;
  renew: (photo: LibraryPhoto) => Promise<void>;
  /** The visitor is about to open something. */
  anticipate: () => void;
}

export interface TileViewProps {
  tile: Tile;
  box: Box;
  position: number;
  count: number;
  thumbnail: ThumbnailLimit;
  actions: TileActions;
}

/** Enough for the first screen of a desk; the rest waits until it is near. */
const EAGER_TILES = 12;

export function TileView(props: TileViewProps) {
  const { tile, box, position, count } = props;
  return (
    <li
      class="tile"
      data-key={tile.key}
      data-photo-id={tile.photo?.photoId}
      data-filename={(tile.photo ?? tile.upload)?.filename}
      data-state={tile.photo?.status ?? tile.upload?.status}
      aria-posinset={position + 1}
      aria-setsize={count}
      style={{
        transform: `translate(${box.left}px, ${box.top}px)`,
        width: `${box.width}px`,
        height: `${box.height}px`,
      }}
    >
      {content(props)}
    </li>
  );
}

function content(props: TileViewProps): JSX.Element | undefined {
  const { photo, upload } = props.tile;
  if (photo?.status === "ready") return <Ready {...props} photo={photo} />;
  if (photo !== undefined) {
    const words = photo.reason ?? strings.cannotPrepare;
    const dismiss = () => props.actions.dismissFailed(photo);
    return (
      <Trouble filename={photo.filename} words={words} previewUrl={upload?.previewUrl} onDismiss={dismiss} />
    );
  }
  if (upload === undefined) return undefined;
  if (upload.status !== "failed") return <Arriving upload={upload} />;
  return (
    <Trouble
      filename={upload.filename}
      words={upload.reason ?? ""}
      previewUrl={upload.previewUrl}
      onRetry={() => props.actions.retry(upload)}
      onDismiss={() => props.actions.drop(upload)}
    />
  );
}

function Ready({ photo, tile, box, position, thumbnail, actions }: TileViewProps & { photo: LibraryPhoto }) {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Delete" && event.key !== "Backspace") return;
    event.preventDefault();
    actions.remove(photo);
  };
  return (
    <>
      <button
        type="button"
        class="tile-open"
        aria-label={strings.openPhoto(photo.filename, formatDate(photo.uploadDate))}
        aria-keyshortcuts="Enter Delete"
        onClick={() => actions.open(photo)}
        onKeyDown={onKeyDown}
        onPointerEnter={actions.anticipate}
        onFocus={actions.anticipate}
      >
        <Picture
          photo={photo}
          previewUrl={tile.upload?.previewUrl}
          thumbnail={thumbnail}
          width={coveringWidth(photo, box)}
          isEager={position < EAGER_TILES}
          renew={actions.renew}
        />
      </button>
      <button
        type="button"
        class="round tile-delete"
        aria-label={strings.deletePhoto(photo.filename)}
        title={strings.deletePhoto(photo.filename)}
        onClick={() => actions.remove(photo)}
      >
        <Icon name="trash" />
      </button>
    </>
  );
}

const ARRIVING_WORDS = {
  waiting: strings.uploadWaiting,
  sending: strings.uploadSending,
  preparing: strings.uploadPreparing,
  slow: strings.uploadPreparing,
  ready: strings.uploadPreparing,
};

function Arriving({ upload }: { upload: Upload & { status: string } }) {
  const status = upload.status === "failed" ? "waiting" : upload.status;
  const percent = Math.round(upload.progress * 100);
  const isSending = status === "waiting" || status === "sending";
  return (
    <div class={`arriving ${status}`}>
      {upload.previewUrl !== undefined && (
        <img class="picture preview" src={upload.previewUrl} alt="" draggable={false} />
      )}
      <span class="hidden-words">{ARRIVING_WORDS[status](upload.filename)}</span>
      {status === "slow" && <span class="tag">{strings.stillPreparing}</span>}
      {isSending ? (
        <div
          class="line"
          role="progressbar"
          aria-label={strings.uploadSending(upload.filename)}
          aria-valuenow={percent}
        >
          <div class="line-done" style={{ transform: `scaleX(${upload.progress})` }} />
        </div>
      ) : (
        <div class="line busy" />
      )}
    </div>
  );
}

interface TroubleProps {
  filename: string;
  words: string;
  previewUrl: string | undefined;
  onRetry?: () => void;
  onDismiss: () => void;
}

function Trouble({ filename, words, previewUrl, onRetry, onDismiss }: TroubleProps) {
  return (
    <div class="trouble">
      {previewUrl !== undefined && <img class="picture preview" src={previewUrl} alt="" draggable={false} />}
      <div class="trouble-words">
        <p class="trouble-name">{filename}</p>
        <p>{words}</p>
        {onRetry === undefined ? (
          <button
            type="button"
            class="small-button"
            onClick={onDismiss}
            aria-label={strings.dismissPhoto(filename)}
          >
            {strings.dismiss}
          </button>
        ) : (
          <button
            type="button"
            class="small-button"
            onClick={onRetry}
            aria-label={strings.retryPhoto(filename)}
          >
            <Icon name="retry" />
            {strings.retry}
          </button>
        )}
      </div>
      {onRetry !== undefined && (
        <button
          type="button"
          class="round tile-dismiss"
          onClick={onDismiss}
          aria-label={strings.dismissPhoto(filename)}
        >
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}
