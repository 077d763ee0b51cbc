// sharp beside our pictures: the counterpart of the example `measure` of functions/imaging.
//
// node peer.mjs sharp|sharp-careful EDGES QUALITY RUNS FILE [OUT]: `sharp` is what its users write; `sharp-careful` does not let the
// decoder scale down to nearly the picture's own size, which shows.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

// It is installed in the cache folder, not here.
const sharp = createRequire(`${process.env.SHARP_HOME}/package.json`)("sharp");
const [variant, list, quality, runs, file, out] = process.argv.slice(2);
const edges = list.split(",").map(Number);
const options = { fit: "inside", withoutEnlargement: true, fastShrinkOnLoad: variant === "sharp" };

sharp.cache(false);
sharp.concurrency(1);

// Several from one decode, the smaller of the next larger: clones of the pipeline decode once each, which takes up to twice as long.
// One after the other, since side by side they would have a thread each.
async function make(data) {
  let image = sharp(data).rotate();
  const pictures = [];
  for (const edge of edges.toReversed()) {
    image = image.resize(edge, edge, options);
    if (edge > edges[0]) {
      const { data: pixels, info } = await image.raw().toBuffer({ resolveWithObject: true });
      image = sharp(pixels, { raw: info });
    }
    const picture = image.clone().jpeg({ quality: Number(quality) });
    pictures.unshift(await picture.toBuffer());
  }
  return pictures;
}

const status = (name) => Number(readFileSync("/proc/self/status", "utf8").match(`${name}:\\s+(\\d+)`)[1]);

const data = readFileSync(file);
const before = status("VmRSS");
const made = await make(data);
const peak = status("VmHWM") - before;
if (out) writeFileSync(out, made[0]);
const times = [];
for (let run = 0; run < Number(runs); run += 1) {
  const start = process.cpuUsage();
  await make(data);
  const { user, system } = process.cpuUsage(start);
  times.push((user + system) / 1000);
}
console.log(JSON.stringify({ cpu_ms: times, peak_mb: Math.round((peak / 1024) * 10) / 10 }));
