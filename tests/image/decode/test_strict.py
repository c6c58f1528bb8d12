"""Files that are copied have to open everywhere."""

import io
import struct
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from forkresize.image.decode.strict import opens_everywhere
from forkresize.image.transform import transform
from forkresize.recipe import Recipe

Scene = Callable[..., Image.Image]

_PLANAR_CONFIGURATION = 284


def coded(image: Image.Image, name: str, **options: Any) -> bytes:
    image.save(file := io.BytesIO(), name, **options)
    return file.getvalue()


def test_what_pillow_writes_opens(scene: Scene) -> None:
    several: dict[str, Any] = {"save_all": True, "append_images": [scene("P").rotate(9)]}
    for name, options in {"TIFF": several, "GIF": several, "PNG": {}, "JPEG": {}, "WEBP": {}, "AVIF": {}}.items():
        assert opens_everywhere(coded(scene("RGB"), name, **options), name)
    assert opens_everywhere(coded(scene(), "MPO", save_all=True, append_images=[scene()]), "MPO")


def damaged_tiff(scene: Scene) -> bytes:
    """Return a TIFF one of whose tags claims to have more data than the file, which the reader here ignores."""
    source = coded(scene(), "TIFF")
    entry = struct.pack("<HHI", _PLANAR_CONFIGURATION, 3, 1)
    assert source.count(entry) == 1
    return source.replace(entry, entry[:4] + b"\xff\xff\xff\x0f")


def test_a_file_whose_damage_only_makes_a_warning_does_not_open(scene: Scene) -> None:
    assert not opens_everywhere(damaged_tiff(scene), "TIFF")


def test_a_file_that_ends_before_its_palette_does_not_open(scene: Scene) -> None:
    source = coded(scene("L", (9, 9)), "PCX")
    assert opens_everywhere(source, "PCX")
    # The palette of 769 bytes is looked for from the end.
    assert not opens_everywhere(source[:-769], "PCX")


def test_a_damaged_picture_behind_the_first_does_not_open(scene: Scene) -> None:
    source = coded(scene(), "MPO", save_all=True, append_images=[scene()])
    second = source.rindex(b"\xff\xd8\xff")
    assert not opens_everywhere(source[:second] + b"\0\0" + source[second + 2 :], "MPO")


@pytest.mark.filterwarnings("ignore:Tag data larger than file")
def test_a_damaged_source_is_not_copied(scene: Scene) -> None:
    source = damaged_tiff(scene)
    [made] = transform(source, Recipe.of(lossless=True, metadata="all"))
    assert made.data != source
    assert opens_everywhere(made.data, "TIFF")
    assert Image.open(io.BytesIO(made.data)).tobytes() == Image.open(io.BytesIO(source)).tobytes()
