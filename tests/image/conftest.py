"""What the tests of one picture share: a scene in any mode, color profiles, and rendering to look at."""

import io
import itertools
import random
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from forkresize.batch.render_job import render_job
from forkresize.job import Job, Output, Source
from forkresize.outcome import Outcome, Written
from forkresize.recipe import Recipe
from forkresize.store import LocalStore

ALL_OR_NOTHING = "transparency was reduced to all or nothing: the format has no more"
FEWER_COLORS = "reduced to 256 colors: the format holds no more"
REPLACED = "transparency was replaced by the background: the format has none"

EXPECTED = {
    ALL_OR_NOTHING,
    FEWER_COLORS,
    REPLACED,
    "converted from CMYK to sRGB: the requested operations do not support CMYK",
    "reduced from 16 to 8 bits per channel: the format holds no more",
    "reduced from 32-bit float to 8 bits per channel: the format holds no more",
    "channels beside the colors were dropped: 1 without a meaning in the file",
}
"""The warnings that pictures may have whose pixels are looked at."""

D50 = 0.9642, 1.0, 0.8249

ADOBE_RGB = (0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446)
"""Red, green and blue of Adobe RGB (1998) as XYZ under D50."""


@pytest.fixture
def scene() -> Callable[..., Image.Image]:
    """Draw gradients, a rectangle and an ellipse: ``scene(mode, size)``; alpha falls off from the middle."""

    def draw_scene(mode: str = "RGB", size: tuple[int, int] = (120, 80)) -> Image.Image:
        slope, hill = Image.linear_gradient("L").resize(size), Image.radial_gradient("L").resize(size)
        image = Image.merge("RGB", (slope, Image.linear_gradient("L").rotate(90).resize(size), hill))
        drawing, (width, height) = ImageDraw.Draw(image), size
        drawing.rectangle((width // 20, height // 20, width // 3, height // 3), fill=(255, 0, 0))
        drawing.ellipse((width // 2, height // 2, width - 5, height - 5), fill=(0, 160, 255))
        if mode == "I;16":
            return image.convert("L").convert("I").point(lambda value: value * 257 + 0).convert("I;16")
        if mode in {"RGBA", "LA"}:
            image.putalpha(hill.point(lambda value: 255 - value))
        return image.convert(mode)

    return draw_scene


@pytest.fixture
def noise() -> Callable[..., Image.Image]:
    """Draw noise from a seed: ``noise(mode, size)``."""

    def draw_noise(mode: str = "RGB", size: tuple[int, int] = (97, 61), seed: int = 1) -> Image.Image:
        pixels = random.Random(seed).randbytes(size[0] * size[1] * len(mode))  # noqa: S311 (seeded on purpose)
        return Image.frombytes(mode, size, pixels)

    return draw_noise


@pytest.fixture
def results(tmp_path: Path) -> Callable[..., list[Outcome]]:
    """Render an image, a file's bytes or a path: ``results(source, "name.png", {save options}, **recipe)``.

    The output of a recipe with one rendition has the source's name, and those of others have their number before it.
    """

    def render_it(
        source: Image.Image | bytes | Path,
        name: str = "source.png",
        options: dict[str, Any] | None = None,
        **recipe: Any,
    ) -> list[Outcome]:
        path = source if isinstance(source, Path) else tmp_path / name
        if isinstance(source, Image.Image):
            source.save(path, **(options or {}))
        elif isinstance(source, bytes):
            path.write_bytes(source)
        asked = Recipe.from_options(recipe, effective=())
        several = len(asked.renditions) > 1
        outputs = [
            Output(str(tmp_path / "out" / (f"{number}-{path.name}" if several else path.name)), number)
            for number in range(len(asked.renditions))
        ]
        size = path.stat().st_size if path.exists() else 0
        return render_job(Job(Source(str(path), path.name, size), tuple(outputs)), asked, LocalStore("", "test"))

    return render_it


@pytest.fixture
def result(results: Callable[..., list[Outcome]]) -> Callable[..., Outcome]:
    """Like ``results``, for a single outcome."""

    def render_one(*source: object, **recipe: object) -> Outcome:
        (outcome,) = results(*source, **recipe)
        return outcome

    return render_one


@pytest.fixture
def make(result: Callable[..., Outcome]) -> Callable[..., Image.Image]:
    """Like ``result``, and open the output."""

    def render_and_open(*source: object, **recipe: object) -> Image.Image:
        outcome = result(*source, **recipe)
        assert isinstance(outcome.detail, Written), outcome
        assert {each for each in outcome.warnings if "no place for this" not in each} <= EXPECTED, outcome
        assert outcome.destination is not None
        with open(outcome.destination, "rb") as file:
            image = Image.open(io.BytesIO(file.read()))
        image.load()
        assert image.size == outcome.detail.out_size
        assert (image.format or "").lower() == outcome.detail.out_format
        return image

    return render_and_open


@pytest.fixture
def rgb_profile() -> Callable[..., bytes]:
    """Build an ICC profile of three colorants and a gamma: ``rgb_profile()`` is Adobe RGB (1998)."""

    def build(colorants: Sequence[Sequence[float]] = ADOBE_RGB, gamma: float = 2.2) -> bytes:
        tags = {f"{name}XYZ".encode(): _xyz(values) for name, values in zip("rgb", colorants, strict=True)}
        tags |= {f"{name}TRC".encode(): _curve(gamma) for name in "rgb"}
        return _profile(b"RGB ", tags)

    return build


@pytest.fixture
def gray_profile() -> Callable[..., bytes]:
    """Build an ICC profile of a gamma: ``gray_profile(1.8)``."""
    return lambda gamma: _profile(b"GRAY", {b"kTRC": _curve(gamma)})


@pytest.fixture
def cmyk_profile() -> bytes:
    """An ICC profile of inks that are duller than Pillow's own idea of them."""
    corners = itertools.product((0, 1), repeat=4)
    inks = [(255 - 70 * (c + m + y) - 40 * k, 128 + 60 * m - 50 * c, 128 + 70 * y - 40 * c) for c, m, y, k in corners]
    identity = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + struct.pack(">9i", *[65536, 0, 0, 0] * 2, 65536)
    clut = b"".join(bytes((max(0, lightness), a, b)) for lightness, a, b in inks)
    return _profile(b"CMYK", {b"A2B0": table + identity * 4 + clut + identity * 3}, b"Lab ")


@pytest.fixture
def table_profile() -> bytes:
    """An ICC profile of RGB that is a table."""
    corners = itertools.product((0, 1), repeat=3)
    labs = [(80 * (r + g + b), 128 + 60 * r - 50 * g, 128 + 50 * r - 60 * b) for r, g, b in corners]
    identity = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes((3, 3, 2, 0)) + struct.pack(">9i", *[65536, 0, 0, 0] * 2, 65536)
    return _profile(b"RGB ", {b"A2B0": table + identity * 3 + b"".join(map(bytes, labs)) + identity * 3}, b"Lab ")


def _profile(space: bytes, tags: dict[bytes, bytes], connection: bytes = b"XYZ ") -> bytes:
    """Return an ICC profile of version 2.1, as ICC.1:2001-04 lays it out."""
    tags |= {b"wtpt": _xyz(D50), b"desc": _description(), b"cprt": b"text\0\0\0\0none\0"}
    data, table, offset = b"", b"", 128 + 4 + 12 * len(tags)
    for name, body in tags.items():
        padded = body + b"\0" * (-len(body) % 4)
        table += struct.pack(">4sII", name, offset + len(data), len(body))
        data += padded
    header = struct.pack(
        ">I4sI4s4s4s12s4s28s",
        offset + len(data),
        b"test",
        0x02100000,
        b"mntr",
        space,
        connection,
        bytes(12),
        b"acsp",
        bytes(28),
    )
    header += struct.pack(">3i", *(round(value * 65536) for value in D50)) + bytes(48)
    return header + struct.pack(">I", len(tags)) + table + data


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def _description() -> bytes:
    return b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78)
