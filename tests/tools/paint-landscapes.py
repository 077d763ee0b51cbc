"""Paints a dozen landscapes as PNG files, for machines where no photographs can be fetched. Nothing but Python's own library."""
import colorsys
import math
import random
import struct
import sys
import zlib
from pathlib import Path

SIZES = [(960, 640), (640, 960), (960, 540), (800, 800)]


def png(width, height, rows):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 6)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def color(hue, saturation, value):
    return bytes(round(255 * part) for part in colorsys.hsv_to_rgb(hue % 1, saturation, value))


def ridge(random_, width, base, height):
    """A mountain ridge: for each column, how far down it begins."""
    waves = [(random_.uniform(1, 9), random_.uniform(0, 7), 1 / (1 + n)) for n in range(6)]
    return [
        base - height * sum(a * math.sin(f * x / width * 3 + p) for f, p, a in waves) / 2 for x in range(width)
    ]


def landscape(seed):
    """Sky, a sun, four ridges, each nearer and darker than the last."""
    random_ = random.Random(seed)
    width, height = SIZES[seed % len(SIZES)]
    hue = seed / 12 + random_.uniform(0, 0.05)
    ridges = [ridge(random_, width, height * (0.45 + 0.14 * n), height * 0.09) for n in range(4)]
    paints = [color(hue + 0.08 + 0.03 * n, 0.35 + 0.12 * n, 0.62 - 0.14 * n) for n in range(4)]
    sun = (random_.uniform(0.2, 0.8) * width, random_.uniform(0.15, 0.35) * height, min(width, height) * 0.07)
    rows = []
    for y in range(height):
        row = bytearray(color(hue, 0.55 - 0.45 * y / height, 0.75 + 0.25 * y / height) * width)
        reach = sun[2] ** 2 - (y - sun[1]) ** 2
        if reach > 0:
            left, right = (max(0, min(width, round(sun[0] + side * math.sqrt(reach)))) for side in (-1, 1))
            row[3 * left : 3 * right] = b"\xff\xf6\xdc" * (right - left)
        for line, paint in zip(ridges, paints):
            if y > min(line):
                for x in range(width):
                    if y > line[x]:
                        row[3 * x : 3 * x + 3] = paint
        rows.append(bytes(row))
    return png(width, height, rows)


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    for seed in range(12):
        (folder / f"landscape-{seed + 1:02}.png").write_bytes(landscape(seed))


main()
