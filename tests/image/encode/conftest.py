"""What the tests of encoding share: encoding and opening what came out, and drawing of frames from a seed."""

import io
import random
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, ImageDraw

from forkresize.formats import SPECS
from forkresize.image.decode.identify import load_decoder
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.encode import Encoded, encode
from forkresize.image.picture import Frames
from forkresize.recipe import Rendition


@pytest.fixture
def encoded() -> Callable[..., Encoded]:
    """Encode: ``encoded(images, "gif", durations=..., loop=..., embedded=..., diagnostics=..., **rendition)``."""

    def encode_it(
        images: Any,
        output: str,
        durations: tuple[int, ...] = (),
        loop: int | None = None,
        embedded: Any = None,
        diagnostics: Diagnostics | None = None,
        **rendition: Any,
    ) -> Encoded:
        if (package := SPECS[output].decoder) is not None:
            load_decoder(package)
        images = (images,) if isinstance(images, Image.Image) else tuple(images)
        frames = Frames(images=images, durations=durations, loop=loop, diagnostics=diagnostics or Diagnostics())
        return encode(frames, output, Rendition(**rendition), embedded or {})

    return encode_it


@pytest.fixture
def opened(encoded: Callable[..., Encoded]) -> Callable[..., Image.Image]:
    """Encode in the same way, and open the result."""
    return lambda *images, **options: Image.open(io.BytesIO(encoded(*images, **options).data))


@pytest.fixture
def shown() -> Callable[[Image.Image], list[tuple[Image.Image, int]]]:
    """Return every frame of an opened animation as RGBA, and its milliseconds."""

    def frames_of(image: Any) -> list[tuple[Image.Image, int]]:
        frames = []
        for number in range(image.n_frames):
            image.seek(number)
            image.load()
            frames.append((image.convert("RGBA"), round(image.info.get("duration", 0))))
        return frames

    return frames_of


@pytest.fixture
def film() -> Callable[..., list[Image.Image]]:
    """Draw frames of rectangles in few colors: ``film(seed, frames, mode, size)``; some equal the one before.

    In RGBA they lie on nothing, and some frames are of nothing alone.
    """

    def draw_film(
        seed: int = 0, frames: int = 4, mode: str = "RGB", size: tuple[int, int] = (24, 17)
    ) -> list[Image.Image]:
        chance = random.Random(seed)  # noqa: S311 (seeded on purpose)
        colors = [tuple(chance.randbytes(3)) + (255,) * (mode == "RGBA") for _ in range(12)]
        images: list[Image.Image] = []
        for _ in range(frames):
            choice = chance.random()
            if images and choice < 0.25:
                images.append(images[-1].copy())
                continue
            empty = (0, 0, 0, 0) if mode == "RGBA" else colors[0]
            image = images[-1].copy() if images and choice < 0.5 else Image.new(mode, size, empty)
            for _ in range(0 if choice > 0.85 else 3):
                left, top = chance.randrange(size[0]), chance.randrange(size[1])
                box = (left, top, left + chance.randrange(12), top + chance.randrange(12))
                ImageDraw.Draw(image).rectangle(box, fill=chance.choice([*colors, empty]))
            images.append(image)
        return images

    return draw_film
