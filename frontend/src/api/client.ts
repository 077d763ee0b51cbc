/**
 * The gallery's API as functions. Reads and deletes are tried again when the network or the server stumbles: a delete
 * that stopped half-way is finished by a repeat. Uploads are not, since the visitor sees them fail and decides. Errors
 * always arrive as `ApiError`.
 */
import { parseConfig, parsePhotoPage, parseUploadTicket } from "./parse";
import type { GalleryConfig, PhotoPage, UploadRequest, UploadTicket } from "./types";

/** `status` 0: no answer came (offline, refused, timed out). `code` is the problem's stable code, if it has one. */
export class ApiError extends Error {
  override name = "ApiError";
  constructor(
    readonly status: number,
    readonly code: string | undefined,
    readonly detail: string | undefined,
  ) {
    super(`failed to reach the gallery: status ${status}${code === undefined ? "" : `, ${code}`}`);
  }
}

export interface Client {
  list(cursor?: string | null): Promise<PhotoPage>;
  upload(request: UploadRequest): Promise<UploadTicket>;
  /** `keepalive` lets the request outlive the page. A photo that is gone already counts as deleted. */
  remove(photoId: string, options?: { keepalive?: boolean }): Promise<void>;
}

const TIMEOUT_MS = 20_000;
const RETRY_DELAYS_MS = [400, 1500];
const PAGE_LIMIT = 60;

const isWorthRetrying = (error: unknown) =>
  error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function request(url: string, init: RequestInit, send: typeof fetch): Promise<unknown> {
  let response: Response;
  try {
    response = await send(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    throw new ApiError(0, undefined, undefined);
  }
  const isJson = /\bjson\b/.test(response.headers.get("content-type") ?? "");
  const body: unknown = isJson ? await response.json().catch(() => undefined) : undefined;
  if (response.ok) return body;
  const problem = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const word = (value: unknown) => (typeof value === "string" ? value : undefined);
  throw new ApiError(response.status, word(problem.code), word(problem.detail));
}

async function patiently(url: string, init: RequestInit, send: typeof fetch): Promise<unknown> {
  for (const delay of RETRY_DELAYS_MS) {
    try {
      return await request(url, init, send);
    } catch (error) {
      if (!isWorthRetrying(error)) throw error;
      await wait(delay);
    }
  }
  return request(url, init, send);
}

/** An answer of another shape than promised is the server's fault, whatever its status said. */
function expected<T>(value: T | undefined): T {
  if (value === undefined) throw new ApiError(502, "UnexpectedAnswer", undefined);
  return value;
}

export async function loadConfig(send: typeof fetch = fetch): Promise<GalleryConfig> {
  return expected(parseConfig(await patiently("/config.json", {}, send)));
}

export function createClient(apiBase: string, send: typeof fetch = fetch): Client {
  return {
    async list(cursor) {
      const query = new URLSearchParams({ limit: String(PAGE_LIMIT) });
      if (cursor) query.set("cursor", cursor);
      return expected(parsePhotoPage(await patiently(`${apiBase}/photos?${query}`, {}, send)));
    },

    async upload(body) {
      const init = {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      };
      return expected(parseUploadTicket(await request(`${apiBase}/upload`, init, send)));
    },

    async remove(photoId, { keepalive = false } = {}) {
      try {
        const url = `${apiBase}/photos/${encodeURIComponent(photoId)}`;
        await patiently(url, { method: "DELETE", keepalive }, send);
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return;
        throw error;
      }
    },
  };
}
