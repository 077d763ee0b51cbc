"""Photos to measure with, made of the sample photographs: as cameras and phones write them, and in other formats.

photos.py FROM TO: `FROM` is what tests/tools/sample-photos prints. The same files on every machine: the noise has a seed.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

SIZE = (4032, 3024)


def photo(folder, name, size):
    """Scaled up, sharpened and with the noise of a sensor, which is most of what a camera's file is full of."""
    found = sorted(folder.glob(f"{name}*.jpg")) or sorted(folder.glob("*.jpg"))
    image = Image.open(found[0]).convert("RGB").resize(size, Image.Resampling.LANCZOS)
    image = image.filter(ImageFilter.UnsharpMask(1.5, 80, 0))
    noise = np.random.default_rng(1).normal(0, 3, (size[1], size[0], 3))
    return Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))


def main():
    source, target = map(Path, sys.argv[1:])
    target.mkdir(parents=True)
    turned = Image.Exif()
    turned[0x112] = 6
    real = photo(source, "picosdeeuropa", SIZE)
    real.save(target / "baseline.jpg", quality=91, exif=turned)
    real.save(target / "progressive.jpg", quality=91, progressive=True, exif=turned)
    real.save(target / "progressive75.jpg", quality=75, progressive=True)
    real.save(target / "444.jpg", quality=91, subsampling=0)
    real.save(target / "photo.png", compress_level=6)
    real.save(target / "photo.webp", quality=88)
    photo(source, "life", SIZE).save(target / "detail.jpg", quality=91)
    photo(source, "picosdeeuropa", (8064, 6048)).save(target / "48mp.jpg", quality=91)


main()
