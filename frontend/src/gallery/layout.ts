/**
 * Justified rows: every row but the last fills the width exactly, at a height near the wanted one.
 * Positions are whole pixels, so that neighbours neither overlap nor leave hairlines.
 */

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Row {
  /** Index of the first box in the row, and one past the last. */
  start: number;
  end: number;
  top: number;
  height: number;
}

export interface Layout {
  boxes: Box[];
  rows: Row[];
  height: number;
}

export interface LayoutOptions {
  width: number;
  rowHeight: number;
  gap: number;
}

/** Panoramas and banners are cropped to these in the grid, so that no row becomes a sliver or a tower. */
export const MIN_RATIO = 0.5;
export const MAX_RATIO = 3.2;
const FALLBACK_RATIO = 3 / 2;
/** The last row may grow this much to fill the width; beyond it stays ragged. */
const LAST_ROW_STRETCH = 1.35;

/** Width by height as the grid shows it, whatever nonsense the sizes are. */
export function displayRatio(width: number, height: number): number {
  const ratio = width / height;
  return ratio > 0 && Number.isFinite(ratio)
    ? Math.min(MAX_RATIO, Math.max(MIN_RATIO, ratio))
    : FALLBACK_RATIO;
}

/** The height at which these ratios fill the width. */
const fittingHeight = (ratioSum: number, count: number, { width, gap }: LayoutOptions) =>
  (width - gap * (count - 1)) / ratioSum;

/** Splits into rows: a photo joins the row when that brings the row nearer to the wanted height. */
function splitRows(ratios: readonly number[], options: LayoutOptions): { start: number; end: number }[] {
  const rows: { start: number; end: number }[] = [];
  let start = 0;
  let sum = 0;
  for (const [index, ratio] of ratios.entries()) {
    const before = fittingHeight(sum, index - start, options);
    const after = fittingHeight(sum + ratio, index - start + 1, options);
    const isFull = index > start && after < options.rowHeight;
    if (isFull && before / options.rowHeight < options.rowHeight / after) {
      rows.push({ start, end: index });
      start = index;
      sum = 0;
    }
    sum += ratio;
    if (fittingHeight(sum, index - start + 1, options) <= options.rowHeight) {
      rows.push({ start, end: index + 1 });
      start = index + 1;
      sum = 0;
    }
  }
  if (start < ratios.length) rows.push({ start, end: ratios.length });
  return rows;
}

export function justify(ratios: readonly number[], options: LayoutOptions): Layout {
  const { rowHeight, gap } = options;
  const width = Math.floor(options.width);
  if (width < 1) return { boxes: [], rows: [], height: 0 };
  const boxes: Box[] = [];
  const rows: Row[] = [];
  let top = 0;
  for (const { start, end } of splitRows(ratios, { ...options, width })) {
    const members = ratios.slice(start, end);
    const sum = members.reduce((total, ratio) => total + ratio, 0);
    const fitting = fittingHeight(sum, members.length, { ...options, width });
    const isRagged = end === ratios.length && fitting > rowHeight * LAST_ROW_STRETCH;
    const exactHeight = isRagged ? rowHeight : fitting;
    const height = Math.max(1, Math.round(exactHeight));
    let edge = 0;
    for (const [position, ratio] of members.entries()) {
      const left = Math.round(edge);
      edge += ratio * exactHeight;
      const isLast = position === members.length - 1;
      const right = isLast && !isRagged ? width : Math.min(width, Math.round(edge));
      boxes.push({ left, top, width: Math.max(1, right - left), height });
      edge += gap;
    }
    rows.push({ start, end, top, height });
    top += height + gap;
  }
  return { boxes, rows, height: Math.max(0, top - gap) };
}

const DEFAULT_THUMBNAIL_HEIGHT = 400;

/**
 * The row height that suits a page this wide: two photos a row on a phone, four or five on a desk; and not so high that
 * the gallery's thumbnails would have to be blown up much (a landscape one is two thirds as high as the limit says).
 */
export function rowHeightFor(width: number, thumbnailHeight = DEFAULT_THUMBNAIL_HEIGHT): number {
  const highest = Math.max(128, Math.min(320, thumbnailHeight * 0.7));
  return Math.round(Math.min(highest, Math.max(128, 84 + width * 0.14)));
}

/** The photos in rows that touch the stretch from `top` to `bottom`, as start and end index. */
export function visibleRange(
  rows: readonly Row[],
  top: number,
  bottom: number,
): { start: number; end: number } {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (row !== undefined && row.top + row.height < top) low = middle + 1;
    else high = middle;
  }
  let last = low;
  while (last < rows.length && (rows[last]?.top ?? 0) <= bottom) last += 1;
  const start = rows[low]?.start ?? 0;
  return { start, end: last > low ? (rows[last - 1]?.end ?? start) : start };
}

/** The photo above or below `index` whose middle is nearest, for the arrow keys. */
export function verticalNeighbour(layout: Layout, index: number, direction: 1 | -1): number {
  const rowIndex = layout.rows.findIndex((row) => index >= row.start && index < row.end);
  const row = layout.rows[rowIndex + direction];
  const from = layout.boxes[index];
  if (row === undefined || from === undefined) return index;
  const middle = from.left + from.width / 2;
  let best = row.start;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (let candidate = row.start; candidate < row.end; candidate += 1) {
    const box = layout.boxes[candidate];
    if (box === undefined) continue;
    const distance = Math.abs(box.left + box.width / 2 - middle);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}
