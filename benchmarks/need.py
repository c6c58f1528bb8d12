"""Compare the estimated memory of pictures with the peak memory growth of a fresh process.

    python benchmarks/need.py --megapixels 3 12

One row for every input format, one for every kind of output, then one for each format with several frames. A
ratio of at least 1 means that the estimate was sufficient; for photographs, at most 2 is expected.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from forkresize.image.diagnostics import Diagnostics
from forkresize.image.memory import estimate_memory
from forkresize.image.source_image import SourceImage
from forkresize.recipe import Recipe

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.photographs import scene

GROWN = Path(__file__).parent / "grown.py"

SOURCES: dict[str, tuple[str, dict[str, Any]]] = {
    "photo.jpg": ("RGB", {"quality": 90}),
    "progressive.jpg": ("RGB", {"quality": 90, "progressive": True}),
    "full.jpg": ("RGB", {"quality": 92, "progressive": True, "subsampling": "4:4:4"}),
    "cmyk.jpg": ("CMYK", {}),
    "photo.png": ("RGB", {"compress_level": 1}),
    "alpha.png": ("RGBA", {"compress_level": 1}),
    "gray.png": ("L", {"compress_level": 1}),
    "gray-alpha.png": ("LA", {"compress_level": 1}),
    "palette.png": ("P", {"compress_level": 1}),
    "photo.webp": ("RGB", {"quality": 80, "method": 0}),
    "alpha.webp": ("RGBA", {"quality": 80, "method": 0}),
    "lossless.webp": ("RGB", {"lossless": True, "method": 0, "quality": 0}),
    "photo.avif": ("RGB", {"quality": 70, "speed": 10}),
    "photo.gif": ("P", {}),
    "raw.tif": ("RGB", {}),
    "lzw.tif": ("RGB", {"compression": "tiff_lzw"}),
    "strip.tif": ("RGB", {"compression": "tiff_deflate", "strip_size": 10**9}),
    "photo.jp2": ("RGB", {"quality_mode": "rates", "quality_layers": [20]}),
    "photo.bmp": ("RGB", {}),
    "photo.qoi": ("RGB", {}),
}

SEVERAL = ["several.webp", "several.png", "several.gif", "several.avif", "several.tif"]

RECIPES: list[dict[str, Any]] = [
    *({"format": name} for name in ("jpeg", "png", "webp", "avif", "jxl", "gif", "tiff")),
    {"format": "jpeg", "quality": 95, "progressive": True},
    {"format": "webp", "lossless": True},
    {"format": "avif", "effort": 8},
    {"format": "jxl", "lossless": True},
    {"format": "jxl", "effort": 10},
    {"format": "png", "palette": 64},
    {"format": "webp", "ssim": 0.95},
    {"width": 800},
    {"width": 1600, "linear": True},
    {"width": [1600, 800, 400], "format": ["webp", "avif"]},
    {"width": 1000, "height": 1000, "fit": "contain"},
    {"rotate": 10},
    {"trim": True, "width": 1000},
    {"width": 1000, "blur": 2},
]


def estimate(path: Path, options: dict[str, Any]) -> int:
    """Return the estimated memory of a picture in bytes."""
    recipe = Recipe.of(**options)
    with path.open("rb") as file:
        return estimate_memory(SourceImage.open(file, recipe, Diagnostics(), path.name), recipe, recipe.renditions)


def grown(path: Path, options: dict[str, Any]) -> int:
    """Return the peak memory growth of a fresh process while it renders the picture, in bytes."""
    arguments = [sys.executable, str(GROWN), str(path), json.dumps(options)]
    return int(subprocess.run(arguments, capture_output=True, check=True).stdout)


def cases(folder: Path, megapixels: float) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Draw a photograph, and yield each file with the options to render it."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    picture = scene((height * 3 // 2, height), Random(1))
    for name, (mode, options) in SOURCES.items():
        stored = picture.convert(mode)
        if mode in {"LA", "RGBA"}:
            stored.putalpha(Image.linear_gradient("L").resize(stored.size))
        stored.save(folder / name, **options)
        yield folder / name, {"width": 800, "format": "jpeg"}
    for options in RECIPES:
        yield folder / "photo.jpg", options
    others = [scene(picture.size, Random(seed)) for seed in (2, 3)]
    for name in SEVERAL:
        picture.save(folder / name, save_all=True, append_images=others)
        yield folder / name, {"width": 400}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[3, 12], help="sizes of picture [3 12]")
    shares = []
    for megapixels in parser.parse_args().megapixels:
        with tempfile.TemporaryDirectory() as folder:
            for path, options in cases(Path(folder), megapixels):
                estimated, took = estimate(path, options), grown(path, options)
                shares.append(estimated / took)
                wanted = " ".join(f"{key}={value}" for key, value in options.items())
                print(
                    f"{megapixels:5g} MP  {path.name:<16} {wanted:<60} {estimated / 1e6:7.1f} MB estimated "
                    f"{took / 1e6:7.1f} measured {estimated / took:5.2f}",
                    flush=True,
                )
    held, close = (sum(test(share) for share in shares) for test in ((1.0).__le__, (2.0).__ge__))
    print(f"{held / len(shares):.0%} of {len(shares)} were sufficient, {close / len(shares):.0%} at most twice as much")


if __name__ == "__main__":
    main()
