/** Draws photographs of a kind (a sky, hills, a sun) in the browser's canvas: none is stored in the repository. */

/** @returns {Promise<Buffer>} an encoded picture of this size, upright as seen */
export async function draw(page, { width, height, type = "image/jpeg", seed = 1 }) {
  const encoded = await page.evaluate(
    async ({ width, height, type, seed }) => {
      let state = seed * 9301 + 49297;
      const random = () => {
        state = (state * 9301 + 49297) % 233280;
        return state / 233280;
      };
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext("2d");
      const hue = Math.floor(random() * 360);
      const sky = context.createLinearGradient(0, 0, 0, height);
      sky.addColorStop(0, `hsl(${hue} 55% 42%)`);
      sky.addColorStop(0.7, `hsl(${(hue + 40) % 360} 70% 78%)`);
      context.fillStyle = sky;
      context.fillRect(0, 0, width, height);
      context.fillStyle = `hsl(${(hue + 50) % 360} 95% 88%)`;
      context.beginPath();
      context.arc(
        width * (0.2 + random() * 0.6),
        height * (0.2 + random() * 0.25),
        Math.min(width, height) * 0.07,
        0,
        7,
      );
      context.fill();
      for (let ridge = 0; ridge < 5; ridge += 1) {
        const base = height * (0.45 + ridge * 0.12);
        const [phase, waves, swell] = [random() * 7, 1.5 + random() * 3, height * (0.09 - ridge * 0.01)];
        context.fillStyle = `hsl(${(hue + 190 + ridge * 6) % 360} ${30 + ridge * 5}% ${52 - ridge * 9}%)`;
        context.beginPath();
        context.moveTo(0, height);
        for (let x = 0; x <= width; x += 4) {
          const wave =
            Math.sin((x / width) * waves * Math.PI + phase) +
            0.35 * Math.sin((x / width) * waves * 9 + phase * 3);
          context.lineTo(x, base - wave * swell);
        }
        context.lineTo(width, height);
        context.fill();
      }
      const blob = await canvas.convertToBlob({ type, quality: 0.86 });
      const bytes = new Uint8Array(await blob.arrayBuffer());
      let text = "";
      for (let start = 0; start < bytes.length; start += 32768)
        text += String.fromCharCode(...bytes.subarray(start, start + 32768));
      return btoa(text);
    },
    { width, height, type, seed },
  );
  return Buffer.from(encoded, "base64");
}

/** Adds EXIF that says "turn a quarter clockwise to see me upright", as phones do. */
export function withOrientation6(jpeg) {
  const tiff = Buffer.from([
    0x4d, 0x4d, 0x00, 0x2a, 0x00, 0x00, 0x00, 0x08, 0x00, 0x01, 0x01, 0x12, 0x00, 0x03, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  ]);
  const payload = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), tiff]);
  const length = payload.length + 2;
  const segment = Buffer.concat([Buffer.from([0xff, 0xe1, length >> 8, length & 0xff]), payload]);
  return Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]);
}
