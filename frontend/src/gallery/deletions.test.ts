import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Deletions, UNDO_MS } from "./deletions";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function makeDeletions(remove: () => Promise<void> = async () => undefined) {
  const log: string[] = [];
  const deletions = new Deletions({
    remove: (id, keepalive) => {
      log.push(`remove ${id}${keepalive ? " keepalive" : ""}`);
      return remove();
    },
    onCommitted: (id) => log.push(`committed ${id}`),
    onDeleted: (id) => log.push(`deleted ${id}`),
    onFailed: (id) => log.push(`failed ${id}`),
  });
  return { deletions, log };
}

it("tells the API only when the time for Undo is over", async () => {
  const { deletions, log } = makeDeletions();
  deletions.start("a");
  await vi.advanceTimersByTimeAsync(UNDO_MS - 1);
  expect(log).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(log).toEqual(["committed a", "remove a", "deleted a"]);
});

it("never tells the API what was undone, and says when Undo came too late", async () => {
  const { deletions, log } = makeDeletions();
  deletions.start("a");
  expect(deletions.undo("a")).toBe(true);
  await vi.advanceTimersByTimeAsync(UNDO_MS * 2);
  expect(log).toEqual([]);
  expect(deletions.undo("a")).toBe(false);
});

it("sends everything pending once, with keepalive, when the page goes away", async () => {
  const { deletions, log } = makeDeletions();
  deletions.start("a");
  deletions.start("b");
  deletions.flush();
  deletions.flush();
  await vi.advanceTimersByTimeAsync(UNDO_MS * 2);
  expect(log.filter((line) => line.startsWith("remove"))).toEqual([
    "remove a keepalive",
    "remove b keepalive",
  ]);
});

it("waits while the visitor is at the toast", async () => {
  const { deletions, log } = makeDeletions();
  deletions.start("a");
  await vi.advanceTimersByTimeAsync(UNDO_MS - 1000);
  deletions.pause("a");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(log).toEqual([]);
  deletions.resume("a");
  await vi.advanceTimersByTimeAsync(UNDO_MS);
  expect(log).toContain("deleted a");
});

it("says which delete failed, so that the photo can come back", async () => {
  const { deletions, log } = makeDeletions(() => Promise.reject(new Error("500")));
  deletions.now("a");
  await vi.advanceTimersByTimeAsync(0);
  expect(log).toEqual(["committed a", "remove a", "failed a"]);
});
