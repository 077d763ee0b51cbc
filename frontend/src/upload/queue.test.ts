import { expect, it } from "vitest";
import { type NewUpload, reduceUploads, summarize, type Upload, type UploadEvent } from "./queue";

const fresh = (id: string, size = 100): NewUpload => ({
  id,
  file: { size } as File,
  filename: `${id}.jpg`,
  contentType: "image/jpeg",
  width: 0,
  height: 0,
});
const run = (...events: UploadEvent[]) => events.reduce<Upload[]>(reduceUploads, []);
const added: UploadEvent = { type: "added", uploads: [fresh("a"), fresh("b")] };

it("the last one added comes first, as it will in the list", () => {
  const uploads = run(added, { type: "added", uploads: [fresh("c")] });
  expect(uploads.map(({ id }) => id)).toEqual(["c", "b", "a"]);
});

it("an upload goes from waiting to ready", () => {
  const steps: UploadEvent[] = [
    { type: "signed", id: "a", photoId: "A" },
    { type: "progressed", id: "a", progress: 0.5 },
    { type: "stored", id: "a" },
    { type: "listed", photoIds: new Set(["A"]) },
  ];
  const seen = steps.map(
    (_, index) => run(added, ...steps.slice(0, index + 1)).find(({ id }) => id === "a")?.status,
  );
  expect(seen).toEqual(["sending", "sending", "preparing", "ready"]);
});

it("one that takes long says so, and still becomes ready", () => {
  const slow = run(
    added,
    { type: "signed", id: "a", photoId: "A" },
    { type: "stored", id: "a" },
    { type: "slowed", photoId: "A" },
  );
  expect(slow.at(-1)?.status).toBe("slow");
  expect(reduceUploads(slow, { type: "listed", photoIds: new Set(["A"]) }).at(-1)?.status).toBe("ready");
});

it("progress never runs backwards, and a retry starts over with a new photo id", () => {
  const failed = run(
    added,
    { type: "signed", id: "a", photoId: "A" },
    { type: "progressed", id: "a", progress: 0.8 },
    { type: "progressed", id: "a", progress: 0.1 },
    { type: "failed", id: "a", reason: "The connection was lost." },
  );
  expect(failed.at(-1)).toMatchObject({ status: "failed", progress: 0.8, photoId: undefined });
  const retried = reduceUploads(failed, { type: "retried", id: "a" });
  expect(retried.at(-1)).toMatchObject({ status: "waiting", progress: 0, reason: undefined });
});

it("the preview's size is taken only where the file's own could not be read", () => {
  const measured = run({ type: "added", uploads: [{ ...fresh("a"), width: 30, height: 20 }] });
  const event: UploadEvent = { type: "previewed", id: "a", previewUrl: "blob:a", width: 3, height: 2 };
  expect(reduceUploads(measured, event)[0]).toMatchObject({ width: 30, height: 20, previewUrl: "blob:a" });
  expect(reduceUploads(run({ type: "added", uploads: [fresh("a")] }), event)[0]).toMatchObject({
    width: 3,
    height: 2,
  });
});

it("the summary counts bytes, not files", () => {
  const uploads = run(
    { type: "added", uploads: [fresh("small", 100), fresh("large", 900), fresh("bad", 5)] },
    { type: "progressed", id: "large", progress: 0.5 },
    { type: "failed", id: "bad", reason: "" },
  );
  expect(summarize(uploads)).toEqual({ active: 2, failed: 1, progress: 0.45 });
  expect(summarize([])).toEqual({ active: 0, failed: 0, progress: 0 });
});
