import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Poller } from "./poller";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function makePoller(look: () => Promise<void> = async () => undefined) {
  const looks: number[] = [];
  const givenUp: string[] = [];
  const start = Date.now();
  const poller = new Poller({
    look: () => {
      looks.push((Date.now() - start) / 1000);
      return look();
    },
    giveUp: (id) => givenUp.push(id),
  });
  return { poller, looks, givenUp };
}

it("looks after 1, 2, 4, 8 and then every 15 seconds, and gives up after two minutes", async () => {
  const { poller, looks, givenUp } = makePoller();
  poller.await("a");
  await vi.advanceTimersByTimeAsync(300_000);
  expect(looks).toEqual([1, 3, 7, 15, 30, 45, 60, 75, 90, 105, 120]);
  expect(givenUp).toEqual(["a"]);
  expect(poller.waiting).toBe(0);
});

it("looks soon again when another photo comes", async () => {
  const { poller, looks } = makePoller();
  poller.await("a");
  await vi.advanceTimersByTimeAsync(8000);
  poller.await("b");
  await vi.advanceTimersByTimeAsync(1500);
  expect(looks).toEqual([1, 3, 7, 9]);
});

it("stops when nothing is awaited any more", async () => {
  const { poller, looks } = makePoller();
  poller.await("a");
  await vi.advanceTimersByTimeAsync(1000);
  poller.settle("a");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(looks).toEqual([1]);
});

it("goes on after a look that failed", async () => {
  const { poller, looks } = makePoller(() => Promise.reject(new Error("offline")));
  poller.await("a");
  await vi.advanceTimersByTimeAsync(3500);
  expect(looks).toEqual([1, 3]);
});
