import { describe, expect, it, vi } from "vitest";
import { ApiError, createClient, loadConfig } from "./client";
import { errorWords } from "./words";

const json = (body: unknown, status = 200, type = "application/json") =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": type } });
const problem = (status: number, code: string) => json({ status, code }, status, "application/problem+json");

/** Answers the calls one after the other and remembers them. */
function answers(...responses: (Response | Error)[]) {
  const calls: { url: string; init: RequestInit }[] = [];
  const send = vi.fn(async (url: RequestInfo | URL, init: RequestInit = {}) => {
    calls.push({ url: String(url), init });
    const next = responses[calls.length - 1];
    if (next === undefined || next instanceof Error) throw next ?? new TypeError("no more answers");
    return next;
  });
  return { send: send as unknown as typeof fetch, calls };
}

const photo = {
  photoId: "01J",
  filename: "a.jpg",
  width: 3,
  height: 2,
  status: "ready",
  thumbnailUrl: "https://s3/t",
};

describe("list", () => {
  it("asks for sixty, with the cursor as it came", async () => {
    const { send, calls } = answers(
      json({ photos: [photo], nextCursor: "a/b=" }),
      json({ photos: [], nextCursor: null }),
    );
    const client = createClient("/api", send);
    const first = await client.list();
    await client.list(first.nextCursor);
    expect(calls.map((call) => call.url)).toEqual([
      "/api/photos?limit=60",
      "/api/photos?limit=60&cursor=a%2Fb%3D",
    ]);
  });

  it("tries again when the server or the network stumbles", async () => {
    vi.useFakeTimers();
    const { send, calls } = answers(
      problem(503, "Busy"),
      new TypeError("network"),
      json({ photos: [], nextCursor: null }),
    );
    const page = createClient("/api", send).list();
    await vi.advanceTimersByTimeAsync(5000);
    expect((await page).photos).toEqual([]);
    expect(calls).toHaveLength(3);
    vi.useRealTimers();
  });

  it("does not ask again for what was refused", async () => {
    const { send, calls } = answers(problem(400, "InvalidCursor"));
    await expect(createClient("/api", send).list("x")).rejects.toMatchObject({
      status: 400,
      code: "InvalidCursor",
    });
    expect(calls).toHaveLength(1);
  });

  it("leaves out rows that make no sense and links that are no links", async () => {
    const { send } = answers(
      json({
        photos: [
          null,
          7,
          { filename: "no id" },
          { ...photo, width: "wide", height: -1, url: "javascript:alert(1)" },
        ],
        nextCursor: 5,
      }),
    );
    const { photos, nextCursor } = await createClient("/api", send).list();
    expect(photos).toHaveLength(1);
    expect(photos[0]).toMatchObject({ width: 0, height: 0, url: undefined, thumbnailUrl: "https://s3/t" });
    expect(nextCursor).toBeNull();
  });

  it("takes over renditions, placeholder and colour, as far as they make sense", async () => {
    const rendition = (width: number) => ({ width, height: width / 2, url: `https://s3/${width}` });
    const made = {
      ...photo,
      thumbhash: "3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
      dominantColor: "#3A6ea5",
      renditions: [rendition(2048), rendition(1024)],
    };
    const odd = {
      thumbhash: ["", "3OcR", "3OcRJYB4d3h", "<script>", "A".repeat(400), 7],
      dominantColor: ["red", "#12", "url(https://evil)", "#3a6ea5;", 7],
      renditions: [{}, [null, { width: 0, height: 3, url: "https://s3/" }, { ...rendition(8), url: "x:y" }]],
    };
    const photos = Object.entries(odd).flatMap(([name, values]) =>
      values.map((value) => ({ ...photo, [name]: value })),
    );
    const withoutSize = { ...made, width: undefined };
    const { send } = answers(json({ photos: [made, withoutSize, ...photos], nextCursor: null }));
    const page = await createClient("/api", send).list();
    const { thumbhash, dominantColor } = made;
    expect(page.photos[0]).toMatchObject({ thumbhash, dominantColor });
    expect(page.photos[0]?.renditions.map(({ width }) => width)).toEqual([1024, 2048]);
    expect(page.photos[1]?.renditions).toEqual([]);
    for (const plain of page.photos.slice(2))
      expect(plain).toMatchObject({ thumbhash: undefined, dominantColor: undefined, renditions: [] });
  });

  it("takes a page of HTML for what it is: an error", async () => {
    const { send } = answers(new Response("<html>", { headers: { "content-type": "text/html" } }));
    await expect(createClient("/api", send).list()).rejects.toBeInstanceOf(ApiError);
  });
});

describe("upload", () => {
  it("sends the facts and hands back the form, and never asks twice", async () => {
    const { send, calls } = answers(
      json({ photoId: "01J", url: "https://s3/", fields: { key: "k", odd: 1 } }, 201),
    );
    const request = { filename: "ä.jpg", contentType: "image/jpeg", size: 9 };
    const ticket = await createClient("/api", send).upload(request);
    expect(ticket).toEqual({ photoId: "01J", url: "https://s3/", fields: { key: "k" } });
    expect(JSON.parse(String(calls[0]?.init.body))).toEqual(request);
    const failing = answers(problem(500, "Internal"));
    await expect(createClient("/api", failing.send).upload(request)).rejects.toBeInstanceOf(ApiError);
    expect(failing.calls).toHaveLength(1);
  });
});

describe("remove", () => {
  it("counts a photo that is gone already as deleted", async () => {
    const { send, calls } = answers(
      new Response(null, { status: 204 }),
      problem(404, "NotFound"),
      problem(403, "Forbidden"),
    );
    const client = createClient("/api", send);
    await client.remove("a/b", { keepalive: true });
    await client.remove("b");
    await expect(client.remove("c")).rejects.toMatchObject({ status: 403 });
    expect(calls[0]).toMatchObject({ url: "/api/photos/a%2Fb", init: { method: "DELETE", keepalive: true } });
  });
});

describe("a delete that stopped half-way", () => {
  it("is finished by a repeat", async () => {
    vi.useFakeTimers();
    const { send, calls } = answers(problem(500, "Internal"), new Response(null, { status: 204 }));
    const removal = createClient("/api", send).remove("01J");
    await vi.advanceTimersByTimeAsync(5000);
    await removal;
    expect(calls.map((call) => [call.url, call.init.method])).toEqual([
      ["/api/photos/01J", "DELETE"],
      ["/api/photos/01J", "DELETE"],
    ]);
    vi.useRealTimers();
  });
});

describe("loadConfig", () => {
  it("fills in what is missing", async () => {
    const { send } = answers(json({ title: "Summer 2026", apiBase: "/api/" }));
    expect(await loadConfig(send)).toMatchObject({
      title: "Summer 2026",
      apiBase: "/api",
      maxUploadBytes: 26_214_400,
    });
  });
});

describe("errorWords", () => {
  it("knows the codes and has words for everything else", () => {
    expect(errorWords(new ApiError(413, "TooLarge", undefined))).toMatch(/larger/);
    expect(errorWords(new ApiError(0, undefined, undefined))).toMatch(/connection/);
    expect(errorWords(new ApiError(429, undefined, undefined))).toMatch(/busy/);
    expect(errorWords(new Error("?"))).toMatch(/problem/);
  });
});
