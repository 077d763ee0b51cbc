/** What lies over the page's lower edge: how the uploads go, what was refused, what can be undone. */
import type { Gallery, Toast } from "../gallery/gallery";
import { strings } from "../strings";
import { summarize, type Upload } from "../upload/queue";
import type { Refusal } from "../upload/uploads";
import { Icon } from "./icons";

/** More lines than this would cover the photos. */
const MAX_REFUSALS_SHOWN = 4;
const MAX_TOASTS_SHOWN = 3;

interface NoticesProps {
  gallery: Gallery;
  uploads: readonly Upload[];
  refusals: readonly Refusal[];
  toasts: readonly Toast[];
  isOnline: boolean;
}

export function Notices({ gallery, uploads, refusals, toasts, isOnline }: NoticesProps) {
  return (
    <section class="notices" aria-label={strings.notifications}>
      {!isOnline && <p class="notice">{strings.offlineNotice}</p>}
      {refusals.length > 0 && <Refusals refusals={refusals} onDismiss={() => gallery.dismissRefusals()} />}
      <UploadNotice gallery={gallery} uploads={uploads} />
      {toasts.slice(-MAX_TOASTS_SHOWN).map((toast) => (
        <ToastNotice key={toast.id} toast={toast} gallery={gallery} />
      ))}
    </section>
  );
}

function Refusals({ refusals, onDismiss }: { refusals: readonly Refusal[]; onDismiss: () => void }) {
  const rest = refusals.length - MAX_REFUSALS_SHOWN;
  return (
    <div class="notice refusals">
      <ul>
        {refusals.slice(0, MAX_REFUSALS_SHOWN).map(({ filename, words }, index) => (
          <li key={`${index}-${filename}`}>
            <b>{filename}</b> {words}
          </li>
        ))}
        {rest > 0 && <li>{strings.moreNotices(rest)}</li>}
      </ul>
      <button type="button" class="round plain" aria-label={strings.dismiss} onClick={onDismiss}>
        <Icon name="close" />
      </button>
    </div>
  );
}

function UploadNotice({ gallery, uploads }: { gallery: Gallery; uploads: readonly Upload[] }) {
  const { active, failed, progress } = summarize(uploads);
  if (active > 0) {
    const total = uploads.filter((upload) => upload.status !== "ready" && upload.status !== "failed").length;
    return (
      <div class="notice uploading">
        <span>{strings.adding(total - active, total)}</span>
        <div class="line">
          <div
            class="line-done"
            style={{ transform: `scaleX(${(total - active + active * progress) / total})` }}
          />
        </div>
      </div>
    );
  }
  if (failed < 2) return null;
  return (
    <div class="notice">
      <span>{strings.notAdded(failed)}</span>
      <button type="button" class="text-button" onClick={() => gallery.retryAllUploads()}>
        {strings.retryAll}
      </button>
      <button
        type="button"
        class="round plain"
        aria-label={strings.dismiss}
        onClick={() => gallery.dropFailedUploads()}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}

function ToastNotice({ toast, gallery }: { toast: Toast; gallery: Gallery }) {
  const { undo } = toast;
  if (undo === undefined) return <p class="notice">{toast.words}</p>;
  return (
    <div
      class="notice"
      onPointerEnter={() => gallery.holdToast(undo)}
      onPointerLeave={() => gallery.releaseToast(undo)}
      onFocusIn={() => gallery.holdToast(undo)}
      onFocusOut={() => gallery.releaseToast(undo)}
    >
      <span class="notice-words">{toast.words}</span>
      <button type="button" class="text-button" onClick={() => gallery.undo(undo)}>
        {strings.undo}
      </button>
    </div>
  );
}
