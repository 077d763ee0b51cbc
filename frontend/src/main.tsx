/** Starts the page: the gallery, its view, and the events of the window that concern it. */
import { render } from "preact";
import { Gallery } from "./gallery/gallery";
import { App } from "./ui/app";
import "./ui/styles/base.css";
import "./ui/styles/header.css";
import "./ui/styles/grid.css";
import "./ui/styles/overlays.css";

const gallery = new Gallery();

window.addEventListener("online", () => gallery.setOnline(true));
window.addEventListener("offline", () => gallery.setOnline(false));
window.addEventListener("pagehide", () => gallery.pageHidden());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") gallery.pageHidden();
  else void gallery.pageShown();
});
window.addEventListener("beforeunload", (event) => {
  if (gallery.isUploading) event.preventDefault();
});
if (!navigator.onLine) gallery.setOnline(false);

void gallery.load();
const root = document.getElementById("app");
if (root !== null) render(<App gallery={gallery} />, root);
