import json
import os
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from forkresize.batch.render_job import render_job
from forkresize.image.deep_image import DeepImage, join_bytes
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.encode.deep import save_deep
from forkresize.image.memory import estimate_memory
from forkresize.image.source_image import SourceImage
from forkresize.job import Job, Output, Source
from forkresize.outcome import Failed, Reason, Written
from forkresize.recipe import Recipe
from forkresize.store import LocalStore
from tests.image.decode.test_tiff import write
from tests.protocols import Draw

pytestmark = pytest.mark.slow


needs_proc = pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="the peak can't be measured")

LARGE = (3000, 2000)

GROWN = Path(__file__).parent.parent.parent / "benchmarks/grown.py"


def estimate(path: Path, recipe: Recipe) -> int:
    with path.open("rb") as file:
        return estimate_memory(SourceImage.open(file, recipe, Diagnostics(), path.name), recipe, recipe.renditions)


def job_of(path: Path, recipe: Recipe) -> Job:
    outputs = tuple(Output(f"{path}.{number}.out", number) for number in range(len(recipe.renditions)))
    return Job(Source(str(path), path.name, path.stat().st_size), outputs)


def measured(path: Path, options: dict[str, Any]) -> int:
    """Return by how much a process grows, at its highest, while it makes a picture."""
    arguments = [sys.executable, str(GROWN), str(path), json.dumps(options)]
    # What measures coverage would be measured too.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    return int(subprocess.run(arguments, capture_output=True, check=True, timeout=60, env=env).stdout)


def check(path: Path, options: dict[str, Any]) -> None:
    estimated, grown = estimate(path, Recipe.of(**options)), measured(path, options)
    assert grown <= estimated <= 2 * grown + (8 << 20), (
        f"estimated {estimated / 1e6:.0f} MB, measured {grown / 1e6:.0f} MB"
    )


SOURCES: dict[str, tuple[str, dict[str, Any]]] = {
    "photo.jpg": ("RGB", {"quality": 90}),
    "progressive.jpg": ("RGB", {"quality": 90, "progressive": True, "subsampling": "4:4:4"}),
    "gray.jpg": ("L", {}),
    "photo.png": ("RGB", {"compress_level": 1}),
    "alpha.png": ("RGBA", {"compress_level": 1}),
    "gray.png": ("L", {"compress_level": 1}),
    "gray-alpha.png": ("LA", {"compress_level": 1}),
    "deep.png": ("I;16", {"compress_level": 1}),
    "bilevel.png": ("1", {"compress_level": 1}),
    "palette.gif": ("P", {}),
    "photo.webp": ("RGB", {"lossless": True, "quality": 0, "method": 0}),
    "photo.avif": ("RGB", {"quality": 60, "speed": 10}),
    "photo.tif": ("RGB", {}),
    "strip.tif": ("RGB", {"compression": "tiff_deflate", "strip_size": 10**9}),
    "photo.jp2": ("RGB", {"quality_mode": "rates", "quality_layers": [20]}),
    "photo.bmp": ("RGB", {}),
}


@needs_proc
@pytest.mark.parametrize("name", SOURCES)
def test_the_estimate_is_one_to_two_times_the_memory_of_decoding(name: str, tmp_path: Path, draw: Draw) -> None:
    mode, options = SOURCES[name]
    check(draw(tmp_path / name, LARGE, mode=mode, **options), {"width": 300, "format": "jpeg"})


CORRECTED: dict[str, dict[str, Any]] = {
    "white is zero": {"bits": [16], "color": 0},
    "white is zero, compressed": {"bits": [16], "color": 0, "compression": 8},
    "Lab": {"bits": [16] * 3, "color": 8, "compression": 8},
    "separate": {"bits": [16] * 3, "color": 2},
    "64 bits": {"bits": [64], "kind": 3},
}


@needs_proc
@pytest.mark.parametrize("name", CORRECTED)
def test_the_memory_of_correcting_a_tiff_is_in_the_estimate(name: str, tmp_path: Path) -> None:
    tags, path = CORRECTED[name], tmp_path / "a.tif"
    planes = [bytes(LARGE[0] * LARGE[1] * bits // 8) for bits in tags["bits"]]
    path.write_bytes(write(planes if name == "separate" else [b"".join(planes)], **tags, size=LARGE))
    options = {"width": 300, "format": "jpeg"}
    estimated, grown = estimate(path, Recipe.of(**options)), measured(path, options)
    assert grown <= estimated <= 4 * grown + (8 << 20), (
        f"estimated {estimated / 1e6:.0f} MB, measured {grown / 1e6:.0f} MB"
    )


@needs_proc
@pytest.mark.parametrize(
    ("output", "options"),
    [
        ("png", {"width": 800}),
        ("png", {"format": "png", "effort": 1}),
        ("tiff", {"width": 800}),
        ("tiff", {"width": 1600, "linear": True}),
        ("png", {"width": 800, "format": "jpeg"}),
        ("png", {"color": "p3", "effort": 1}),
    ],
    ids=str,
)
def test_the_estimate_is_enough_for_16_bits_in_color(
    output: str, options: dict[str, Any], tmp_path: Path, draw: Draw
) -> None:
    with Image.open(draw(tmp_path / "photo.png", (1500, 1000), compress_level=1)) as photo:
        image = DeepImage(join_bytes(band, band) for band in photo.split())
    path = tmp_path / f"deep.{output}"
    path.write_bytes(save_deep([image], output, {"compress_level": 1}))
    estimated, grown = estimate(path, Recipe.of(**options)), measured(path, options)
    assert grown <= estimated <= 3 * grown + (8 << 20), (
        f"estimated {estimated / 1e6:.0f} MB, measured {grown / 1e6:.0f} MB"
    )


HEICS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "8 bits": ("RGB", "jpeg", {"quality": 60}),
    "8 bits, alpha": ("RGBA", "jpeg", {"quality": 60}),
    "10 bits": ("RGB;16", "tiff", {"quality": 60}),
    "10 bits, alpha": ("RGBA;16", "jpeg", {"quality": 60}),
    "10 bits, full chroma": ("RGB;16", "jpeg", {"quality": 60, "chroma": 444, "matrix_coefficients": 0}),
    "10 bits, gray": ("I;16", "tiff", {"quality": 60}),
}


@needs_proc
@pytest.mark.parametrize("name", HEICS)
def test_the_estimate_is_enough_for_heic(name: str, tmp_path: Path, draw: Draw) -> None:
    heif = pytest.importorskip("pillow_heif")
    mode, output, options = HEICS[name]
    with Image.open(draw(tmp_path / "photo.bmp", (2000, 1500))) as photo:
        image = photo.convert("L" if mode == "I;16" else mode.removesuffix(";16"))
    pixels = bytearray(image.tobytes())
    if mode.endswith(";16"):
        eight, pixels = pixels, bytearray(2 * len(pixels))
        pixels[::2] = pixels[1::2] = eight
    heif.from_bytes(mode, image.size, bytes(pixels)).save(tmp_path / "a.heic", **options)
    check(tmp_path / "a.heic", {"width": 800, "format": output})


RECIPES: list[dict[str, Any]] = [
    {"format": "jpeg"},
    {"format": "jpeg", "quality": 95, "progressive": True},
    {"format": "png"},
    {"format": "png", "palette": 64},
    {"format": "webp"},
    {"format": "webp", "lossless": True, "effort": 1},
    {"format": "avif", "effort": 2},
    {"format": "gif"},
    {"format": "tiff"},
    {"format": "jpeg", "ssim": 0.9},
    {"width": [1600, 800], "format": ["jpeg", "webp"]},
    {"width": 1600, "linear": True},
    {"rotate": 10},
    {"trim": True},
    {"width": 1600, "blur": 2},
    {"width": 3300, "enlarge": True},
    {"width": 1000, "height": 1000, "fit": "contain"},
]


@needs_proc
@pytest.mark.parametrize("options", RECIPES, ids=str)
def test_the_estimate_is_one_to_two_times_the_memory_of_rendering(
    options: dict[str, Any], tmp_path: Path, draw: Draw
) -> None:
    check(draw(tmp_path / "photo.jpg", (2000, 1500), quality=90), options)


def test_every_frame_of_an_animation_counts(tmp_path: Path, draw: Draw) -> None:
    frames = [Image.open(draw(tmp_path / f"{number}.png", (400, 300), seed=number)) for number in range(6)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], duration=40)
    recipes = Recipe.of(format="webp", animation="first"), Recipe.of(format="webp"), Recipe.of(format="gif")
    one, all_of_them, as_gif = (estimate(tmp_path / "a.webp", recipe) for recipe in recipes)
    assert one < all_of_them < as_gif


@needs_proc
@pytest.mark.parametrize("options", [{"width": 80, "format": "keep"}, {"width": 600, "format": "keep"}], ids=str)
@pytest.mark.parametrize("name", ["a.webp", "a.png", "a.gif", "a.avif", "a.tif"])
def test_all_frames_take_at_most_the_estimate(name: str, options: dict[str, Any], tmp_path: Path, draw: Draw) -> None:
    frames = [Image.open(draw(tmp_path / f"{number}.bmp", (1500, 1000), seed=number)) for number in range(4)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    estimated, grown = estimate(tmp_path / name, Recipe.of(**options)), measured(tmp_path / name, options)
    assert grown <= estimated, f"estimated {estimated / 1e6:.0f} MB, measured {grown / 1e6:.0f} MB"


def test_the_estimate_is_lower_for_a_smaller_output_of_a_jpeg(tmp_path: Path, draw: Draw) -> None:
    path = draw(tmp_path / "a.jpg", LARGE)
    needs = [estimate(path, Recipe.of(width=width)) for width in (50, 200, 1000, 3000)]
    assert needs == sorted(needs)
    assert needs[0] < needs[-1] / 4


def test_a_format_that_cannot_be_written_reserves_no_memory(tmp_path: Path, draw: Draw) -> None:
    path = draw(tmp_path / "a.jpg").rename(tmp_path / "a.xbm")
    draw(path, mode="1", format="XBM")
    assert estimate(path, Recipe.of(width=20)) < 5 << 20
    draw(path, (1000, 600), mode="1", format="XBM")
    asked: list[int] = []
    [outcome] = render_job(job_of(path, Recipe.of(width=20)), Recipe.of(width=20), LocalStore("", "tag"), asked.append)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.UNSUPPORTED
    assert asked == []


def test_nothing_is_decoded_before_memory_is_reserved(tmp_path: Path, draw: Draw) -> None:
    for name in ("a.jpg", "a.png", "a.webp", "a.tif", "a.gif", "a.avif"):
        path = draw(tmp_path / name, (640, 480))
        seen: list[int] = []

        def refuse(size: int, seen: list[int] = seen) -> None:
            seen.append(size)
            raise MemoryError(f"needs {size}")

        recipe = Recipe.of(width=100)
        [outcome] = render_job(job_of(path, recipe), recipe, LocalStore("", "tag"), refuse)
        assert isinstance(outcome.detail, Failed)
        assert outcome.reason is Reason.MEMORY_LIMIT
        assert outcome.error == f"needs {seen[0]}"


def test_waiting_for_memory_is_not_part_of_the_timings(tmp_path: Path, draw: Draw) -> None:
    path, recipe = draw(tmp_path / "a.jpg"), Recipe.of(width=20)
    [outcome] = render_job(job_of(path, recipe), recipe, LocalStore("", "tag"), lambda _: time.sleep(0.5))
    assert isinstance(outcome.detail, Written)
    assert outcome.detail.decode_seconds + outcome.detail.resize_seconds + outcome.detail.encode_seconds < 0.4


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not limit address space")
def test_pixels_that_a_damaged_icon_only_claims_are_not_a_lack_of_memory(tmp_path: Path, draw: Draw) -> None:
    path, small = tmp_path / "a.ico", draw(tmp_path / "small.png")
    bitmap = struct.pack("<IiiHH", 2**31, 2**31 - 1, 2**31 - 1, 1, 32)
    path.write_bytes(struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(bitmap), 22) + bitmap)
    arguments = [sys.executable, "-c", LIMITED, str(path), str(small), str(tmp_path / "out.jpg"), str(600 * 10**6)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.strip() == "failed damaged or truncated", done.stderr


LIMITED = """
import resource, sys
from forkresize import Recipe, render
recipe = Recipe.of(width=100, format="jpeg")
render(sys.argv[2], sys.argv[3], recipe)
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + int(sys.argv[4]), resource.RLIM_INFINITY))
outcome = render(sys.argv[1], sys.argv[3], recipe)
print(outcome.status, outcome.reason or "")
"""


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not limit address space")
@pytest.mark.parametrize("name", ["a.avif", "a.jp2", "a.png", "a.webp"])
def test_a_memory_limit_is_not_reported_as_damage(name: str, tmp_path: Path, draw: Draw) -> None:
    path, small = draw(tmp_path / name, LARGE), draw(tmp_path / f"small-{name}")

    def run_limited(megabytes: int, file: Path = path) -> str:
        paths = str(file), str(small), str(tmp_path / "out.jpg")
        arguments = [sys.executable, "-c", LIMITED, *paths, str(megabytes * 10**6)]
        done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.strip()

    assert run_limited(12) == "failed memory limit"
    assert run_limited(600) == "written"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert run_limited(600) == "failed damaged or truncated"
