/** Numbers and dates as people read them. */

const MEGABYTE = 1024 * 1024;

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.max(0, Math.round(bytes))} bytes`;
  if (bytes < MEGABYTE) return `${Math.round(bytes / 1024)} KB`;
  const megabytes = bytes / MEGABYTE;
  return `${megabytes < 10 ? Number(megabytes.toFixed(1)) : Math.round(megabytes)} MB`;
}

/** Like `formatBytes`, but never reads the same as the limit it is over: 25.04 MB against 25 MB is "25.1 MB". */
export function formatBytesOver(bytes: number, limit: number): string {
  const plain = formatBytes(bytes);
  return plain === formatBytes(limit) ? `${Math.ceil((bytes / MEGABYTE) * 10) / 10} MB` : plain;
}

export function formatDate(rfc3339: string, locale?: string): string {
  const date = new Date(rfc3339);
  if (Number.isNaN(date.getTime())) return "";
  return new Intl.DateTimeFormat(locale, { dateStyle: "long" }).format(date);
}

const TYPE_NAMES: Record<string, string> = {
  "image/jpeg": "JPEG",
  "image/png": "PNG",
  "image/webp": "WebP",
  "image/gif": "GIF",
  "image/avif": "AVIF",
  "image/heic": "HEIC",
  "image/tiff": "TIFF",
  "image/bmp": "BMP",
};

export const typeName = (contentType: string): string =>
  TYPE_NAMES[contentType] ?? contentType.replace(/^image\//, "").toUpperCase();

/** "JPEG, PNG and WebP" */
export function formatTypes(contentTypes: readonly string[], locale?: string): string {
  return new Intl.ListFormat(locale ?? "en", { type: "conjunction" })
    .format(contentTypes.map(typeName))
    .replace(", and ", " and ");
}
