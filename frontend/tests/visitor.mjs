/**
 * A visitor of a LIVE gallery: adds a JPEG with EXIF orientation 6, a PNG and a WebP, waits for their thumbnails and
 * looks whether they stand upright, opens one, deletes one, and looks again as someone else whether it stays away.
 *
 *   GALLERY_URL  the gallery, for instance http://summer.localhost:8080
 *   FIXTURES     a folder with one .jpg (orientation 6), one .png and one .webp; absent: drawn on the spot
 *   OUT          where screenshots go (default: target/visitor)
 *   WAIT_SECONDS how long thumbnails may take (default 120)
 *
 * Prints one JSON object; exits 1 with a message on stderr when something is not as a visitor may expect.
 */
import assert from "node:assert/strict";
import { mkdir, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { launch, until } from "./chromium.mjs";
import { draw, withOrientation6 } from "./pictures.mjs";

const url = process.env.GALLERY_URL;
const out = process.env.OUT ?? fileURLToPath(new URL("../target/visitor", import.meta.url));
const patienceMs = Number(process.env.WAIT_SECONDS ?? 120) * 1000;
const MIME_TYPES = {
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".png": "image/png",
  ".webp": "image/webp",
};
/** A tile's picture made by the thumbnail function: the thumbnail or, on a sharp screen, a rendition. */
const SHOWN = '.photo.loaded:is([data-source="thumbnail"], [data-source="best"])';
/** Mean difference of 16 by 16 grey values, 0 to 255: JPEG at any usable quality stays below; a turned picture does not. */
const MAX_DIFFERENCE = 20;

const browser = await launch();
let page;

async function fixtures() {
  const run = Date.now().toString(36);
  const folder = process.env.FIXTURES;
  if (folder === undefined) {
    const canvas = await browser.newPage();
    const drawn = [
      ["portrait.jpg", withOrientation6(await draw(canvas, { width: 1600, height: 1000, seed: 41 }))],
      ["landscape.png", await draw(canvas, { width: 900, height: 600, type: "image/png", seed: 42 })],
      ["tower.webp", await draw(canvas, { width: 700, height: 1100, type: "image/webp", seed: 43 })],
    ];
    await canvas.close();
    return drawn.map(([name, buffer]) => fixture(run, name, buffer));
  }
  const names = (await readdir(folder)).sort();
  const chosen = [/\.jpe?g$/i, /\.png$/i, /\.webp$/i].map((kind) => {
    const name = names.find((candidate) => kind.test(candidate));
    assert.ok(name !== undefined, `FIXTURES holds no file like ${kind}`);
    return name;
  });
  return Promise.all(chosen.map(async (name) => fixture(run, name, await readFile(path.join(folder, name)))));
}

/** A name of this run's own, so that the gallery may hold other photos already. */
const fixture = (run, name, buffer) => ({
  name: `${run}-${name}`,
  buffer,
  mimeType: MIME_TYPES[path.extname(name).toLowerCase()],
});

/** How the browser shows an encoded picture: its size and 16 by 16 grey values. Independent of the page's own code. */
function look(blank, buffer) {
  return blank.evaluate(async (encoded) => {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes]), { imageOrientation: "from-image" });
    const canvas = new OffscreenCanvas(16, 16);
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, 16, 16);
    const { data } = context.getImageData(0, 0, 16, 16);
    const greys = [];
    for (let index = 0; index < data.length; index += 4)
      greys.push((data[index] + data[index + 1] + data[index + 2]) / 3);
    return { width: bitmap.width, height: bitmap.height, greys };
  }, buffer.toString("base64"));
}

const difference = (left, right) =>
  left.reduce((sum, grey, index) => sum + Math.abs(grey - right[index]), 0) / left.length;
const stance = ({ width, height }) => (width > height ? "landscape" : width < height ? "portrait" : "square");

/** A visitor of their own: no cache, nothing remembered. */
async function visit() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-GB" });
  const visitor = await context.newPage();
  visitor.troubles = [];
  visitor.images = new Map();
  visitor.on("pageerror", (error) => visitor.troubles.push(String(error)));
  visitor.on("console", (message) => {
    if (/Content Security Policy/i.test(message.text())) visitor.troubles.push(message.text());
  });
  visitor.on("response", (response) => {
    if (response.request().resourceType() === "image") visitor.images.set(response.url(), response);
  });
  await visitor.goto(url);
  await visitor.locator('.tile, .state:has-text("No photos yet")').first().waitFor({ timeout: 30_000 });
  return visitor;
}

const tile = (name) => page.locator(`.tile[data-filename="${name}"]`);

async function add(files) {
  await page.locator(".file-input").setInputFiles(files);
  const start = performance.now();
  const seconds = {};
  await until(
    "a thumbnail of each photo",
    async () => {
      for (const { name } of files) {
        const state = await tile(name).getAttribute("data-state", { timeout: 5000 });
        if (state === "failed") throw new Error(`${name} failed: ${await tile(name).textContent()}`);
        const isShown = (await tile(name).locator(SHOWN).count()) > 0;
        if (isShown) seconds[name] ??= Number(((performance.now() - start) / 1000).toFixed(1));
      }
      return Object.keys(seconds).length === files.length;
    },
    patienceMs,
  );
  return seconds;
}

/** The thumbnail as someone else gets it: upright, of the right shape, and showing what was uploaded. */
async function examine(blank, { name, buffer }) {
  const picture = tile(name).locator(SHOWN);
  await picture.waitFor({ timeout: 30_000 });
  const natural = await picture.evaluate((image) => ({
    src: image.currentSrc,
    width: image.naturalWidth,
    height: image.naturalHeight,
  }));
  const expected = await look(blank, buffer);
  const shown = await tile(name).boundingBox();
  assert.equal(
    stance(natural),
    stance(expected),
    `${name}: the thumbnail is ${natural.width} by ${natural.height}`,
  );
  assert.equal(stance(shown), stance(expected), `${name}: the tile is ${shown.width} by ${shown.height}`);
  const ratio = (natural.width / natural.height) * (expected.height / expected.width);
  assert.ok(Math.abs(ratio - 1) < 0.03, `${name}: the thumbnail's shape is off by ${ratio}`);
  const served = await page.images.get(natural.src)?.body();
  assert.ok(served !== undefined, `${name}: the thumbnail did not come over the network`);
  const off = difference((await look(blank, served)).greys, expected.greys);
  assert.ok(
    off < MAX_DIFFERENCE,
    `${name}: the thumbnail does not show the photo upright (difference ${off.toFixed(1)})`,
  );
  return {
    filename: name,
    photoId: await tile(name).getAttribute("data-photo-id"),
    stance: stance(natural),
    thumbnail: {
      width: natural.width,
      height: natural.height,
      contentType: (await page.images.get(natural.src).allHeaders())["content-type"],
    },
    difference: Number(off.toFixed(1)),
  };
}

async function openAndClose(blank, { name, buffer }) {
  await tile(name).locator(".tile-open").click();
  const dialog = page.getByRole("dialog", { name: "Photo viewer" });
  await dialog.waitFor();
  const expected = await look(blank, buffer);
  // The original, or a rendition that is as sharp on this screen.
  await until("the photo, upright and sharp", () =>
    page.evaluate(
      ({ name, width, height }) =>
        [...document.querySelectorAll(".pswp__img")].some((image) => {
          const isWhole = Math.abs((image.naturalWidth / image.naturalHeight) * (height / width) - 1) < 0.01;
          const isSharp = image.naturalWidth >= Math.min(width, image.clientWidth * devicePixelRatio * 0.9);
          return image.alt === name && isWhole && isSharp;
        }),
      { name, ...expected },
    ),
  );
  await page.waitForTimeout(400);
  await page.screenshot({ path: path.join(out, "viewer.png") });
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await until("focus back on the tile", () =>
    page.evaluate(
      (name) => document.activeElement?.closest("[data-filename]")?.dataset.filename === name,
      name,
    ),
  );
  return { filename: name, width: expected.width, height: expected.height };
}

async function remove(name) {
  const deleted = page.waitForResponse((response) => response.request().method() === "DELETE", {
    timeout: 20_000,
  });
  await tile(name).hover();
  await tile(name).locator(".tile-delete").click();
  await tile(name).waitFor({ state: "detached" });
  await page.screenshot({ path: path.join(out, "deleted.png") });
  // Away from the toast, which waits while the pointer is on it.
  await page.mouse.move(5, 5);
  const status = (await deleted).status();
  assert.equal(status, 204, `the delete answered ${status}`);
  return status;
}

async function run() {
  assert.ok(url, "GALLERY_URL is not set");
  await mkdir(out, { recursive: true });
  const files = await fixtures();
  const blank = await browser.newPage();

  page = await visit();
  const title = await page.title();
  const seconds = await add(files);
  await page.screenshot({ path: path.join(out, "uploaded.png") });
  const uploader = page;

  page = await visit();
  const uploaded = [];
  for (const file of files) uploaded.push({ ...(await examine(blank, file)), seconds: seconds[file.name] });
  await page.screenshot({ path: path.join(out, "gallery.png") });
  const opened = await openAndClose(blank, files[0]);
  const status = await remove(files[1].name);
  const reader = page;

  page = await visit();
  await tile(files[0].name).waitFor();
  assert.equal(await tile(files[1].name).count(), 0, `${files[1].name} is back after its delete`);
  await page.screenshot({ path: path.join(out, "after-delete.png") });
  const troubles = [uploader, reader, page].flatMap((visitor) => visitor.troubles);
  assert.deepEqual(troubles, [], "the page complained");
  return { ok: true, url, title, uploaded, opened, deleted: { filename: files[1].name, status } };
}

try {
  console.log(JSON.stringify(await run(), undefined, 2));
} catch (error) {
  await page?.screenshot({ path: path.join(out, "failure.png") }).catch(() => undefined);
  console.log(JSON.stringify({ ok: false, url, error: error.message }, undefined, 2));
  console.error(`The visitor was let down: ${error.message}\nScreenshots are in ${out}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
