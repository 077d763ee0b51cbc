/** Says in words why a file cannot be added, before a byte is sent; `undefined` when it can. */
import type { GalleryConfig } from "../api/types";
import { formatBytes, formatBytesOver, formatTypes, typeName } from "../gallery/format";
import { strings } from "../strings";

export type Limits = Pick<GalleryConfig, "maxUploadBytes" | "contentTypes">;

export interface Candidate {
  size: number;
  contentType: string | undefined;
}

export function whyNot({ size, contentType }: Candidate, limits: Limits): string | undefined {
  if (size === 0) return strings.emptyFile;
  const accepted = formatTypes(limits.contentTypes);
  if (contentType === undefined) return strings.notAPhoto(accepted);
  if (!limits.contentTypes.includes(contentType)) return strings.wrongType(typeName(contentType), accepted);
  if (size > limits.maxUploadBytes) {
    return strings.tooLarge(formatBytesOver(size, limits.maxUploadBytes), formatBytes(limits.maxUploadBytes));
  }
  return undefined;
}
