/**
 * The page in a real Chromium against a mock gallery, under its real Content-Security-Policy. Every scenario also
 * checks: no axe violation in the states it names, no message in the console, layout shift at most 0.01.
 * Screenshots land in `target/screenshots`. `node tests/browser.mjs upload` runs the scenarios whose name says "upload".
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { launch, until } from "./chromium.mjs";
import { startMock } from "./mock.mjs";
import { draw, withOrientation6 } from "./pictures.mjs";

const OUT = fileURLToPath(new URL("../target/screenshots", import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const MAX_LAYOUT_SHIFT = 0.01;
/** What a test makes fail on purpose shows in the console, too. */
const INTENDED =
  /Failed to load resource: the server responded with a status of (403|413|500)|ERR_INTERNET_DISCONNECTED/;

const browser = await launch();
const gallery = await startMock({ measure: (filename) => shapes.get(filename) });
const shapes = new Map();
const pictures = await drawPictures();

async function drawPictures() {
  const page = await browser.newPage();
  const drawn = [];
  const sizes = [
    [1200, 800],
    [800, 1067],
    [1200, 675],
    [1100, 1100],
    [1200, 800],
    [750, 1125],
    [1200, 900],
    [1400, 600],
  ];
  for (let seed = 1; seed <= 16; seed += 1) {
    const [width, height] = sizes[(seed - 1) % sizes.length];
    drawn.push({ content: await draw(page, { width, height, seed }), width, height });
  }
  const upright = withOrientation6(await draw(page, { width: 900, height: 600, seed: 31 }));
  const png = await draw(page, { width: 640, height: 480, type: "image/png", seed: 32 });
  const webp = await draw(page, { width: 1000, height: 500, type: "image/webp", seed: 33 });
  const large = await drawLarge(page);
  await page.close();
  return { drawn, upright, png, webp, large };
}

/** A photo with everything that the functions make of one. */
async function drawLarge(page) {
  const at = async (width) => {
    const height = Math.round((width * 2) / 3);
    return { width, height, content: await draw(page, { width, height, seed: 34 }) };
  };
  const [thumbnail, ...renditions] = await Promise.all([400, 1024, 2048].map(at));
  return {
    ...(await at(3000)),
    thumbnail: thumbnail.content,
    renditions,
    thumbhash: "3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
    dominantColor: "#3a6ea5",
  };
}

function fillLarge(count) {
  for (let index = 0; index < count; index += 1)
    gallery.add({ ...pictures.large, filename: `DSC_${1000 + index}.jpg`, contentType: "image/jpeg" });
}

/** Where the pictures came from that the page has loaded. */
const asked = () =>
  [...new Set(gallery.log.pictures.map((path) => path.replace(/[0-9A-Z]{26}/, "*")))].sort();

function fill(count = 16) {
  for (let index = 0; index < count; index += 1) {
    const picture = pictures.drawn[index % pictures.drawn.length];
    gallery.add({ ...picture, filename: `IMG_${1000 + index}.jpg`, contentType: "image/jpeg" });
  }
}

function uploadFiles() {
  shapes.set("portrait.jpg", { width: 600, height: 900 });
  shapes.set("drawing.png", { width: 640, height: 480 });
  shapes.set("wide.webp", { width: 1000, height: 500 });
  return [
    { name: "portrait.jpg", mimeType: "image/jpeg", buffer: pictures.upright },
    { name: "drawing.png", mimeType: "image/png", buffer: pictures.png },
    { name: "wide.webp", mimeType: "image/webp", buffer: pictures.webp },
  ];
}

/** A page that remembers everything it should not do. */
async function open({ width = 1440, height = 900, colorScheme = "light", ...more } = {}) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    locale: "en-GB",
    ...more,
  });
  const page = await context.newPage();
  page.complaints = [];
  page.on("console", (message) => {
    const isTrouble = ["error", "warning"].includes(message.type());
    if (isTrouble && !INTENDED.test(message.text())) page.complaints.push(message.text());
  });
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  await page.addInitScript(() => {
    window.layoutShift = 0;
    new PerformanceObserver((entries) => {
      for (const entry of entries.getEntries()) if (!entry.hadRecentInput) window.layoutShift += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) =>
      window.violations.push(event.violatedDirective),
    );
  });
  await page.goto(gallery.origin);
  return page;
}

async function close(page) {
  const { shift, violations } = await page.evaluate(() => ({
    shift: window.layoutShift,
    violations: window.violations,
  }));
  assert.ok(shift <= MAX_LAYOUT_SHIFT, `layout shift ${shift}`);
  assert.deepEqual(violations, [], "content security policy");
  assert.deepEqual(page.complaints, [], "console");
  await page.context().close();
}

async function accessible(page, state) {
  // Colours that are still fading in are not the ones to judge.
  await page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter((a) => a.effect?.getComputedTiming().iterations === 1)
        .map((a) => a.finished.catch(() => undefined)),
    ),
  );
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const found = await window.axe.run(document, { runOnly: tags });
    return found.violations.map(
      ({ id, help, nodes }) => `${id}: ${help} (${nodes.map((node) => node.target).join(", ")})`,
    );
  });
  assert.deepEqual(violations, [], `axe, ${state}`);
}

const shoot = (page, name) => page.screenshot({ path: path.join(OUT, `${name}.png`) });
const tiles = (page, state) => page.locator(state === undefined ? ".tile" : `.tile[data-state="${state}"]`);
const loaded = (page, count) =>
  until(
    `${count} loaded pictures`,
    async () => (await page.locator(".picture.photo.loaded").count()) >= count,
  );
/** Whether the photo in the middle of the viewer is shown by a picture of this width. */
const widthInViewer = (page, width) =>
  page.evaluate(
    (width) =>
      [...document.querySelectorAll('.pswp__item[aria-hidden="false"] .pswp__img')].some(
        (image) => image.complete && image.naturalWidth === width,
      ),
    width,
  );
const focusedTile = (page) =>
  page.evaluate(() => document.activeElement?.closest("[data-filename]")?.dataset.filename);
const addFiles = (page, files) => page.locator(".file-input").setInputFiles(files);

const scenarios = {
  async "an empty gallery invites"() {
    for (const colorScheme of ["light", "dark"]) {
      const page = await open({ width: 1000, height: 700, colorScheme });
      await page.getByRole("heading", { name: "No photos yet" }).waitFor();
      assert.equal(await page.title(), "Summer 2026");
      assert.equal(await page.getByRole("button", { name: "Add photos" }).count(), 1);
      await accessible(page, `empty, ${colorScheme}`);
      await shoot(page, `empty-${colorScheme}`);
      await close(page);
    }
  },

  async "the grid fills every row, in light and dark, from phone to desk"() {
    fill();
    for (const width of [360, 768, 1440]) {
      for (const colorScheme of ["light", "dark"]) {
        const page = await open({ width, height: width === 360 ? 740 : 900, colorScheme });
        await loaded(page, 4);
        const { right, page: pageWidth } = await page.evaluate(() => ({
          right: Math.max(
            ...[...document.querySelectorAll(".tile")].map((tile) => tile.getBoundingClientRect().right),
          ),
          page: document.documentElement.clientWidth,
        }));
        assert.equal(right, pageWidth);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
        await accessible(page, `grid, ${width}, ${colorScheme}`);
        await shoot(page, `grid-${width}-${colorScheme}`);
        await close(page);
      }
    }
  },

  async "a title is text, whatever it says"() {
    fill(2);
    const title = gallery.settings.title;
    gallery.settings.title = '<img src=x onerror="alert(1)"> & friends';
    const page = await open();
    await loaded(page, 2);
    assert.equal(await page.locator("h1").textContent(), gallery.settings.title);
    assert.equal(await page.title(), gallery.settings.title);
    gallery.settings.title = title;
    await close(page);
  },

  async "many photos load as one scrolls, and few are in the page"() {
    fill(400);
    const page = await open();
    await loaded(page, 5);
    assert.equal(await page.locator(".count").textContent(), "60+ photos");
    await until("the end of 400 photos", async () => {
      await page.mouse.wheel(0, 3000);
      return (await page.locator(".count").textContent()) === "400 photos";
    });
    assert.ok((await tiles(page).count()) < 90, "tiles in the page");
    await close(page);
  },

  async "upload: three photos appear at once, with progress, and stay in place when ready"() {
    fill(6);
    gallery.settings.uploadDelayMs = 700;
    const page = await open();
    await loaded(page, 6);
    await addFiles(page, uploadFiles());
    await until(
      "three tiles on their way",
      async () => (await page.locator(".arriving .preview").count()) === 3,
    );
    assert.ok((await page.getByRole("progressbar").count()) > 0);
    const boxes = () =>
      page.evaluate(() =>
        [...document.querySelectorAll(".tile")]
          .slice(0, 3)
          .map((tile) => [tile.dataset.filename, tile.style.transform, tile.style.width]),
      );
    await page.waitForTimeout(350);
    const before = await boxes();
    await accessible(page, "uploading");
    await shoot(page, "uploading");
    await until("nine ready photos", async () => (await tiles(page, "ready").count()) === 9);
    await loaded(page, 9);
    assert.deepEqual(await boxes(), before);
    assert.deepEqual(
      before.map(([name]) => name),
      ["wide.webp", "drawing.png", "portrait.jpg"],
    );
    const portrait = page.locator('.tile[data-filename="portrait.jpg"]');
    const box = await portrait.boundingBox();
    assert.ok(box.height > box.width, "a photo with EXIF orientation 6 stands upright");
    await page.reload();
    await loaded(page, 9);
    assert.equal(await page.locator(".tile").first().getAttribute("data-filename"), "wide.webp");
    gallery.settings.uploadDelayMs = 0;
    await close(page);
  },

  async "upload: at most four at a time, by drop and by paste"() {
    gallery.settings.uploadDelayMs = 150;
    const page = await open();
    await page.getByRole("heading", { name: "No photos yet" }).waitFor();
    const encoded = pictures.png.toString("base64");
    const give = (type, count) =>
      page.evaluate(
        ({ type, count, encoded }) => {
          const transfer = new DataTransfer();
          const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
          for (let index = 0; index < count; index += 1)
            transfer.items.add(new File([bytes], "same.png", { type: "image/png" }));
          const init = { bubbles: true, cancelable: true };
          const event =
            type === "paste"
              ? new ClipboardEvent(type, { ...init, clipboardData: transfer })
              : new DragEvent(type, { ...init, dataTransfer: transfer });
          document.body.dispatchEvent(event);
        },
        { type, count, encoded },
      );
    await give("dragenter", 1);
    await page.locator(".drop-hint").waitFor();
    await page.waitForTimeout(250);
    await shoot(page, "drop-hint");
    await give("drop", 10);
    await page.locator(".drop-hint").waitFor({ state: "detached" });
    await give("paste", 1);
    await until("eleven photos", async () => (await tiles(page, "ready").count()) === 11, 30_000);
    assert.equal(gallery.log.mostAtOnce, 4);
    gallery.settings.uploadDelayMs = 0;
    await close(page);
  },

  async "upload: what failed can be tried again with one click"() {
    fill(3);
    const page = await open();
    await loaded(page, 3);
    gallery.trouble.sign = 3;
    await addFiles(page, uploadFiles());
    await until("three failures", async () => (await tiles(page, "failed").count()) === 3);
    await accessible(page, "failed uploads");
    await shoot(page, "upload-failed");
    await page.getByRole("button", { name: "Try again: drawing.png" }).click();
    await until("one that made it", async () => (await tiles(page, "ready").count()) === 4);
    await page.getByRole("button", { name: "Try all again" }).click();
    await until("all of them", async () => (await tiles(page, "ready").count()) === 6);
    await close(page);
  },

  async "upload: a storage that stumbles is asked again without a word"() {
    const page = await open();
    gallery.trouble.store = 1;
    await addFiles(page, uploadFiles().slice(1, 2));
    await until("one ready photo", async () => (await tiles(page, "ready").count()) === 1);
    assert.equal(gallery.trouble.store, 0);
    await close(page);
  },

  async "upload: what cannot be added is refused in words, before a byte is sent"() {
    fill(3);
    gallery.settings.maxUploadBytes = 100 * 1024;
    const page = await open();
    await loaded(page, 3);
    await addFiles(page, [
      {
        name: "huge.jpg",
        mimeType: "image/jpeg",
        buffer: Buffer.concat([pictures.upright, Buffer.alloc(400 * 1024)]),
      },
      { name: "letter.jpg", mimeType: "image/jpeg", buffer: Buffer.from("%PDF-1.7") },
    ]);
    const words = page.locator(".refusals");
    await words.waitFor();
    assert.match(await words.textContent(), /huge\.jpg This photo is \d+ KB; the limit here is 100 KB\./);
    assert.match(
      await words.textContent(),
      /letter\.jpg This is not a photo this gallery can show\. It takes JPEG, PNG, WebP and GIF\./,
    );
    await accessible(page, "refused");
    await shoot(page, "refused");
    await page.getByRole("button", { name: "Dismiss" }).click();
    await words.waitFor({ state: "detached" });
    assert.equal(await tiles(page).count(), 3);
    gallery.settings.maxUploadBytes = 25 * 1024 * 1024;
    await close(page);
  },

  async "upload: a photo that cannot be prepared says why and can be dismissed"() {
    gallery.trouble.failPreparing.add("drawing.png");
    const page = await open();
    await addFiles(page, uploadFiles().slice(1, 2));
    await page.getByText("This file is damaged and cannot be shown.").waitFor();
    await accessible(page, "failed photo");
    await page.getByRole("button", { name: "Dismiss drawing.png" }).click();
    await page.getByRole("heading", { name: "No photos yet" }).waitFor();
    await until("the delete", () => gallery.log.deletes.length === 1);
    gallery.trouble.failPreparing.clear();
    await close(page);
  },

  async "the viewer opens, leafs, closes back to the tile, and the back button closes it too"() {
    fill();
    const page = await open();
    await loaded(page, 8);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    assert.equal(await focusedTile(page), "IMG_1015.jpg");
    await page.keyboard.press("ArrowRight");
    assert.equal(await focusedTile(page), "IMG_1014.jpg");
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Photo viewer" });
    await dialog.waitFor();
    await until("the caption", async () =>
      /IMG_1014\.jpg/.test(await page.locator(".pswp__caption").textContent()),
    );
    await until(
      "the picture",
      async () => (await page.locator(".pswp__img:not(.pswp__img--placeholder)").count()) > 0,
    );
    await page.waitForTimeout(500);
    await accessible(page, "viewer");
    await shoot(page, "viewer");
    assert.match(
      await page.getByRole("link", { name: "Download the original" }).getAttribute("href"),
      /\/photos\//,
    );
    for (let step = 0; step < 8; step += 1) await page.keyboard.press("ArrowRight");
    await until("the ninth", async () =>
      /IMG_1006\.jpg/.test(await page.locator(".pswp__caption").textContent()),
    );
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    // The browser goes back in its own time.
    const inHistory = () => page.evaluate(() => history.state?.viewer === true);
    await until("the entry in the history gone", async () => !(await inHistory()));
    await until("focus on the last tile", async () => (await focusedTile(page)) === "IMG_1006.jpg");
    const box = await page.locator('.tile[data-filename="IMG_1006.jpg"]').boundingBox();
    assert.ok(box.y >= 0 && box.y + box.height <= 900, "the tile is in view");
    await page.keyboard.press("Enter");
    await dialog.waitFor();
    await until("an entry in the history", inHistory);
    await page.waitForTimeout(400);
    await page.goBack();
    await dialog.waitFor({ state: "detached" });
    assert.equal(await page.locator("h1").textContent(), "Summer 2026");
    await close(page);
  },

  async "a delete can be undone, by button and by key, and is then never sent"() {
    fill(5);
    const page = await open();
    await loaded(page, 5);
    await page.locator('.tile[data-filename="IMG_1002.jpg"]').hover();
    await page.getByRole("button", { name: "Delete IMG_1002.jpg" }).click();
    await until("four tiles", async () => (await tiles(page).count()) === 4);
    await accessible(page, "deleted, with undo");
    await shoot(page, "undo");
    await page.getByRole("button", { name: "Undo" }).click();
    await until("five tiles", async () => (await tiles(page).count()) === 5);
    await page.locator('.tile[data-filename="IMG_1004.jpg"] .tile-open').focus();
    await page.keyboard.press("Delete");
    await until("four tiles", async () => (await tiles(page).count()) === 4);
    await until("focus on the neighbour", async () => (await focusedTile(page)) === "IMG_1003.jpg");
    await page.keyboard.press("Control+z");
    await until("five tiles", async () => (await tiles(page).count()) === 5);
    await page.waitForTimeout(8500);
    assert.deepEqual(gallery.log.deletes, []);
    await close(page);
  },

  async "a delete is sent when the time is over; one that fails brings the photo back with words"() {
    fill(4);
    const page = await open();
    await loaded(page, 4);
    await page.locator(".tile-open").first().focus();
    await page.keyboard.press("Delete");
    await until("the delete", () => gallery.log.deletes.length === 1, 12_000);
    await page.reload();
    await loaded(page, 3);
    assert.equal(await tiles(page).count(), 3);
    // The page asks three times.
    gallery.trouble.remove = 3;
    await page.locator(".tile-open").first().focus();
    await page.keyboard.press("Delete");
    await page.getByText("could not be deleted").first().waitFor({ timeout: 12_000 });
    await until("the photo is back", async () => (await tiles(page).count()) === 3);
    await close(page);
  },

  async "a delete is not lost when the tab is closed"() {
    fill(3);
    const page = await open();
    await loaded(page, 3);
    await page.locator(".tile-open").first().focus();
    await page.keyboard.press("Delete");
    await until("two tiles", async () => (await tiles(page).count()) === 2);
    await page.close({ runBeforeUnload: true });
    await until("the delete", () => gallery.log.deletes.length === 1, 4000);
    await page.context().close();
  },

  async "deleting in the viewer goes on to the next photo, and can be undone there"() {
    fill(4);
    const page = await open();
    await loaded(page, 4);
    await page.locator(".tile-open").first().click();
    await page.getByRole("dialog").waitFor();
    await page.waitForTimeout(500);
    const caption = page.locator(".pswp__caption b");
    assert.equal(await caption.textContent(), "IMG_1003.jpg");
    await page.getByRole("button", { name: "Delete this photo" }).click();
    await until("the next photo", async () => (await caption.textContent()) === "IMG_1002.jpg");
    await until("its picture", () =>
      page.evaluate(() => {
        const image = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
        return image instanceof HTMLImageElement && image.alt === "IMG_1002.jpg";
      }),
    );
    await accessible(page, "viewer, deleted");
    await page.getByRole("button", { name: "Undo" }).click();
    for (let step = 0; step < 3; step += 1) {
      await page.keyboard.press("Delete");
      await page.waitForTimeout(300);
    }
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal(await tiles(page).count(), 1);
    await close(page);
  },

  async "a photo without a thumbnail shows itself, and one without anything a quiet placeholder"() {
    fill(3);
    const [newest, second] = gallery.photos.map((photo) => photo.photoId);
    gallery.trouble.brokenThumbnails.add(newest);
    gallery.trouble.brokenThumbnails.add(second);
    const page = await open();
    await page.route(`**/photos/${second}?*`, (route) => route.abort());
    await page.reload();
    await until(
      "the full photo",
      async () => (await page.locator('.tile:first-child [data-source="full"].loaded').count()) === 1,
    );
    await until("the placeholder", async () => (await page.locator(".tile .placeholder").count()) === 1);
    gallery.trouble.brokenThumbnails.clear();
    page.complaints = page.complaints.filter((text) => !/ERR_FAILED/.test(text));
    await close(page);
  },

  async "tiles take the picture that suits the screen, and show the photo's colours until it is there"() {
    fillLarge(9);
    for (const [deviceScaleFactor, expected] of [
      [1, ["/thumbnails/*"]],
      [2, ["/renditions/*/1024"]],
    ]) {
      gallery.log.pictures = [];
      const page = await open({ width: 1000, height: 700, deviceScaleFactor });
      await loaded(page, 8);
      assert.deepEqual(asked(), expected);
      await close(page);
    }
    const page = await open({ width: 1000, height: 700 });
    await page.route("**/thumbnails/**", () => undefined);
    await page.reload();
    const colours = page.locator(".tile:first-child .colours");
    await colours.waitFor();
    const style = await colours.evaluate((element) => {
      const { backgroundColor, backgroundImage, opacity } = getComputedStyle(element);
      return { backgroundColor, image: backgroundImage.slice(0, 26), opacity };
    });
    assert.deepEqual(style, {
      backgroundColor: "rgb(58, 110, 165)",
      image: 'url("data:image/png;base64',
      opacity: "1",
    });
    await shoot(page, "placeholders");
    await page.unrouteAll();
    await page.reload();
    await loaded(page, 8);
    await until("the colours gone", () =>
      colours.evaluate((element) => getComputedStyle(element).opacity === "0"),
    );
    await close(page);
  },

  async "scrolling makes no browser choose its pictures anew"() {
    fillLarge(60);
    const page = await open({ width: 1000, height: 700 });
    await loaded(page, 8);
    await page.evaluate(() => {
      window.changes = 0;
      const observer = new MutationObserver((records) => {
        window.changes += records.length;
      });
      const attributeFilter = ["sizes", "srcset", "src"];
      observer.observe(document.body, { subtree: true, attributeFilter });
    });
    for (let step = 0; step < 10; step += 1) {
      await page.mouse.wheel(0, 120);
      await page.waitForTimeout(30);
    }
    assert.ok((await page.evaluate(() => scrollY)) > 500);
    assert.equal(await page.evaluate(() => window.changes), 0);
    await close(page);
  },

  async "a rendition that is missing leaves the thumbnail in the grid and the original in the viewer"() {
    fillLarge(1);
    gallery.trouble.brokenRenditions.add(gallery.photos[0].photoId);
    const page = await open({ deviceScaleFactor: 2 });
    await page.locator('.photo.loaded[data-source="thumbnail"]').waitFor();
    await page.locator(".tile-open").click();
    await until("the original", () => widthInViewer(page, 3000));
    gallery.trouble.brokenRenditions.clear();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await close(page);
  },

  async "the viewer shows what suits the screen, and the original only to those who zoom in"() {
    fillLarge(2);
    for (const [width, height, deviceScaleFactor, rendition] of [
      [390, 800, 2, 1024],
      [1440, 900, 1, 2048],
      [1920, 1200, 2, 2048],
    ]) {
      gallery.log.pictures = [];
      const page = await open({ width, height, deviceScaleFactor });
      await loaded(page, 2);
      await page.locator(".tile-open").first().click();
      await until(`the one of ${rendition}`, () => widthInViewer(page, rendition));
      await page.waitForTimeout(500);
      assert.ok(!asked().some((path) => path.startsWith("/photos/")), asked().join());
      await page.keyboard.press("z");
      await until("the original", () => widthInViewer(page, 3000));
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      await close(page);
    }
  },

  async "links that have expired are renewed, and the pictures appear"() {
    fill(6);
    Object.assign(gallery.settings, { signature: "old", refusedSignature: "old" });
    const lists = gallery.log.lists;
    const page = await open();
    await until("the first list", () => gallery.log.lists > lists);
    gallery.settings.signature = "new";
    await loaded(page, 6);
    assert.equal(await page.locator('[data-source="thumbnail"].loaded').count(), 6);
    Object.assign(gallery.settings, { signature: "1", refusedSignature: "" });
    await close(page);
  },

  async "a gallery that does not answer says so, and comes back"() {
    fill(3);
    gallery.trouble.list = 3;
    const page = await open({ width: 768 });
    await page.getByRole("heading", { name: "The photos would not load" }).waitFor({ timeout: 20_000 });
    await accessible(page, "failed");
    await shoot(page, "failed");
    await page.getByRole("button", { name: "Try again" }).click();
    await loaded(page, 3);
    await close(page);
  },

  async "offline says so, and forced colours and reduced motion work"() {
    fill(6);
    const page = await open({ width: 768, reducedMotion: "reduce", forcedColors: "active" });
    await loaded(page, 6);
    await page.context().setOffline(true);
    await page.getByText("You are offline.").waitFor();
    await accessible(page, "offline, forced colours");
    await shoot(page, "offline-forced-colours");
    await page.context().setOffline(false);
    await page.getByText("You are offline.").waitFor({ state: "detached" });
    await page.locator(".tile-open").first().click();
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await close(page);
  },
};

await mkdir(OUT, { recursive: true });
await readFile(fileURLToPath(new URL("../dist/index.html", import.meta.url)));
const wanted = process.argv[2] ?? "";
let failures = 0;
for (const [name, run] of Object.entries(scenarios)) {
  if (!name.includes(wanted)) continue;
  gallery.reset();
  const start = performance.now();
  try {
    await run();
    console.log(`ok    ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failures += 1;
    console.error(`FAIL  ${name}\n${error.stack ?? error}`);
    const page = browser.contexts().at(-1)?.pages()[0];
    await page?.screenshot({ path: path.join(OUT, "failure.png") }).catch(() => undefined);
    for (const context of browser.contexts()) await context.close();
  }
}
await browser.close();
await gallery.stop();
console.log(
  failures === 0 ? `All well. Screenshots are in ${OUT}` : `${failures} failed. Screenshots are in ${OUT}`,
);
process.exit(failures === 0 ? 0 : 1);
