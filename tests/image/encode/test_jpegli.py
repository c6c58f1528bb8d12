"""High effort makes JPEGs smaller by jpegli, which looks as good, and keeps what else is in the file."""

import io
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, ImageFilter

from forkresize.formats import EncodeRequest, jpegli
from forkresize.image.analyze.color_ssim import color_similarity_to
from forkresize.image.encode import Encoded

Scene = Callable[..., Image.Image]
Encode = Callable[..., Encoded]
Make = Callable[..., Image.Image]

pytestmark = pytest.mark.skipif(jpegli.jpegli() is None, reason="needs the extra jpegli")

THREADS = """
import os
from PIL import Image
from forkresize import Recipe, transform
import io
Image.effect_noise((300, 200), 60).convert("RGB").save(file := io.BytesIO(), "PNG")
transform(file.getvalue(), Recipe.of(format="jpeg", effort=7))
print(len(os.listdir("/proc/self/task")))
"""


@pytest.fixture
def photo(scene: Scene, noise: Scene) -> Image.Image:
    """Draw soft noise over shapes. Noise alone is larger by jpegli."""
    size = (640, 480)
    return Image.blend(scene(size=size), noise(size=size).filter(ImageFilter.GaussianBlur(1)), 0.1)


@pytest.mark.parametrize("effort", [7, 10])
def test_a_file_is_smaller_and_looks_as_good(effort: int, photo: Image.Image, encoded: Encode) -> None:
    plain, smaller = (encoded(photo, "jpeg", effort=each).data for each in (6, effort))
    assert len(smaller) < 0.97 * len(plain)
    similarity = color_similarity_to(photo)
    before, after = (similarity(Image.open(io.BytesIO(data)).convert("RGB")) for data in (plain, smaller))
    assert after > before - 0.01


def test_metadata_profile_and_resolution_are_those_of_the_plain_file(
    photo: Image.Image, opened: Make, rgb_profile: Callable[[], bytes]
) -> None:
    embedded = {
        "exif": b"Exif\0\0kept",
        "icc_profile": 40_000 * b"P" + rgb_profile() * 200,
        "xmp": b"<x/>",
        "comment": b"hello",
        "dpi": (300, 300),
    }
    plain, smaller = (opened(photo, "jpeg", effort=each, embedded=embedded) for each in (6, 7))
    assert plain.tobytes() != smaller.tobytes()
    assert smaller.info == plain.info
    assert smaller.info["icc_profile"] == embedded["icc_profile"]
    assert smaller.info["dpi"] == (300, 300)


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {"effort": 6}),
        ("RGB", {"effort": 8, "progressive": True}),
        ("RGB", {"effort": 8, "subsampling": "444"}),
        ("RGB", {"effort": 8, "quality": 92}),
        ("L", {"effort": 8}),
        ("CMYK", {"effort": 8}),
    ],
)
def test_what_it_cannot_make_is_left_to_pillow(
    mode: str, options: dict[str, Any], photo: Image.Image, encoded: Encode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jpegli.jpegli(), "encode", None)
    assert encoded(photo.convert(mode), "jpeg", **options).data


def test_the_smaller_file_is_kept(encoded: Encode) -> None:
    # jpegli's is larger, since all files need tables.
    flat = Image.new("RGB", (8, 8), "white")
    assert encoded(flat, "jpeg", effort=7).data == encoded(flat, "jpeg", effort=6).data


def test_the_largest_quality_stays_in_range(scene: Scene) -> None:
    request = EncodeRequest(mode="RGB", quality=100, effort=7, subsampling="420")
    scene().save(file := io.BytesIO(), "JPEG", quality=100, subsampling="4:2:0")
    made = jpegli.encode([scene()], request, file.getvalue())
    assert Image.open(io.BytesIO(made)).size == scene().size


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads in /proc")
def test_it_starts_no_thread() -> None:
    assert subprocess.check_output([sys.executable, "-c", THREADS], text=True, timeout=60) == "1\n"
