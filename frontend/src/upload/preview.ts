/**
 * Makes a small local picture of a file. Full-size photos are decoded one at a time and shrunk at once: forty of them
 * in the grid as they are would be gigabytes of pixels.
 */

const PREVIEW_PIXELS = 640;

export interface Preview {
  url: string;
  width: number;
  height: number;
}

let queue: Promise<unknown> = Promise.resolve();

export function makePreview(file: Blob): Promise<Preview | undefined> {
  // A picture this browser cannot decode has no preview; the gallery may still accept it.
  const preview = queue.then(() => decode(file)).catch(() => undefined);
  queue = preview;
  return preview;
}

async function decode(file: Blob): Promise<Preview | undefined> {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const { width, height } = bitmap;
  const scale = Math.min(1, PREVIEW_PIXELS / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  if (context !== null) context.imageSmoothingQuality = "high";
  context?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/webp", 0.82));
  return blob === null ? undefined : { url: URL.createObjectURL(blob), width, height };
}
