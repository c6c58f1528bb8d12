"""What is read from a header is what rendering finds in the pixels."""

import io
import random
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from forkresize.image.decode.plugins import load_plugins
from forkresize.image.errors import PictureError
from forkresize.image.inspection import Inspected, inspect_picture
from forkresize.image.transform import Rendered, render_each, transform
from forkresize.outcome import Reason
from forkresize.recipe import Recipe

Scene = Callable[..., Image.Image]

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF", "BMP", "JPEG2000", "ICO", "ICNS", "PPM", "QOI", "DDS", "TGA")


def inspect(data: bytes, **options: Any) -> Inspected:
    return inspect_picture(io.BytesIO(data), Recipe(**options))


def save(image: Image.Image, kind: str, **options: Any) -> bytes:
    load_plugins()
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x112] = orientation
    return exif


def rendered_size(data: bytes, name: str) -> tuple[int, int]:
    (result,) = render_each(io.BytesIO(data), Recipe.of(format="png"), name=name)
    assert isinstance(result.detail, Rendered), result
    return result.detail.source_size


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
def test_size_is_that_of_the_upright_picture(kind: str, orientation: int, scene: Scene) -> None:
    data = save(scene(size=(60, 40)), kind, exif=oriented(orientation))
    found = inspect_picture(io.BytesIO(data), Recipe(), name=f"a.{kind.lower()}")
    assert (found.width, found.height) == rendered_size(data, f"a.{kind.lower()}")


def late_exif(data: bytes, name: bytes, content: bytes) -> bytes:
    """Return a PNG with a chunk before its end."""
    chunk = struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    return data[:-12] + chunk + data[-12:]


XMP = b'XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta><rdf:Description tiff:Orientation="8"/></x:xmpmeta>'


@pytest.mark.parametrize(
    ("name", "content"), [(b"eXIf", oriented(6).tobytes().removeprefix(b"Exif\0\0")), (b"iTXt", XMP)]
)
def test_orientation_after_the_pixels_of_a_png_counts(
    name: bytes, content: bytes, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = late_exif(save(scene(size=(60, 40)), "PNG"), name, content)
    assert rendered_size(data, "") == (40, 60)

    def refuse(_: Any) -> None:
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", refuse)
    assert inspect(data) == Inspected(40, 60, "png", 1)
    assert inspect(data, auto_orient=False) == Inspected(60, 40, "png", 1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF", "BMP", "JPEG2000"])
def test_pixels_are_not_decoded(kind: str, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    data = save(scene(size=(60, 40)), kind)

    def refuse(_: Any) -> None:
        raise AssertionError("pixels were decoded")

    with monkeypatch.context() as patch:
        patch.setattr(ImageFile.ImageFile, "load", refuse)
        found = inspect(data)
    assert (found.width, found.height, found.frames) == (60, 40, 1)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "MPO"])
def test_frames_are_counted(kind: str, noise: Scene) -> None:
    first, *others = (noise(seed=seed) for seed in range(5))
    found = inspect(save(first, kind, save_all=True, append_images=others))
    assert found == Inspected(97, 61, "jpeg" if kind == "MPO" else kind.lower(), 5)


def test_memory_is_reserved_before_the_pixels_of_a_webp_are_allocated(scene: Scene) -> None:
    data, asked = save(scene(size=(800, 600)), "WEBP"), list[int]()
    inspect_picture(io.BytesIO(data), Recipe(), reserve=asked.append)
    assert asked[0] > 800 * 600 * 4


def test_limits_of_the_recipe_hold(scene: Scene) -> None:
    with pytest.raises(PictureError) as caught:
        inspect(save(scene(size=(60, 40)), "PNG"), max_pixels=2000)
    assert caught.value.reason is Reason.TOO_LARGE


@given(seed=st.integers(0, 10**6), cut=st.floats(0, 1), kind=st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "TIFF"]))
@settings(max_examples=40, deadline=None)
def test_damage_is_a_picture_error(seed: int, cut: float, kind: str) -> None:
    rng = random.Random(seed)  # noqa: S311 (seeded on purpose)
    data = bytearray(save(Image.frombytes("RGB", (20, 20), rng.randbytes(1200)), kind, exif=oriented(6)))
    data = data[: max(1, int(len(data) * cut))]
    for _ in range(rng.randrange(4)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    try:
        found = inspect(bytes(data))
    except PictureError:
        return
    assert found.width * found.height > 0


def test_picture_that_cannot_be_inspected_says_why_in_words_of_rendering() -> None:
    for data in (b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40):
        with pytest.raises(PictureError) as inspecting:
            inspect(data)
        with pytest.raises(PictureError) as rendering:
            transform(data, Recipe.of(width=8))
        assert inspecting.value.reason is rendering.value.reason
