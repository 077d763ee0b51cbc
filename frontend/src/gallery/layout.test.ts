import { describe, expect, it } from "vitest";
import {
  displayRatio,
  justify,
  MAX_RATIO,
  MIN_RATIO,
  rowHeightFor,
  verticalNeighbour,
  visibleRange,
} from "./layout";

/** The same "random" numbers in every run, so that a failure can be looked at. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

const ODD_SIZES = [0, -5, Number.NaN, Number.POSITIVE_INFINITY, 1, 3, 40, 800, 1200, 4000, 60_000];
const GAP = 3;

function randomCase(seed: number) {
  const random = randomFrom(seed);
  const pick = () => ODD_SIZES[Math.floor(random() * ODD_SIZES.length)] ?? 0;
  const usual = () => 400 + random() * 4000;
  const count = Math.floor(random() * 90);
  const ratios = Array.from({ length: count }, () =>
    random() < 0.2 ? displayRatio(pick(), pick()) : displayRatio(usual(), usual()),
  );
  const width = 240 + Math.floor(random() * 2400);
  return { ratios, width, layout: justify(ratios, { width, rowHeight: rowHeightFor(width), gap: GAP }) };
}

const cases = Array.from({ length: 300 }, (_, seed) => randomCase(seed + 1));

describe("justified rows, over 300 random galleries", () => {
  it("place every photo once, in order, without NaN", () => {
    for (const { ratios, layout } of cases) {
      expect(layout.boxes).toHaveLength(ratios.length);
      expect(
        layout.rows.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i)),
      ).toEqual(ratios.map((_, index) => index));
      for (const box of layout.boxes) {
        for (const value of [box.left, box.top, box.width, box.height])
          expect(Number.isInteger(value)).toBe(true);
        expect(Math.min(box.width, box.height)).toBeGreaterThan(0);
      }
    }
  });

  it("fill the width to the pixel in every row but the last", () => {
    for (const { width, layout } of cases) {
      for (const row of layout.rows.slice(0, -1)) {
        const last = layout.boxes[row.end - 1];
        expect(layout.boxes[row.start]?.left).toBe(0);
        expect((last?.left ?? 0) + (last?.width ?? 0)).toBe(width);
      }
    }
  });

  it("keep the same gap everywhere and never overlap", () => {
    for (const { width, layout } of cases) {
      for (const [index, row] of layout.rows.entries()) {
        const next = layout.rows[index + 1];
        if (next !== undefined) expect(next.top - row.top - row.height).toBe(GAP);
        for (let box = row.start; box < row.end - 1; box += 1) {
          const [left, right] = [layout.boxes[box], layout.boxes[box + 1]];
          const gap = (right?.left ?? 0) - (left?.left ?? 0) - (left?.width ?? 0);
          expect(Math.abs(gap - GAP)).toBeLessThanOrEqual(1);
        }
        const last = layout.boxes[row.end - 1];
        expect((last?.left ?? 0) + (last?.width ?? 0)).toBeLessThanOrEqual(width);
      }
      expect(layout.height).toBe(
        Math.max(0, (layout.rows.at(-1)?.top ?? 0) + (layout.rows.at(-1)?.height ?? 0)),
      );
    }
  });

  it("keep heights near the wanted one", () => {
    for (const { width, layout } of cases) {
      const wanted = rowHeightFor(width);
      for (const row of layout.rows.slice(0, -1)) {
        // A narrow page with one tall photo in the row is as far as it goes.
        expect(row.height).toBeLessThanOrEqual(Math.max(wanted * 2.1, width / MIN_RATIO));
        expect(row.height).toBeGreaterThan(wanted * 0.4);
      }
    }
  });

  it("keep each photo's shape within a pixel or two of rounding", () => {
    for (const { ratios, layout } of cases) {
      for (const [index, box] of layout.boxes.entries()) {
        expect(Math.abs(box.width - (ratios[index] ?? 0) * box.height)).toBeLessThan(4);
      }
    }
  });
});

describe("justify", () => {
  it("lays out nothing for no photos or no width", () => {
    expect(justify([], { width: 800, rowHeight: 200, gap: 3 })).toEqual({ boxes: [], rows: [], height: 0 });
    expect(justify([1.5], { width: 0, rowHeight: 200, gap: 3 })).toEqual({ boxes: [], rows: [], height: 0 });
  });

  it("leaves a lone photo at the wanted height instead of blowing it up", () => {
    const { boxes } = justify([1.5], { width: 1440, rowHeight: 280, gap: 3 });
    expect(boxes).toEqual([{ left: 0, top: 0, width: 420, height: 280 }]);
  });

  it("does not move earlier rows when photos are appended", () => {
    const ratios = Array.from({ length: 40 }, (_, index) => 0.7 + (index % 7) * 0.2);
    const options = { width: 1200, rowHeight: 250, gap: 3 };
    const before = justify(ratios.slice(0, 30), options);
    const after = justify(ratios, options);
    const settled = before.rows.at(-1)?.start ?? 0;
    expect(after.boxes.slice(0, settled)).toEqual(before.boxes.slice(0, settled));
  });

  it("lays out ten thousand photos in a moment", () => {
    const ratios = Array.from({ length: 10_000 }, (_, index) => 0.6 + (index % 11) * 0.13);
    const start = performance.now();
    justify(ratios, { width: 1440, rowHeight: 280, gap: 3 });
    expect(performance.now() - start).toBeLessThan(200);
  });
});

describe("displayRatio", () => {
  it("crops extremes and survives nonsense", () => {
    expect(displayRatio(30_000, 10)).toBe(MAX_RATIO);
    expect(displayRatio(10, 30_000)).toBe(MIN_RATIO);
    for (const [width, height] of [
      [0, 0],
      [100, 0],
      [0, 100],
      [Number.NaN, 1],
      [-3, 4],
    ] as const) {
      expect(displayRatio(width, height)).toBe(1.5);
    }
  });
});

describe("visibleRange", () => {
  const { layout } = randomCase(7);

  it("holds exactly the rows that touch the window", () => {
    for (let top = -500; top < layout.height + 500; top += 37) {
      const bottom = top + 600;
      const { start, end } = visibleRange(layout.rows, top, bottom);
      const touching = layout.rows.filter((row) => row.top + row.height >= top && row.top <= bottom);
      expect(end - start).toBe(touching.reduce((sum, row) => sum + row.end - row.start, 0));
      if (touching.length > 0) expect(start).toBe(touching[0]?.start);
    }
  });

  it("is empty for an empty grid", () => {
    expect(visibleRange([], 0, 1000)).toEqual({ start: 0, end: 0 });
  });
});

describe("verticalNeighbour", () => {
  const layout = justify(
    Array.from({ length: 12 }, () => 1.5),
    { width: 900, rowHeight: 200, gap: 3 },
  );

  it("finds the photo right below and right above", () => {
    expect(verticalNeighbour(layout, 1, 1)).toBe(4);
    expect(verticalNeighbour(layout, 4, -1)).toBe(1);
  });

  it("stays where there is no row", () => {
    expect(verticalNeighbour(layout, 1, -1)).toBe(1);
    expect(verticalNeighbour(layout, 11, 1)).toBe(11);
  });
});
