/**
 * A gallery to try the page on without a cloud: the built site under its real Content-Security-Policy, an API of the
 * same shape as the functions', and, on another port as in life, a storage that takes presigned POST forms. Pictures
 * are kept in memory; "thumbnails" are the pictures themselves unless a test gives others.
 *
 * Run alone (`node tests/mock.mjs [folder with photos]`) it serves `npm run dev` and hands.
 */
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};

export const contentSecurityPolicy = (storage) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' blob: data: ${storage}`,
    `connect-src 'self' ${storage}`,
    "manifest-src 'self'",
    "font-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
let lastTime = 0;

/** A ULID whose later ones sort after earlier ones; good enough for a test. */
function ulid(now = Date.now()) {
  lastTime = Math.max(lastTime + 1, now);
  let time = lastTime;
  let text = "";
  for (let index = 0; index < 10; index += 1) {
    text = CROCKFORD[time % 32] + text;
    time = Math.floor(time / 32);
  }
  for (let index = 0; index < 16; index += 1) text += CROCKFORD[Math.floor(Math.random() * 32)];
  return text;
}

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** @param {{ title?: string, maxUploadBytes?: number, preparingMs?: number, uploadDelayMs?: number }} options */
export async function startMock(options = {}) {
  const settings = {
    title: "Summer 2026",
    maxUploadBytes: 25 * 1024 * 1024,
    preparingMs: 400,
    uploadDelayMs: 0,
    signature: "1",
    refusedSignature: "",
    ...options,
  };
  /** What goes wrong on purpose: counts of failures still to come, by place. */
  const trouble = {
    list: 0,
    sign: 0,
    store: 0,
    remove: 0,
    brokenThumbnails: new Set(),
    brokenRenditions: new Set(),
    failPreparing: new Set(),
  };
  /** What was asked, for the tests to look at. */
  const log = { deletes: [], lists: 0, pictures: [], atOnce: 0, mostAtOnce: 0 };
  let photos = [];
  const bytes = new Map();
  const reserved = new Map();
  let storageOrigin = "";

  const fails = (place) => {
    if (trouble[place] <= 0) return false;
    trouble[place] -= 1;
    return true;
  };

  const answer = (response, status, body) => {
    response.writeHead(status, {
      "content-type": status < 400 ? "application/json" : "application/problem+json",
    });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  };
  const problem = (response, status, code) =>
    answer(response, status, { type: "about:blank", title: code, status, detail: code, code });

  function shown(photo) {
    if (photo.status !== "ready") return photo;
    const link = (path) => `${storageOrigin}/${path}?X-Amz-Signature=${settings.signature}`;
    const renditions = bytes.get(photo.photoId).renditions?.map(({ width, height }) => ({
      width,
      height,
      url: link(`renditions/${photo.photoId}/${width}`),
    }));
    return {
      ...photo,
      renditions,
      thumbnailUrl: link(`thumbnails/${photo.photoId}`),
      url: link(`photos/${photo.photoId}`),
    };
  }

  function list(url, response) {
    log.lists += 1;
    if (fails("list")) return problem(response, 500, "Internal");
    const limit = Number(url.searchParams.get("limit") ?? 60);
    const after = url.searchParams.get("cursor");
    const start =
      after === null
        ? 0
        : photos.findIndex((photo) => photo.photoId < Buffer.from(after, "base64url").toString());
    const page = start < 0 ? [] : photos.slice(start, start + limit);
    const isLast = start < 0 || start + limit >= photos.length;
    const nextCursor = isLast ? null : Buffer.from(page.at(-1).photoId).toString("base64url");
    return answer(response, 200, { photos: page.map(shown), nextCursor });
  }

  async function sign(request, response) {
    const body = JSON.parse((await readBody(request)).toString());
    if (fails("sign")) return problem(response, 500, "Internal");
    if (body.size > settings.maxUploadBytes) return problem(response, 413, "TooLarge");
    const photoId = ulid();
    reserved.set(photoId, body);
    const fields = {
      key: `incoming/${photoId}`,
      "Content-Type": body.contentType,
      policy: "e30=",
      "x-amz-signature": "0",
    };
    return answer(response, 201, {
      photoId,
      url: `${storageOrigin}/`,
      fields,
      expiresAt: new Date().toISOString(),
    });
  }

  async function store(request, response) {
    log.atOnce += 1;
    log.mostAtOnce = Math.max(log.mostAtOnce, log.atOnce);
    const body = await readBody(request);
    await wait(settings.uploadDelayMs);
    log.atOnce -= 1;
    if (fails("store"))
      return response
        .writeHead(500, { "content-type": "application/xml" })
        .end("<Error><Code>InternalError</Code></Error>");
    const form = await new Response(body, {
      headers: { "content-type": request.headers["content-type"] },
    }).formData();
    const photoId = String(form.get("key")).replace("incoming/", "");
    const file = form.get("file");
    if (
      [...form.keys()].at(-1) !== "file" ||
      form.get("Content-Type") !== reserved.get(photoId)?.contentType
    ) {
      return response
        .writeHead(403, { "content-type": "application/xml" })
        .end("<Error><Code>AccessDenied</Code></Error>");
    }
    const content = Buffer.from(await file.arrayBuffer());
    response.writeHead(204, { etag: '"0"' }).end();
    setTimeout(() => prepare(photoId, content), settings.preparingMs);
    return undefined;
  }

  function prepare(photoId, content) {
    const { filename, contentType } = reserved.get(photoId);
    const size = settings.measure?.(filename) ?? { width: 1200, height: 800 };
    const failed = trouble.failPreparing.has(filename);
    add({ photoId, filename, contentType, content, ...size, status: failed ? "failed" : "ready" });
  }

  function add({
    photoId = ulid(),
    filename,
    contentType,
    content,
    width,
    height,
    status = "ready",
    uploadDate,
    thumbnail = content,
    renditions,
    thumbhash,
    dominantColor,
  }) {
    bytes.set(photoId, { contentType, content, thumbnail, renditions });
    const reason = status === "failed" ? "This file is damaged and cannot be shown." : undefined;
    const date = uploadDate ?? new Date().toISOString();
    photos.push({
      photoId,
      filename,
      uploadDate: date,
      fileSize: content.length,
      contentType,
      width,
      height,
      status,
      reason,
      thumbhash,
      dominantColor,
    });
    photos.sort((left, right) => (left.photoId < right.photoId ? 1 : -1));
    return photoId;
  }

  function remove(photoId, response) {
    log.deletes.push(photoId);
    if (fails("remove")) return problem(response, 500, "Internal");
    const known = photos.length;
    photos = photos.filter((photo) => photo.photoId !== photoId);
    if (photos.length === known) return problem(response, 404, "NotFound");
    return response.writeHead(204).end();
  }

  async function file(pathname, response) {
    const name = pathname === "/" ? "/index.html" : pathname;
    try {
      const content = await readFile(path.join(DIST, path.normalize(name)));
      response.writeHead(200, {
        "content-type": TYPES[path.extname(name)] ?? "application/octet-stream",
        "content-security-policy": contentSecurityPolicy(storageOrigin),
        "x-content-type-options": "nosniff",
      });
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  }

  const site = createServer(async (request, response) => {
    const url = new URL(request.url, "http://site");
    const photo = /^\/api\/photos\/([^/]+)$/.exec(url.pathname);
    if (url.pathname === "/config.json") {
      return answer(response, 200, {
        title: settings.title,
        apiBase: "/api",
        maxUploadBytes: settings.maxUploadBytes,
        contentTypes: ["image/jpeg", "image/png", "image/webp", "image/gif"],
        thumbnail: { maxWidthPixels: 400, maxHeightPixels: 400 },
      });
    }
    if (url.pathname === "/api/photos") return list(url, response);
    if (url.pathname === "/api/upload") return sign(request, response);
    if (photo !== null && request.method === "DELETE") return remove(photo[1], response);
    return file(url.pathname, response);
  });

  const storage = createServer(async (request, response) => {
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("access-control-expose-headers", "etag");
    if (request.method === "OPTIONS")
      return response.writeHead(204, { "access-control-allow-methods": "POST" }).end();
    if (request.method === "POST") return store(request, response);
    const { pathname } = new URL(request.url, "http://storage");
    const [, place, photoId, width] = pathname.split("/");
    log.pictures.push(pathname);
    const known = bytes.get(photoId);
    const isExpired = request.url.endsWith(`=${settings.refusedSignature}`);
    const broken = { thumbnails: trouble.brokenThumbnails, renditions: trouble.brokenRenditions }[place];
    if (known === undefined || broken?.has(photoId) || isExpired) return response.writeHead(403).end();
    const rendition = known.renditions?.find((candidate) => candidate.width === Number(width))?.content;
    const content = { thumbnails: known.thumbnail, renditions: rendition, photos: known.content }[place];
    return response.writeHead(200, { "content-type": known.contentType }).end(content);
  });

  const listen = (server, port) =>
    new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(server.address().port)));
  storageOrigin = `http://127.0.0.1:${await listen(storage, 0)}`;
  const origin = `http://127.0.0.1:${await listen(site, options.port ?? 0)}`;
  return {
    origin,
    settings,
    trouble,
    log,
    add,
    reset() {
      photos = [];
      log.deletes = [];
      log.pictures = [];
      log.mostAtOnce = 0;
    },
    get photos() {
      return photos;
    },
    async stop() {
      for (const server of [site, storage]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const mock = await startMock({ port: 4180, preparingMs: 1500, uploadDelayMs: 800 });
  const folder = process.argv[2];
  const names = folder === undefined ? [] : (await readdir(folder)).filter((name) => /\.jpe?g$/i.test(name));
  for (const filename of names) {
    const content = await readFile(path.join(folder, filename));
    mock.add({ filename, contentType: "image/jpeg", content, width: 1500, height: 1000 });
  }
  console.log(`The mock gallery is at ${mock.origin} with ${names.length} photos. Ctrl-C stops it.`);
}
