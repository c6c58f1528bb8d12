"""Check promises about pixels, colors, sizes and bytes, each with a reference that is independent of forkresize.

    python -m benchmarks.quality --corpus PHOTOS

Without a corpus, photographs are drawn from a seed. Exits with 1 if a promise is broken.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec
from itertools import pairwise, product
from math import exp, floor, inf, log, log10
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

from PIL import Image, ImageChops, ImageMath, ImageOps, ImageStat

from benchmarks.colors import ADOBE_RGB, DISPLAY_P3, by_littlecms, delta_e_2000, ink_profile, labs
from benchmarks.formula import documented, half_up
from benchmarks.photographs import cutout, draw
from forkresize.image.geometry.layout import layout
from forkresize.recipe import Fit, Resample, Resize, Size

COMMAND = """
import sys
sys.modules.update(dict.fromkeys(sys.argv.pop(1).split()))
from forkresize.cli import main
main()
"""
"""The command, as if the modules named by its first argument were not installed."""

LOSSLESS = "--format", "png", "--effort", "1"
SIMD, MOZJPEG = "cykooz_resizer", "mozjpeg_lossless_optimization"
WIDTH, WIDTHS = 800, (320, 640, 960, 1280, 1600)

KERNELS = {
    Resample.BOX: 2,
    Resample.BILINEAR: 2,
    Resample.HAMMING: 2,
    Resample.BICUBIC: inf,
    Resample.LANCZOS: inf,
}
"""Maximum error of a resized edge in levels of 255; kernels with negative lobes overshoot, so they have no limit."""

STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""From upright to how a picture with that orientation is stored (Exif 3.0, tag 0x0112)."""

Outputs = dict[tuple[str, int], dict[str, Any]]
"""Records of outputs, by source and width."""


@dataclass(frozen=True)
class Figure:
    """The measured value of one promise, and its limits, inclusive."""

    name: str
    value: float
    least: float = -inf
    most: float = inf

    @property
    def is_kept(self) -> bool:
        """Whether the value is within the limits."""
        return self.least <= self.value <= self.most

    def __str__(self) -> str:
        limits = {"": inf, f"<= {self.most:g}": self.most, f">= {self.least:g}": -self.least}
        promise = min(limits, key=lambda limit: limits[limit])
        verdict = ("ok" if self.is_kept else "BROKEN") if promise else ""
        return f"{self.name:<66} {self.value:>8.4g}  {promise:<8} {verdict}"


def made(source: Path, scratch: Path, *options: str, without: str = "") -> Outputs:
    """Run the command into a fresh folder and return what was written."""
    folder = tempfile.mkdtemp(dir=scratch)
    report = os.path.join(folder, "report.jsonl")
    command = [sys.executable, "-c", COMMAND, without, str(source), os.path.join(folder, "out"), "--report", report]
    subprocess.run([*command, "--metadata", "none", *options], check=True)
    with open(report, encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return {(each["source"], each["out_width"]): each for each in records if each["status"] == "written"}


def pixels(path: str) -> Image.Image:
    """Return a file's pixels as RGB."""
    with Image.open(path) as file:
        return file.convert("RGB")


def psnr(one: Image.Image, other: Image.Image) -> float:
    """Return the peak signal-to-noise ratio of two images in decibels; 99 if they are the same."""
    error = fmean(ImageStat.Stat(ImageChops.difference(one, other)).sum2) / (one.width * one.height)
    return 10 * log10(255**2 / error) if error else 99.0


def decoded(path: str) -> Image.Image:
    """Return a photograph in sRGB, upright and fully decoded."""
    with Image.open(path) as file:
        profile, upright = file.info.get("icc_profile"), ImageOps.exif_transpose(file)
    return by_littlecms(upright, profile) if profile else upright.convert("RGB")


@cache
def references(path: str) -> dict[int, Image.Image]:
    """Return a photograph by width, for all widths that are compared: fully decoded and resized by Pillow's Lanczos."""
    image = decoded(path)
    smaller = [width for width in (WIDTH, *WIDTHS) if width < image.width]
    resized = {
        width: image.resize((width, half_up(image.height * width, image.width)), Image.Resampling.LANCZOS)
        for width in smaller
    }
    return resized | {image.width: image}


def fidelity(corpus: Path, scratch: Path) -> Iterator[Figure]:
    """Compare results before encoding with full decoding and Pillow's Lanczos."""
    for kernel, without in {"SIMD": "", "Pillow": SIMD}.items():
        if kernel == "SIMD" and not find_spec(SIMD):
            continue
        outputs = made(corpus, scratch, "--width", str(WIDTH), *LOSSLESS, without=without)
        yield from likeness(f"width {WIDTH}, {kernel} kernel", outputs)


def likeness(what: str, outputs: Outputs) -> Iterator[Figure]:
    """Compare lossless outputs with full decoding and Pillow's Lanczos."""
    decibels = [
        psnr(pixels(each["destination"]), references(source)[width]) for (source, width), each in outputs.items()
    ]
    yield Figure(f"{what} against full decode + Lanczos: mean dB", fmean(decibels), 55)
    yield Figure(f"{what} against full decode + Lanczos: worst dB", min(decibels), 48)


def sameness(corpus: Path, scratch: Path) -> Iterator[Figure]:
    """Count the distinct results of eight orientations, and the outputs that a second run changes."""
    options = ("--width", str(WIDTH), *LOSSLESS)
    once = made(corpus, scratch, *options)
    picture = pixels(next(iter(once))[0]).resize((1203, 802))
    folder = Path(tempfile.mkdtemp(dir=scratch))
    for orientation in range(1, 9):
        stored = picture.transpose(STORED[orientation]) if orientation in STORED else picture
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored.save(folder / f"{orientation}.png", exif=exif, compress_level=1)
    upright = {pixels(each["destination"]).tobytes() for each in made(folder, scratch, *options).values()}
    yield Figure("different pictures from eight EXIF orientations of one", len(upright), most=1)
    again = made(Path(next(iter(once.values()))["destination"]).parent, scratch, *options)
    changed = [pixels(source).tobytes() != pixels(each["destination"]).tobytes() for (source, _), each in again.items()]
    yield Figure("lossless results that the same recipe changes when run again", sum(changed), most=0)


def renditions(corpus: Path, scratch: Path) -> Iterator[Figure]:
    """Compare several widths from one decode with a full decode and Lanczos, and their CPU time with one run each."""
    all_widths, each_width = ",".join(map(str, WIDTHS)), [str(width) for width in WIDTHS]
    together = made(corpus, scratch, "--width", all_widths, *LOSSLESS)
    yield from likeness(
        "five widths from one decode", {key: each for key, each in together.items() if key[1] in WIDTHS}
    )
    alone, at_once = (sum(cpu_seconds(corpus, scratch, width) for width in each) for each in (each_width, [all_widths]))
    yield Figure("CPU time of five widths from one decode / five runs, JPEG", at_once / alone, most=0.45)


def cpu_seconds(corpus: Path, scratch: Path, widths: str) -> float:
    """Return the CPU time of a run including its start, in seconds."""
    before = os.times()
    made(corpus, scratch, "--width", widths, "--format", "jpeg")
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def colors(scratch: Path) -> Iterator[Figure]:
    """Compare patches of three color spaces with littleCMS."""
    rgb = bytes(value for color in product(range(0, 256, 32), repeat=3) for value in color)
    inks = bytes(value for color in product(range(0, 256, 51), repeat=4) for value in color)
    for name, mode, patches, profile in (
        ("P3", "RGB", rgb, DISPLAY_P3),
        ("Adobe RGB", "RGB", rgb, ADOBE_RGB),
        ("CMYK", "CMYK", inks, ink_profile()),
    ):
        chart = Image.frombytes(mode, (16, len(patches) // len(mode) // 16), patches)
        path = scratch / f"{name}.tif"
        chart.save(path, icc_profile=profile)
        ((_, output),) = made(path, scratch, "--format", "png").items()
        pairs = zip(labs(pixels(output["destination"])), labs(by_littlecms(chart, profile)), strict=True)
        apart = [delta_e_2000(*pair) for pair in pairs]
        yield Figure(f"{name} against littleCMS: mean of Delta E 2000", fmean(apart))
        yield Figure(f"{name} against littleCMS: worst Delta E 2000", max(apart), most=1)


def sizes(random: Random) -> Iterator[Figure]:
    """Compare sizes with the documented formula, in whole numbers."""
    mismatches = 0
    for _ in range(10_000):
        source, box = ((side(random), side(random)) for _ in range(2))
        fit, enlarge = random.choice(list(Fit)), random.random() < 1 / 2
        plan = layout(source, Size(width=box[0], height=box[1]), Resize(fit=fit, enlarge=enlarge))
        mismatches += (plan.scaled, plan.canvas) != documented(source, box, fit, enlarge=enlarge)
    yield Figure("sizes of 10,000 random pictures and boxes that differ from the formula", mismatches, most=0)


def side(random: Random) -> int:
    """Return a side in pixels; small ones are as likely as large ones."""
    return floor(exp(random.uniform(0, log(20_000))))


def edges(scratch: Path, random: Random) -> Iterator[Figure]:
    """Compare cut-outs that are resized, then composited, with those that are composited, then resized."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    for number in range(12):
        cutout(random).save(folder / f"{number}.png")
    for kernel, most in KERNELS.items():
        outputs = made(folder, scratch, "--width", "37", "--resample", kernel, *LOSSLESS).items()
        worst = max(
            apart(source, output["destination"], background, kernel)
            for (source, _), output in outputs
            for background in ((0, 0, 0), (255, 255, 255), (255, 90, 0), (0, 120, 255))
        )
        yield Figure(f"resized edges on backgrounds, {kernel}: worst level of 255", worst, most=most)


def apart(source: str, output: str, background: tuple[int, int, int], kernel: Resample) -> float:
    """Return the maximum difference, in levels of 255, to compositing the source and resizing it with Pillow."""
    resized, method = laid(output, background), Image.Resampling[kernel.upper()]
    exact = [band.resize(resized[0].size, method) for band in laid(source, background)]
    return max(
        float(ImageMath.lambda_eval(lambda of: abs(of["one"] - of["other"]), one=one, other=other).getextrema()[1])
        for one, other in zip(resized, exact, strict=True)
    )


def laid(path: str, background: tuple[int, int, int]) -> list[Image.Image]:
    """Return red, green and blue of a picture composited on a background, unrounded."""
    with Image.open(path) as file:
        *bands, alpha = (band.convert("F") for band in file.convert("RGBA").split())
    return [_mixed(band, alpha, level) for band, level in zip(bands, background, strict=True)]


def _mixed(band: Image.Image, alpha: Image.Image, level: int) -> Image.Image:
    mixed: Image.Image = ImageMath.lambda_eval(
        lambda of: (of["band"] - level) * of["alpha"] / 255 + level, band=band, alpha=alpha
    )
    return mixed


def weights(corpus: Path, scratch: Path) -> Iterator[Figure]:
    """Compare the bytes of JPEGs at the highest effort with those at the default effort."""
    asked = ("--width", str(WIDTH), "--format", "jpeg", "--quality", "80")
    ways = {"usual effort": (asked, ""), "effort 10": ((*asked, "--effort", "10"), MOZJPEG)}
    if find_spec(MOZJPEG):
        ways["effort 10 with mozjpeg"] = (ways["effort 10"][0], "")
    totals = {
        way: sum(each["out_bytes"] for each in made(corpus, scratch, *options, without=without).values())
        for way, (options, without) in ways.items()
    }
    for one, other in pairwise(totals):
        yield Figure(f"bytes of JPEGs of quality 80, {other} / {one}", totals[other] / totals[one], most=1)


def figures(corpus: Path | None, seed: int, scratch: Path) -> Iterator[Figure]:
    """Measure everything."""
    if corpus is None:
        corpus = scratch / "photographs"
        draw(corpus, Random(seed))
    yield from fidelity(corpus, scratch)
    yield from sameness(corpus, scratch)
    yield from renditions(corpus, scratch)
    yield from colors(scratch)
    yield from sizes(Random(seed))
    yield from edges(scratch, Random(seed))
    yield from weights(corpus, scratch)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="folder of photographs [four, drawn from the seed]")
    parser.add_argument("--seed", type=int, default=0, help="[%(default)s]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    arguments = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for figure in figures(arguments.corpus, arguments.seed, Path(folder)):
            found.append(figure)
            print(figure, flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(figure) for figure in found], indent=2) + "\n")
    sys.exit(not all(figure.is_kept for figure in found))


if __name__ == "__main__":
    main()
