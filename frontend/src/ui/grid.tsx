/**
 * The justified grid. Only the rows near the window are in the page, so ten thousand photos scroll like sixty; tiles
 * are placed by transform, which moves them without shifting the layout and lets them glide.
 */
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ThumbnailLimit } from "../api/types";
import {
  type Box,
  justify,
  type Layout,
  rowHeightFor,
  verticalNeighbour,
  visibleRange,
} from "../gallery/layout";
import type { LibraryPhoto } from "../gallery/library";
import type { Tile } from "../gallery/tiles";
import { strings } from "../strings";
import { useListener, useWidth } from "./hooks";
import { type TileActions, TileView } from "./tile";

export const GAP = 3;
/** Rows this many window heights above and below are kept ready. */
const OVERSCAN = 1;
/** The next page is asked for this many window heights before the end is reached. */
const AHEAD = 2.5;

/** What the viewer may ask of the grid behind it. */
export interface GridHandle {
  /** Brings the photo's tile into the page and into view, and the focus to it if wanted. */
  show(photoId: string, withFocus: boolean): void;
  image(photoId: string): HTMLImageElement | undefined;
}

interface GridProps {
  handle: RefObject<GridHandle | null>;
  tiles: readonly Tile[];
  thumbnail: ThumbnailLimit;
  actions: TileActions;
  onNearEnd: () => void;
  onVisible: (photos: LibraryPhoto[]) => void;
}

interface Range {
  start: number;
  end: number;
  isNearEnd: boolean;
}

export function Grid({ handle, tiles, thumbnail, actions, onNearEnd, onVisible }: GridProps) {
  const list = useRef<HTMLUListElement>(null);
  const width = useWidth(list);
  const layout = useMemo(
    () =>
      justify(
        tiles.map((tile) => tile.ratio),
        { width, rowHeight: rowHeightFor(width, thumbnail.maxHeightPixels), gap: GAP },
      ),
    [tiles, width, thumbnail],
  );
  // With every known photo deleted there are no rows, and yet there may be more photos to ask for.
  const isLaidOut = layout.rows.length > 0 || tiles.length === 0;
  const range = useVisibleRange(list, layout, isLaidOut);
  const { focusedIndex, onFocusIn, onFocusOut, focus } = useTileFocus(list, tiles);
  useLayoutEffect(() => {
    handle.current = {
      show(photoId, withFocus) {
        const index = tiles.findIndex((tile) => tile.photo?.photoId === photoId);
        const box = layout.boxes[index];
        if (box === undefined || list.current === null) return;
        scrollToBox(list.current, box);
        if (withFocus) focus(index);
      },
      image: (photoId) =>
        list.current?.querySelector<HTMLImageElement>(`[data-photo-id="${CSS.escape(photoId)}"] .photo`) ??
        undefined,
    };
    return () => {
      handle.current = null;
    };
  });
  const isStill = useChanged(width);

  useEffect(() => {
    if (range.isNearEnd) onNearEnd();
  }, [range.isNearEnd, tiles.length, onNearEnd]);
  useEffect(() => {
    const photos = tiles.slice(range.start, range.end).map((tile) => tile.photo);
    onVisible(photos.filter((photo) => photo !== undefined));
  }, [range.start, range.end, tiles, onVisible]);

  const shown = [];
  for (let index = range.start; index < Math.min(range.end, tiles.length); index += 1) shown.push(index);
  // The focused tile stays in the page wherever the window is, or focus would be lost.
  if (focusedIndex >= 0 && !shown.includes(focusedIndex)) shown.push(focusedIndex);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey || focusedIndex < 0) return;
    const target = arrowTarget(event.key, focusedIndex, layout);
    if (target === undefined) return;
    event.preventDefault();
    const index = Math.max(0, Math.min(tiles.length - 1, target));
    const box = layout.boxes[index];
    if (box !== undefined && list.current !== null) scrollToBox(list.current, box);
    focus(index);
  };

  return (
    <ul
      ref={list}
      class={isStill ? "grid still" : "grid"}
      aria-label={strings.photos}
      style={{ height: `${layout.height}px` }}
      onKeyDown={onKeyDown}
      onFocusIn={onFocusIn}
      onFocusOut={onFocusOut}
    >
      {shown.map((index) => {
        const [tile, box] = [tiles[index], layout.boxes[index]];
        if (tile === undefined || box === undefined) return null;
        return (
          <TileView
            key={tile.key}
            tile={tile}
            box={box}
            position={index}
            count={tiles.length}
            thumbnail={thumbnail}
            actions={actions}
          />
        );
      })}
    </ul>
  );
}

/** Just far enough that the whole box can be seen, below the header. */
function scrollToBox(list: HTMLElement, box: Box): void {
  const header = document.querySelector(".header")?.getBoundingClientRect().height ?? 0;
  const top = list.getBoundingClientRect().top + box.top;
  const bottom = top + box.height;
  if (top < header) window.scrollBy({ top: top - header - GAP });
  else if (bottom > window.innerHeight) window.scrollBy({ top: bottom - window.innerHeight + GAP });
}

function arrowTarget(key: string, index: number, layout: Layout): number | undefined {
  switch (key) {
    case "ArrowRight":
      return index + 1;
    case "ArrowLeft":
      return index - 1;
    case "ArrowDown":
      return verticalNeighbour(layout, index, 1);
    case "ArrowUp":
      return verticalNeighbour(layout, index, -1);
    default:
      return undefined;
  }
}

/** True in the render in which the value is another than before. */
function useChanged(value: number): boolean {
  const previous = useRef(value);
  const isChanged = previous.current !== value;
  useEffect(() => {
    previous.current = value;
  }, [value]);
  return isChanged;
}

function useVisibleRange(list: { current: HTMLElement | null }, layout: Layout, isLaidOut: boolean): Range {
  const [range, setRange] = useState<Range>({ start: 0, end: 0, isNearEnd: false });
  const look = () => {
    const element = list.current;
    if (element === null) return;
    const top = -element.getBoundingClientRect().top;
    const screen = window.innerHeight;
    const { start, end } = visibleRange(layout.rows, top - screen * OVERSCAN, top + screen * (1 + OVERSCAN));
    const isNearEnd = isLaidOut && top + screen * (1 + AHEAD) > layout.height;
    setRange((known) =>
      known.start === start && known.end === end && known.isNearEnd === isNearEnd
        ? known
        : { start, end, isNearEnd },
    );
  };
  useLayoutEffect(look, [layout, isLaidOut]);
  useListener(window, "scroll", look);
  useListener(window, "resize", look);
  return range;
}

const tileElement = (list: HTMLElement | null, key: string) =>
  list?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);

/** Which tile has the focus, and how to move it: to a tile that may not be in the page yet, or is about to leave it. */
function useTileFocus(list: { current: HTMLElement | null }, tiles: readonly Tile[]) {
  const [focusedKey, setFocusedKey] = useState<string | undefined>(undefined);
  const lastIndex = useRef(-1);
  const wanted = useRef<string | undefined>(undefined);
  const focusedIndex = focusedKey === undefined ? -1 : tiles.findIndex((tile) => tile.key === focusedKey);

  useLayoutEffect(() => {
    if (focusedKey === undefined) return;
    if (focusedIndex >= 0) {
      lastIndex.current = focusedIndex;
    } else {
      // The focused photo was deleted: its neighbour takes over, so that the next key does not start from the top.
      const heir = tiles[Math.min(lastIndex.current, tiles.length - 1)];
      wanted.current = heir?.key;
      setFocusedKey(heir?.key);
    }
  });
  useLayoutEffect(() => {
    if (wanted.current === undefined) return;
    const element = tileElement(list.current, wanted.current);
    if (element === undefined || element === null) return;
    wanted.current = undefined;
    element.querySelector<HTMLElement>("button")?.focus({ preventScroll: true });
  });

  return {
    focusedIndex,
    onFocusIn: ({ target }: FocusEvent) => {
      const key = (target as HTMLElement).closest<HTMLElement>("[data-key]")?.dataset.key;
      setFocusedKey(key);
    },
    onFocusOut: ({ relatedTarget, target }: FocusEvent) => {
      // A tile that is removed blurs too; only focus that went elsewhere is let go.
      const isLeaving = relatedTarget instanceof Node && !list.current?.contains(relatedTarget);
      if (isLeaving && (target as HTMLElement).isConnected) setFocusedKey(undefined);
    },
    focus: (index: number) => {
      const tile = tiles[index];
      if (tile === undefined) return;
      wanted.current = tile.key;
      setFocusedKey(tile.key);
    },
  };
}
