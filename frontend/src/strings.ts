/** Every word a visitor reads or hears, in one place. Short and human. */

const plural = (count: number, one: string, many: string) =>
  `${new Intl.NumberFormat("en").format(count)} ${count === 1 ? one : many}`;

export const strings = {
  addPhotos: "Add photos",
  photoCount: (count: number, more: boolean) =>
    more ? `${count}+ photos` : plural(count, "photo", "photos"),
  skipToPhotos: "Skip to photos",
  photos: "Photos",
  notifications: "Notifications",
  loading: "Loading photos",
  dismiss: "Dismiss",
  retry: "Try again",

  emptyTitle: "No photos yet",
  emptyText: "Drop some anywhere on this page, paste one, or choose them from your device.",

  failedTitle: "The photos would not load",
  failedText: "This gallery did not answer. It may be back in a moment.",
  moreFailed: "More photos would not load.",
  offlineTitle: "You are offline",
  offlineText: "The photos will appear when you are back online.",
  offlineNotice: "You are offline. What you see may be old, and adding photos waits until you are back.",

  openPhoto: (filename: string, date: string) => `Open ${filename}${date === "" ? "" : `, ${date}`}`,
  deletePhoto: (filename: string) => `Delete ${filename}`,
  cannotShow: "This photo cannot be shown right now",

  dropHint: "Drop photos to add them",
  uploadWaiting: (filename: string) => `${filename}, waiting`,
  uploadSending: (filename: string) => `${filename}, uploading`,
  uploadPreparing: (filename: string) => `${filename}, being prepared`,
  stillPreparing: "Still being prepared",
  retryPhoto: (filename: string) => `Try again: ${filename}`,
  dismissPhoto: (filename: string) => `Dismiss ${filename}`,
  retryAll: "Try all again",
  adding: (done: number, total: number) =>
    total === 1 ? "Adding 1 photo" : `Adding ${Math.min(done + 1, total)} of ${total}`,
  added: (count: number) => `${plural(count, "photo", "photos")} added`,
  notAdded: (count: number) => `${plural(count, "photo", "photos")} could not be added`,
  notAddedPhoto: (filename: string, words: string) => `${filename} could not be added. ${words}`,

  tooLarge: (size: string, limit: string) => `This photo is ${size}; the limit here is ${limit}.`,
  emptyFile: "This file is empty.",
  unreadableFile: "This file could not be read.",
  wrongType: (name: string, accepted: string) => `This is a ${name} file; this gallery takes ${accepted}.`,
  notAPhoto: (accepted: string) => `This is not a photo this gallery can show. It takes ${accepted}.`,
  moreNotices: (count: number) => `and ${count} more`,

  noConnection: "The connection was lost.",
  tooManyAtOnce: "The gallery is busy. Wait a moment and try again.",
  serverTrouble: "The gallery had a problem.",
  nameRefused: "The gallery does not accept this file name.",
  typeRefused: "The gallery does not accept this kind of file.",
  sizeRefused: "This photo is larger than the gallery accepts.",
  storageRefused: "The photo did not get through.",
  cannotPrepare: "This photo could not be prepared.",

  deleted: (filename: string) => `Deleted ${filename}`,
  undo: "Undo",
  restored: (filename: string) => `${filename} is back`,
  deleteFailed: (filename: string, words: string) => `${filename} could not be deleted. ${words}`,

  viewer: "Photo viewer",
  viewerClose: "Close",
  viewerZoom: "Zoom",
  viewerPrevious: "Previous photo",
  viewerNext: "Next photo",
  viewerDownload: "Download the original",
  viewerDelete: "Delete this photo",
  viewerError: "This photo cannot be shown right now.",
  viewerFailed: "The viewer would not load. Check your connection and try again.",
} as const;
