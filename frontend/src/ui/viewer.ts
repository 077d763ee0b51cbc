/**
 * The full-screen viewer: all that knows PhotoSwipe. Adds to it what a gallery needs: names for screen readers, caption,
 * download and delete, pictures no larger than the screen and the zoom need, renewed links, the back button, and a grid
 * that follows behind so that closing lands on the tile.
 */
import PhotoSwipe, { type SlideData } from "photoswipe";
import "photoswipe/style.css";
import "./styles/viewer.css";
import { formatDate } from "../gallery/format";
import { hasOldLinks, type LibraryPhoto } from "../gallery/library";
import { type Source, sourceFor } from "../gallery/sources";
import { strings } from "../strings";

export interface ViewerHost {
  /** The photos one can leaf through now, in the order of the grid. */
  photos(): LibraryPhoto[];
  /** The tile's picture, to zoom out of and back into. */
  tileImage(photoId: string): HTMLImageElement | undefined;
  /** The photo is now in view; the grid follows. */
  onShown(photoId: string): void;
  remove(photoId: string): void;
  renew(photos: LibraryPhoto[], force: boolean): Promise<void>;
}

type Content = NonNullable<PhotoSwipe["currSlide"]>["content"];

/** For photos whose size the list does not know. */
const FALLBACK_WIDTH = 1600;
const FALLBACK_HEIGHT = 1067;

/** Opens at this photo; resolves when closed, with the photo shown last. */
export function openViewer(host: ViewerHost, photoId: string): Promise<string> {
  return new Promise((resolve) => new Viewer(host, photoId, resolve).open());
}

class Viewer {
  readonly #host: ViewerHost;
  readonly #pswp: PhotoSwipe;
  readonly #onClosed: (lastId: string) => void;
  /** A copy of its own: photos that arrive while it is open must not shift the one being looked at. */
  readonly #ids: string[];
  /** How often each photo's picture would not load. */
  readonly #failures = new Map<string, number>();
  /** How wide the picture is that a slide shows or is about to. */
  readonly #widths = new WeakMap<Content, number>();
  #lastId: string;
  #isInHistory = false;

  constructor(host: ViewerHost, photoId: string, onClosed: (lastId: string) => void) {
    this.#host = host;
    this.#onClosed = onClosed;
    this.#lastId = photoId;
    this.#ids = host.photos().map((photo) => photo.photoId);
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#pswp = new PhotoSwipe({
      dataSource: [],
      index: Math.max(0, this.#ids.indexOf(photoId)),
      loop: false,
      bgOpacity: 1,
      showHideAnimationType: isStill ? "none" : "zoom",
      showAnimationDuration: 240,
      hideAnimationDuration: 240,
      zoomAnimationDuration: isStill ? false : 240,
      // The page behind is inert, which keeps focus here and yet leaves Undo within reach.
      trapFocus: false,
      returnFocus: false,
      wheelToZoom: true,
      // Pictures of this size are heavy, and the visitor may be on a train.
      preload: [1, 1],
      errorMsg: strings.viewerError,
      closeTitle: strings.viewerClose,
      zoomTitle: strings.viewerZoom,
      arrowPrevTitle: strings.viewerPrevious,
      arrowNextTitle: strings.viewerNext,
      paddingFn: (viewport) => ({ top: 0, bottom: viewport.y > 500 ? 64 : 0, left: 0, right: 0 }),
    });
  }

  open(): void {
    const pswp = this.#pswp;
    pswp.addFilter("numItems", () => this.#ids.length);
    pswp.addFilter("itemData", (_, index) => this.#slide(index));
    pswp.addFilter("thumbEl", (_, data) => this.#host.tileImage(String(data.photoId)) as HTMLElement);
    pswp.on("uiRegister", () => this.#addControls());
    pswp.on("afterInit", () => {
      pswp.element?.setAttribute("aria-label", strings.viewer);
      pswp.element?.focus();
      this.#enterHistory();
    });
    pswp.on("change", () => this.#changed());
    pswp.on("contentLoadImage", ({ content }) => this.#choose(content));
    pswp.on("imageSizeChange", ({ content, width }) => void this.#sharpen(content, width));
    pswp.on("loadError", ({ content }) => void this.#renewFailed(String(content.data.photoId)));
    pswp.on("keydown", ({ originalEvent }) => {
      if (originalEvent.key === "Delete") this.#remove();
    });
    pswp.on("close", () => this.#leaveHistory());
    pswp.on("destroy", () => this.#onClosed(this.#lastId));
    pswp.init();
  }

  #photo(photoId: string): LibraryPhoto | undefined {
    return this.#host.photos().find((photo) => photo.photoId === photoId);
  }

  #slide(index: number): SlideData {
    const photoId = this.#ids[index] ?? "";
    const photo = this.#photo(photoId);
    const image = this.#host.tileImage(photoId);
    return {
      photoId,
      src: photo?.url ?? photo?.thumbnailUrl ?? "",
      msrc: image?.currentSrc || photo?.thumbnailUrl,
      width: photo?.width || image?.naturalWidth || FALLBACK_WIDTH,
      height: photo?.height || image?.naturalHeight || FALLBACK_HEIGHT,
      alt: photo?.filename ?? "",
      // Tiles crop extreme shapes.
      thumbCropped: true,
    };
  }

  /** The picture that is sharp enough at this width; the original, when the others would not load. */
  #source(content: Content, width: number): Source | undefined {
    const photo = this.#photo(String(content.data.photoId));
    if (photo === undefined) return undefined;
    const { photoId, url } = photo;
    if (url !== undefined && (this.#failures.get(photoId) ?? 0) > 1) return { url, width: photo.width };
    const fitted = (content.slide?.zoomLevels.initial ?? 1) * content.width;
    const isZoomed = content.slide !== undefined && width > Math.ceil(fitted);
    return sourceFor(photo, width * devicePixelRatio, isZoomed);
  }

  /** Only now is it known how large the slide is. */
  #choose(content: Content): void {
    const source = this.#source(content, content.displayedImageWidth);
    if (source === undefined) return;
    content.data.src = source.url;
    this.#widths.set(content, source.width);
  }

  /** After zooming in, or in a larger window, a larger picture takes the place of the one shown, once it is there. */
  async #sharpen(content: Content, width: number): Promise<void> {
    const shown = this.#widths.get(content);
    const source = this.#source(content, width);
    if (shown === undefined || source === undefined || source.width <= shown) return;
    this.#widths.set(content, source.width);
    const image = new Image();
    image.src = source.url;
    try {
      await image.decode();
    } catch {
      // What is shown stays; the next zoom asks again.
      this.#widths.set(content, shown);
      return;
    }
    // A wider one may have been asked for, and come, meanwhile.
    if (this.#widths.get(content) !== source.width || !(content.element instanceof HTMLImageElement)) return;
    content.data.src = source.url;
    content.element.src = source.url;
  }

  #changed(): void {
    const photoId = this.#ids[this.#pswp.currIndex];
    if (photoId === undefined) return;
    this.#lastId = photoId;
    this.#host.onShown(photoId);
    this.#takeOnMore();
    const near = [-1, 0, 1].map((step) => this.#photo(this.#ids[this.#pswp.currIndex + step] ?? ""));
    const old = near.filter((photo) => photo !== undefined && hasOldLinks(photo, Date.now()));
    if (old.length > 0) void this.#host.renew(old as LibraryPhoto[], false);
  }

  /** Photos that the grid has loaded since, after the last one here. */
  #takeOnMore(): void {
    const now = this.#host.photos().map((photo) => photo.photoId);
    const last = now.indexOf(this.#ids.at(-1) ?? "");
    if (last >= 0) this.#ids.push(...now.slice(last + 1));
  }

  async #renewFailed(photoId: string): Promise<void> {
    const photo = this.#photo(photoId);
    const failures = (this.#failures.get(photoId) ?? 0) + 1;
    if (photo === undefined || failures > 2) return;
    this.#failures.set(photoId, failures);
    if (failures === 1) await this.#host.renew([photo], true);
    const index = this.#ids.indexOf(photoId);
    if (index >= 0 && !this.#pswp.isDestroying) this.#pswp.refreshSlideContent(index);
  }

  #remove(): void {
    const pswp = this.#pswp;
    const index = pswp.currIndex;
    const [photoId] = this.#ids.splice(index, 1);
    if (photoId === undefined) return;
    if (this.#ids.length === 0) {
      this.#host.remove(photoId);
      pswp.close();
      return;
    }
    // PhotoSwipe keeps slides by their index, and every index after this one now means another photo.
    for (let position = 0; position <= this.#ids.length; position += 1)
      pswp.contentLoader.removeByIndex(position);
    if (index === this.#ids.length) pswp.prev();
    for (const step of [-1, 0, 1]) {
      const near = pswp.currIndex + step;
      if (near >= 0 && near < this.#ids.length) pswp.refreshSlideContent(near);
    }
    this.#changed();
    this.#host.remove(photoId);
  }

  #addControls(): void {
    const { ui } = this.#pswp;
    ui?.registerElement({
      name: "download",
      order: 8,
      isButton: true,
      tagName: "a",
      title: strings.viewerDownload,
      html: icon("M12 4.5v11M7 11l5 5 5-5M5 19.5h14"),
      onInit: (element, pswp) => {
        const link = element as HTMLAnchorElement;
        link.target = "_blank";
        link.rel = "noopener";
        pswp.on("change", () => {
          const photo = this.#photo(this.#ids[pswp.currIndex] ?? "");
          link.href = photo?.url ?? "";
          link.download = photo?.filename ?? "";
        });
      },
    });
    ui?.registerElement({
      name: "delete",
      order: 9,
      isButton: true,
      title: strings.viewerDelete,
      html: icon("M4 7h16M9.5 7V4.5h5V7M6.5 7l.8 12.5h9.4L17.5 7M10 11v5M14 11v5"),
      onClick: () => this.#remove(),
    });
    ui?.registerElement({
      name: "caption",
      appendTo: "root",
      onInit: (element, pswp) => {
        element.setAttribute("aria-live", "polite");
        const name = element.appendChild(document.createElement("b"));
        const date = element.appendChild(document.createElement("span"));
        pswp.on("change", () => {
          const photo = this.#photo(this.#ids[pswp.currIndex] ?? "");
          name.textContent = photo?.filename ?? "";
          date.textContent = formatDate(photo?.uploadDate ?? "");
        });
      },
    });
  }

  /** On a phone, "back" means "close the photo", not "leave the gallery". */
  #enterHistory(): void {
    history.pushState({ viewer: true }, "");
    this.#isInHistory = true;
    const onBack = () => {
      this.#isInHistory = false;
      this.#pswp.close();
    };
    window.addEventListener("popstate", onBack);
    this.#pswp.on("close", () => window.removeEventListener("popstate", onBack));
  }

  #leaveHistory(): void {
    if (this.#isInHistory) history.back();
    this.#isInHistory = false;
  }
}

const icon = (path: string) =>
  `<svg class="viewer-icon" viewBox="0 0 24 24" aria-hidden="true"><path d="${path}"/></svg>`;
