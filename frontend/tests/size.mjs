/** The page must stay light: fails when what a first visit loads has grown over its budget. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const KILOBYTE = 1024;
const BUDGET = { html: 3, css: 5, js: 25, total: 35 };

const html = await readFile(path.join(DIST, "index.html"), "utf8");
const linked = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, name]) => name);
const sizes = { html: gzipSync(html).length, css: 0, js: 0 };
for (const name of linked) {
  sizes[path.extname(name).slice(1)] += gzipSync(await readFile(path.join(DIST, name)), { level: 9 }).length;
}
sizes.total = sizes.html + sizes.css + sizes.js;

const lines = Object.entries(BUDGET).map(([part, budget]) => {
  const size = sizes[part] / KILOBYTE;
  return { part, size, budget, isOver: !(size > 0 && size <= budget) };
});
console.log(
  `First load, gzip: ${lines.map(({ part, size, budget }) => `${part} ${size.toFixed(1)} of ${budget} KB`).join(", ")}`,
);
const isInline = /<script(?![^>]*\bsrc=)|<style|\sstyle="|\son\w+="/.test(html);
if (isInline)
  console.error("index.html holds an inline script or style, which the page's own policy refuses.");
if (isInline || lines.some((line) => line.isOver)) {
  console.error("Over budget.");
  process.exit(1);
}
