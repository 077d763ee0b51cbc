"""The thumbnail engine against libvips, Pillow, sharp and a plain full decode: processor time, memory and quality.

bench.py MEASURE PHOTOS REPORT PAGE [ROUNDS]: MEASURE is the example of functions/imaging, PHOTOS the folder that photos.py made;
REPORT (JSON) and PAGE (Markdown) are written. SHARP_HOME is the folder that has sharp in its node_modules. Exits with 1 if our
thumbnails look worse than libvips's by more than GATE.

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

QUALITY, BEST, RUNS, GATE = 80, 100, 3, 0.5
# A thumbnail, and the thumbnail and renditions that functions/thumbnail makes: long edges in pixels. The first is looked at.
ONE, THREE = [400], [400, 1024, 2048]
CASES = [
    ("12 MP baseline JPEG", "baseline.jpg", ONE),
    ("12 MP baseline JPEG, much detail", "detail.jpg", ONE),
    ("12 MP baseline JPEG, 4:4:4", "444.jpg", ONE),
    ("48 MP baseline JPEG", "48mp.jpg", ONE),
    ("12 MP progressive JPEG", "progressive.jpg", ONE),
    ("12 MP progressive JPEG, quality 75", "progressive75.jpg", ONE),
    ("12 MP PNG", "photo.png", ONE),
    ("12 MP lossy WebP", "photo.webp", ONE),
    ("12 MP baseline JPEG, three pictures", "baseline.jpg", THREE),
    ("12 MP progressive JPEG, three pictures", "progressive.jpg", THREE),
    ("12 MP PNG, three pictures", "photo.png", THREE),
    ("12 MP lossy WebP, three pictures", "photo.webp", THREE),
]
OURS, BASE = "photogallery", "libvips"
TABLE = "thumbnails"
VARIANTS = [OURS, BASE, "sharp", "sharp-careful", "pillow", "plain"]
GOALS = {
    "12 MP baseline JPEG": "0.52",
    "48 MP baseline JPEG": "0.50",
    "12 MP progressive JPEG": "0.12",
    "12 MP PNG": "0.65",
    "12 MP lossy WebP": "0.75",
    "12 MP baseline JPEG, three pictures": "12 MB of memory",
}


# Where a goal is missed, or nearly so: what the time goes to, by a profile (perf, cpu-clock).
NOTES = {
    "12 MP baseline JPEG": "Three quarters is Huffman decoding, some 190 cycles for a block of 117 bits: a chain of look-ups that wait "
    "for one another, and branches that nobody can guess. Tables of 2^11 to 2^15 entries were tried; 2^13 is best.",
    "12 MP progressive JPEG": "Means of the blocks and their last bit, and the first band of brightness, are all that is decoded; the "
    "rest is making samples of it, resizing and encoding.",
    "12 MP PNG": "Nearly all of it is inflating (`fdeflate`) and undoing the filters (`png`).",
    "12 MP progressive JPEG, three pictures": "Half is Huffman decoding. Until its last scan the file is all coefficients, 36 MB of them; "
    "only smaller pictures need fewer.",
    "12 MP lossy WebP, three pictures": "The largest is about half the photo's size, so every sample is made, smoothed and goes through "
    "the filter.",
    "12 MP lossy WebP": "Two thirds is VP8's arithmetic code, a bit at a time. libvips lets libwebp scale down to the target's own "
    "size, which is quicker, and shows.",
}


def libvips(data, edges, quality):
    """Several from one decode, the smaller of the next larger: half the time of a decode for each, and the better pictures."""
    import pyvips

    image, pictures = None, []
    for edge in reversed(edges):
        if image is None:
            image = pyvips.Image.thumbnail_buffer(data, edge, height=edge, size="down")
        else:
            image = image.thumbnail_image(edge, height=edge, size="down")
        if edge > edges[0]:
            # It is read twice.
            image = image.copy_memory()
        pictures.insert(0, image.jpegsave_buffer(Q=quality, keep="none"))
    return pictures


def pillow(data, edges, quality):
    """As a careful user would: a draft first, turned upright when it is small; several from one decode, like libvips."""
    import io

    from PIL import Image, ImageOps

    image = Image.open(io.BytesIO(data))
    image.thumbnail((edges[-1], edges[-1]), Image.Resampling.LANCZOS)
    image = ImageOps.exif_transpose(image).convert("RGB")
    pictures = []
    for edge in reversed(edges):
        image.thumbnail((edge, edge), Image.Resampling.LANCZOS)
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality)
        pictures.insert(0, out.getvalue())
    return pictures


def status(name):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise KeyError(name)


def peer(variant, edges, quality, runs, file, out=None):
    """The counterpart of the example `measure`."""
    if variant == BASE:
        import pyvips

        pyvips.cache_set_max(0)
    else:
        from PIL import Image  # noqa: F401
    data = Path(file).read_bytes()
    edges, quality = [int(edge) for edge in edges.split(",")], int(quality)

    def make():
        return {BASE: libvips, "pillow": pillow}[variant](data, edges, quality)

    before = status("VmRSS:")
    made = make()
    peak = status("VmHWM:") - before
    if out:
        Path(out).write_bytes(made[0])
    times = []
    for _ in range(int(runs)):
        start = time.process_time()
        make()
        times.append((time.process_time() - start) * 1000)
    print(json.dumps({"cpu_ms": times, "peak_mb": round(peak / 1024, 1)}))


def run(measure, variant, edges, quality, runs, file, out=None):
    program = [measure]
    if variant in (BASE, "pillow"):
        program = [sys.executable, __file__, "--peer"]
    elif variant.startswith("sharp"):
        program = ["node", Path(__file__).parent / "sharp/peer.mjs"]
    command = [*program, variant, ",".join(map(str, edges)), str(quality), str(runs), file, *([out] if out else [])]
    environment = {**os.environ, "VIPS_CONCURRENCY": "1"}
    return json.loads(subprocess.run(command, check=True, capture_output=True, env=environment).stdout)


def reference(file, edge, out):
    """A full decode, made small by Lanczos in floating point: what a thumbnail should look like."""
    from PIL import Image, ImageOps

    image = Image.open(file)
    turn = image.getexif().get(0x112, 1)
    image = image.convert("RGB")
    scale = edge / max(image.size)
    image = image.resize([round(side * scale) for side in image.size], Image.Resampling.LANCZOS)
    image.getexif()[0x112] = turn
    ImageOps.exif_transpose(image).save(out)


def brightness(file):
    """By BT.601; of a JPEG as it is in the file, without the way to RGB and back."""
    import numpy
    from PIL import Image

    image = Image.open(file)
    image.draft("L", image.size)
    return numpy.asarray(image.convert("L"), dtype=float)


def psnr(file, other):
    import numpy

    return 10 * numpy.log10(255**2 / numpy.square(brightness(file) - brightness(other)).mean())


def measure_case(measure, file, edges, rounds, work):
    from ssimulacra2 import compute_ssimulacra2

    wanted = work / "reference.png"
    reference(file, edges[0], wanted)
    rows = {}
    for variant in VARIANTS:
        out, best = work / f"{variant}.jpg", work / f"{variant}-best.jpg"
        first = run(measure, variant, edges, QUALITY, 0, file, out)
        run(measure, variant, edges, BEST, 0, file, best)
        rows[variant] = {
            "peak_mb": first["peak_mb"],
            "bytes": out.stat().st_size,
            "ssimulacra2": round(compute_ssimulacra2(str(wanted), str(out)), 2),
            "psnr": round(float(psnr(wanted, best)), 2),
            "times": [],
            "ratios": [],
        }
    for _ in range(rounds):
        times = {}
        for variant in random.sample(VARIANTS, len(VARIANTS)):
            times[variant] = statistics.median(run(measure, variant, edges, QUALITY, RUNS, file)["cpu_ms"])
        for variant, value in times.items():
            rows[variant]["times"].append(value)
            rows[variant]["ratios"].append(value / times[BASE])
    return rows


def page(results, rounds, report):
    lines = [
        "Thumbnails of 400 pixels, JPEG quality 80, of photos. *Ratio* is processor time by that of libvips in the same",
        f"round: median and range of {rounds} rounds in random order, one thread, three thumbnails a round after one to warm up. *Memory* is the",
        "most beside the file and the library itself. *Quality* is SSIMULACRA2 against a full decode made small by Lanczos: more is better, and",
        f"a run in which ours is more than {GATE} below libvips's fails. *PSNR* is of brightness (BT.601) against the same, at JPEG quality {BEST},",
        "which stands for the picture before the encoder. `plain` is a full decode by the `image` crate with `fast_image_resize` and our encoder;",
        "`sharp-careful` is sharp with `fastShrinkOnLoad: false`.",
        "",
        "*Three pictures* are of 400, 1024 and 2048 pixels. libvips, sharp and Pillow decode once and make each of the next larger, which",
        "takes between two fifths and two thirds of the time of a decode for each. Quality, PSNR and bytes are those of the smallest.",
        "",
        f"Machine: {document.processor()}, Python {platform.python_version()}, {report['versions']}, {report['date']}.",
    ]
    for title, _, _ in CASES:
        rows = results[title]
        lines += ["", f"### {title}", ""]
        told = [*([f"Goal: {GOALS[title]}."] if title in GOALS else []), *([NOTES[title]] if title in NOTES else [])]
        if told:
            lines += [" ".join(told), ""]
        lines += ["| variant | ratio | range | CPU ms | memory MB | quality | PSNR dB | bytes |", "|---|---|---|---|---|---|---|---|"]
        for variant in VARIANTS:
            row = rows[variant]
            ratio, low, high = statistics.median(row["ratios"]), min(row["ratios"]), max(row["ratios"])
            name = f"**{variant}**" if variant == OURS else variant
            lines.append(
                f"| {name} | {ratio:.2f} | {low:.2f}-{high:.2f} | {statistics.median(row['times']):.1f} | {row['peak_mb']:.1f} "
                f"| {row['ssimulacra2']:.1f} | {row['psnr']:.1f} | {row['bytes']} |"
            )
    return "\n".join(lines) + "\n"


def versions():
    import PIL
    import pyvips

    libvips = ".".join(str(pyvips.version(part)) for part in range(3))
    sharp = json.loads(Path(os.environ["SHARP_HOME"], "node_modules/sharp/package.json").read_text())["version"]
    return f"libvips {libvips}, Pillow {PIL.__version__}, sharp {sharp}"


def main(measure, photos, report, target, rounds="6"):
    rounds = int(rounds)
    work = Path(report).parent
    work.mkdir(parents=True, exist_ok=True)
    results, rows, ugly = {}, [], []
    for title, file, edges in CASES:
        print(f"    {title}", file=sys.stderr, flush=True)
        results[title] = measure_case(measure, Path(photos) / file, edges, rounds, work)
        for variant, row in results[title].items():
            rows.append({
                "table": TABLE,
                "case": title,
                "variant": variant,
                "ratio": round(statistics.median(row["ratios"]), 3),
                "cpu_ms": round(statistics.median(row["times"]), 2),
                "peak_mb": row["peak_mb"],
                "ssimulacra2": row["ssimulacra2"],
                "psnr": row["psnr"],
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
