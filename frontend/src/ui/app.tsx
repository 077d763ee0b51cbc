/** The whole page, drawn from the gallery's state. */
import type { RefObject } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Gallery } from "../gallery/gallery";
import type { LibraryPhoto } from "../gallery/library";
import { makeTiles, openable } from "../gallery/tiles";
import { strings } from "../strings";
import { DropZone } from "./drop";
import { Grid, type GridHandle } from "./grid";
import { Header } from "./header";
import { useListener, useStore } from "./hooks";
import { Notices } from "./notices";
import { Empty, Failed, Skeleton } from "./states";
import type { TileActions } from "./tile";
import type { ViewerHost } from "./viewer";

export function App({ gallery }: { gallery: Gallery }) {
  const state = useStore(gallery.store);
  const { phase, library, uploads, removed, config } = state;
  const tiles = useMemo(
    () => makeTiles({ photos: library.photos, uploads, removed }),
    [library.photos, uploads, removed],
  );
  const grid = useRef<GridHandle>(null);
  const { actions, isViewing } = useTileActions(gallery, grid);
  const onNearEnd = useCallback(() => void gallery.loadMore(), [gallery]);
  const onVisible = useCallback((photos: LibraryPhoto[]) => void gallery.renew(photos), [gallery]);
  const onFiles = useCallback(
    (files: File[]) => {
      gallery.addFiles(files);
      window.scrollTo({ top: 0, behavior: prefersStillness() ? "auto" : "smooth" });
    },
    [gallery],
  );
  useEffect(() => {
    if (config !== undefined) document.title = config.title;
  }, [config]);
  useListener<KeyboardEvent>(document, "keydown", (event) => {
    if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
    event.preventDefault();
    gallery.undoLast();
  });

  const isReady = phase === "ready";
  const isEmpty = isReady && tiles.length === 0 && library.nextCursor === null;
  const count = openable(tiles).length;
  const accept = config?.contentTypes ?? [];
  return (
    <>
      <div class="page" inert={isViewing}>
        <Header
          title={config?.title ?? ""}
          count={isReady && !isEmpty ? strings.photoCount(count, library.nextCursor !== null) : ""}
          accept={accept}
          onFiles={isReady && !isEmpty ? onFiles : undefined}
        />
        <main id="photos" tabIndex={-1} aria-busy={phase === "loading"}>
          {phase === "loading" && <Skeleton />}
          {phase === "failed" && <Failed isOnline={state.isOnline} onRetry={() => void gallery.load()} />}
          {isEmpty && <Empty accept={accept} onFiles={onFiles} />}
          {isReady && !isEmpty && config !== undefined && (
            <Grid
              handle={grid}
              thumbnail={config.thumbnail}
              tiles={tiles}
              actions={actions}
              onNearEnd={onNearEnd}
              onVisible={onVisible}
            />
          )}
          {state.more === "failed" && (
            <div class="more-failed">
              <span>{strings.moreFailed}</span>
              <button type="button" class="button" onClick={onNearEnd}>
                {strings.retry}
              </button>
            </div>
          )}
        </main>
        <DropZone onFiles={onFiles} />
      </div>
      <Notices
        gallery={gallery}
        uploads={uploads}
        refusals={state.refusals}
        toasts={state.toasts}
        isOnline={state.isOnline || phase === "failed"}
      />
      <div class="hidden-words" role="status">
        {state.announcement}
      </div>
    </>
  );
}

const prefersStillness = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** What tiles can do; the viewer's code is fetched when someone seems about to open a photo. */
function useTileActions(
  gallery: Gallery,
  grid: RefObject<GridHandle | null>,
): { actions: TileActions; isViewing: boolean } {
  const [isViewing, setViewing] = useState(false);
  const isOpening = useRef(false);
  const actions = useMemo((): TileActions => {
    const open = async ({ photoId }: LibraryPhoto) => {
      if (isOpening.current) return;
      isOpening.current = true;
      try {
        const { openViewer } = await import("./viewer");
        setViewing(true);
        const lastId = await openViewer(viewerHost(gallery, grid), photoId);
        grid.current?.show(lastId, true);
      } catch {
        gallery.tell(strings.viewerFailed);
      } finally {
        setViewing(false);
        isOpening.current = false;
      }
    };
    return {
      open: (photo) => void open(photo),
      remove: (photo) => gallery.remove(photo.photoId),
      dismissFailed: (photo) => gallery.dismissFailed(photo.photoId),
      retry: (upload) => gallery.retryUpload(upload.id),
      drop: (upload) => gallery.dropUpload(upload.id),
      renew: (photo) => gallery.renew([photo], true),
      // Fetched early or not at all: opening the photo will say what is wrong.
      anticipate: () => void import("./viewer").catch(() => undefined),
    };
  }, [gallery, grid]);
  return { actions, isViewing };
}

function viewerHost(gallery: Gallery, grid: RefObject<GridHandle | null>): ViewerHost {
  return {
    photos: () => {
      const { library, uploads, removed } = gallery.state;
      return openable(makeTiles({ photos: library.photos, uploads, removed }));
    },
    tileImage: (photoId) => grid.current?.image(photoId),
    onShown: (photoId) => grid.current?.show(photoId, false),
    remove: (photoId) => gallery.remove(photoId),
    renew: (photos, force) => gallery.renew(photos, force),
  };
}
