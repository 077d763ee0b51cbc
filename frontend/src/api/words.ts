/** Says an API error in words for a visitor. */
import { strings } from "../strings";
import { ApiError } from "./client";

const WORDS_BY_CODE: Record<string, string> = {
  InvalidFilename: strings.nameRefused,
  UnsupportedContentType: strings.typeRefused,
  TooLarge: strings.sizeRefused,
  InvalidSize: strings.sizeRefused,
};

export function errorWords(error: unknown): string {
  if (!(error instanceof ApiError)) return strings.serverTrouble;
  if (error.status === 0) return strings.noConnection;
  if (error.status === 429) return strings.tooManyAtOnce;
  const known = error.code === undefined ? undefined : WORDS_BY_CODE[error.code];
  return known ?? strings.serverTrouble;
}
