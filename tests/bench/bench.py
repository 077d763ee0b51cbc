"""The thumbnail engine against libvips, Pillow and a plain full decode: processor time, memory and quality.

bench.py MEASURE PHOTOS REPORT PAGE [ROUNDS]: MEASURE is the example of functions/imaging, PHOTOS the folder that photos.py made;
REPORT (JSON) and PAGE (Markdown) are written. Exits with 1 if our thumbnails look worse than libvips's by more than GATE.

What counts are ratios: in each round every variant runs once, in random order, in a process of its own (median of three thumbnails
after one to warm up), and is compared with libvips in the same round. Processor time, not wall time, so other work on the machine
matters little. One thread each. Starting the process and importing the library do not count.
"""

import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

import document

SIDE, QUALITY, RUNS, GATE = 400, 80, 3, 0.5
CASES = [
    ("12 MP baseline JPEG", "baseline.jpg"),
    ("12 MP baseline JPEG, much detail", "detail.jpg"),
    ("12 MP baseline JPEG, 4:4:4", "444.jpg"),
    ("48 MP baseline JPEG", "48mp.jpg"),
    ("12 MP progressive JPEG", "progressive.jpg"),
    ("12 MP progressive JPEG, quality 75", "progressive75.jpg"),
    ("12 MP PNG", "photo.png"),
    ("12 MP lossy WebP", "photo.webp"),
]
OURS, BASE = "photogallery", "libvips"
TABLE = "thumbnails"
VARIANTS = [OURS, BASE, "pillow", "plain"]
GOALS = {"baseline.jpg": 0.52, "48mp.jpg": 0.50, "progressive.jpg": 0.12, "photo.png": 0.65, "photo.webp": 0.75}


# Where a goal is missed, or nearly so: what the time goes to, by a profile (perf, cpu-clock).
NOTES = {
    "baseline.jpg": "Three quarters is Huffman decoding, some 190 cycles for a block of 117 bits: a chain of look-ups that wait for one "
    "another, and branches that nobody can guess. Tables of 2^11 to 2^15 entries were tried; 2^13 is best.",
    "progressive.jpg": "Means of the blocks and their last bit, and the first band of brightness, are all that is decoded; the rest is "
    "making samples of it, resizing and encoding.",
    "photo.png": "Nearly all of it is inflating (`fdeflate`) and undoing the filters (`png`).",
    "photo.webp": "Three quarters is VP8's arithmetic code, a bit at a time. libvips lets libwebp scale down to the target's own size, "
    "which is quicker, and shows.",
}


def libvips(data):
    import pyvips

    image = pyvips.Image.thumbnail_buffer(data, SIDE, height=SIDE, size="down")
    return image.jpegsave_buffer(Q=QUALITY, keep="none")


def pillow(data):
    """As a careful user would: a draft first, turned upright at the end."""
    import io

    from PIL import Image, ImageOps

    image = Image.open(io.BytesIO(data))
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    ImageOps.exif_transpose(image).convert("RGB").save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def status(name):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise KeyError(name)


def peer(variant, runs, file, out=None):
    """The counterpart of the example `measure`."""
    if variant == BASE:
        import pyvips

        pyvips.cache_set_max(0)
    else:
        from PIL import Image  # noqa: F401
    make = {BASE: libvips, "pillow": pillow}[variant]
    data = Path(file).read_bytes()
    before = status("VmRSS:")
    made = make(data)
    peak = status("VmHWM:") - before
    if out:
        Path(out).write_bytes(made)
    times = []
    for _ in range(int(runs)):
        start = time.process_time()
        make(data)
        times.append((time.process_time() - start) * 1000)
    print(json.dumps({"cpu_ms": times, "peak_mb": round(peak / 1024, 1)}))


def run(measure, variant, runs, file, out=None):
    own = [sys.executable, __file__, "--peer"] if variant in (BASE, "pillow") else [measure]
    command = [*own, variant, str(runs), str(file), *([str(out)] if out else [])]
    environment = {**os.environ, "VIPS_CONCURRENCY": "1"}
    return json.loads(subprocess.run(command, check=True, capture_output=True, env=environment).stdout)


def reference(file, out):
    """A full decode, made small by Lanczos in floating point: what a thumbnail should look like."""
    from PIL import Image, ImageOps

    image = Image.open(file)
    turn = image.getexif().get(0x112, 1)
    image = image.convert("RGB")
    scale = SIDE / max(image.size)
    image = image.resize([round(side * scale) for side in image.size], Image.Resampling.LANCZOS)
    image.getexif()[0x112] = turn
    ImageOps.exif_transpose(image).save(out)


def measure_case(measure, file, rounds, work):
    from ssimulacra2 import compute_ssimulacra2

    reference(file, work / "reference.png")
    rows = {}
    for variant in VARIANTS:
        out = work / f"{variant}.jpg"
        first = run(measure, variant, 0, file, out)
        score = compute_ssimulacra2(str(work / "reference.png"), str(out))
        rows[variant] = {"peak_mb": first["peak_mb"], "bytes": out.stat().st_size, "ssimulacra2": round(score, 2)}
        rows[variant].update(times=[], ratios=[])
    for _ in range(rounds):
        times = {}
        for variant in random.sample(VARIANTS, len(VARIANTS)):
            times[variant] = statistics.median(run(measure, variant, RUNS, file)["cpu_ms"])
        for variant, value in times.items():
            rows[variant]["times"].append(value)
            rows[variant]["ratios"].append(value / times[BASE])
    return rows


def page(results, rounds, report):
    lines = [
        "Thumbnails of 400 pixels, JPEG quality 80, of photos. *Ratio* is processor time by that of libvips in the same",
        f"round: median and range of {rounds} rounds in random order, one thread, three thumbnails a round after one to warm up. *Memory* is the",
        "most beside the file and the library itself. *Quality* is SSIMULACRA2 against a full decode made small by Lanczos: more is better, and",
        f"a run in which ours is more than {GATE} below libvips's fails. `plain` is a full decode by the `image` crate with our filter and encoder.",
        "",
        f"Machine: {document.processor()}, Python {platform.python_version()}, {report['versions']}, {report['date']}.",
    ]
    for title, file in CASES:
        rows = results[title]
        lines += ["", f"### {title}", ""]
        if file in GOALS:
            lines += [f"Goal: {GOALS[file]}. {NOTES.get(file, '')}".strip(), ""]
        lines += ["| variant | ratio | range | CPU ms | memory MB | quality | bytes |", "|---|---|---|---|---|---|---|"]
        for variant in VARIANTS:
            row = rows[variant]
            ratio, low, high = statistics.median(row["ratios"]), min(row["ratios"]), max(row["ratios"])
            name = f"**{variant}**" if variant == OURS else variant
            lines.append(
                f"| {name} | {ratio:.2f} | {low:.2f}-{high:.2f} | {statistics.median(row['times']):.1f} | {row['peak_mb']} "
                f"| {row['ssimulacra2']:.1f} | {row['bytes']} |"
            )
    return "\n".join(lines) + "\n"


def versions():
    import PIL
    import pyvips

    libvips = ".".join(str(pyvips.version(part)) for part in range(3))
    return f"libvips {libvips}, Pillow {PIL.__version__}"


def main(measure, photos, report, target, rounds="6"):
    rounds = int(rounds)
    work = Path(report).parent
    work.mkdir(parents=True, exist_ok=True)
    results, rows, ugly = {}, [], []
    for title, file in CASES:
        print(f"    {title}", file=sys.stderr, flush=True)
        results[title] = measure_case(measure, Path(photos) / file, rounds, work)
        for variant, row in results[title].items():
            rows.append({
                "table": TABLE,
                "case": title,
                "variant": variant,
                "ratio": round(statistics.median(row["ratios"]), 3),
                "cpu_ms": round(statistics.median(row["times"]), 2),
                "peak_mb": row["peak_mb"],
                "ssimulacra2": row["ssimulacra2"],
            })
        if results[title][OURS]["ssimulacra2"] < results[title][BASE]["ssimulacra2"] - GATE:
            ugly.append(title)
    document.add_rows(report, TABLE, rows)
    facts = {"versions": versions(), "date": time.strftime("%Y-%m-%d")}
    document.replace(target, TABLE, page(results, rounds, facts))
    for title in ugly:
        print(f"error: thumbnails of {title} look worse than libvips's", file=sys.stderr)
    sys.exit(1 if ugly else 0)


if __name__ == "__main__":
    if sys.argv[1] == "--peer":
        peer(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
