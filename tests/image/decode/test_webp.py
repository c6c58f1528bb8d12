"""Still WebPs that are decoded into the memory of the image have the pixels, the metadata and the errors of Pillow."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image, WebPImagePlugin

from forkresize import Recipe, run
from forkresize.image.decode import libwebp
from forkresize.image.decode.libwebp import find_libwebp
from forkresize.image.decode.tolerant import accept_truncated, open_image
from forkresize.image.decode.webp import DirectWebPImageFile

Scene = Callable[..., Image.Image]

_CODINGS: list[dict[str, Any]] = [
    {"quality": 80},
    {"quality": 0},
    {"quality": 60, "alpha_quality": 30},
    {"lossless": True},
    {"lossless": True, "exact": True},
]

_FLAGS = 20
"""Where the flags of an extended file are."""


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Note of each still picture whether it was decoded directly."""
    if find_libwebp() is None:
        pytest.skip("Pillow has a libwebp whose functions are not found")
    found: list[bool] = []
    decode = DirectWebPImageFile._decode  # noqa: SLF001

    def noting(image: DirectWebPImageFile) -> object:
        pixels = decode(image)
        found.append(pixels is not None)
        return pixels

    monkeypatch.setattr(DirectWebPImageFile, "_decode", noting)
    return found


def saved(picture: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, "WEBP", **{"method": 0} | options)
    return file.getvalue()


def seen(reader: type[WebPImagePlugin.WebPImageFile], data: bytes) -> tuple[Any, ...]:
    """Return all that a reader finds, or its error."""
    try:
        image = reader(io.BytesIO(data), "")
        image.load()
    except Exception as error:  # noqa: BLE001 -- any may be raised, but the same.
        return type(error), str(error)
    return image.mode, image.size, image.tobytes(), image.info, image.tell()


def both(data: bytes) -> tuple[Any, ...]:
    """Return what Pillow finds; fail if the direct reader finds anything else."""
    expected = seen(WebPImagePlugin.WebPImageFile, data)
    assert seen(DirectWebPImageFile, data) == expected
    return expected


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (333, 257)])
@pytest.mark.parametrize("coding", _CODINGS, ids=str)
def test_pixels_are_those_of_pillow(
    mode: str, size: tuple[int, int], coding: dict[str, Any], scene: Scene, direct: list[bool]
) -> None:
    assert both(saved(scene(mode, (400, 300)).resize(size), **coding))[1] == size
    assert direct == [True]


def test_metadata_is_read_by_pillow(scene: Scene, direct: list[bool]) -> None:
    blocks = {"icc_profile": b"profile", "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0", "xmp": b"<x/>"}
    assert both(saved(scene("RGBA"), **blocks))[3].keys() >= blocks.keys()
    assert direct == [True]


def test_animations_are_left_to_pillow(scene: Scene, direct: list[bool]) -> None:
    data = saved(scene(), save_all=True, append_images=[scene().rotate(9)], duration=40)
    assert both(data)[3]["duration"] == 40
    assert direct == []


def test_an_animation_of_one_frame_is_left_to_pillow(scene: Scene, direct: list[bool]) -> None:
    still = saved(scene())[12:]
    width, height = scene().size
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    frame = bytes(6) + canvas + (40).to_bytes(3, "little") + b"\0" + still
    parts = [(b"VP8X", b"\x02\0\0\0" + canvas), (b"ANIM", bytes(6)), (b"ANMF", frame)]
    body = b"WEBP" + b"".join(struct.pack("<4sI", name, len(part)) + part for name, part in parts)
    assert both(struct.pack("<4sI", b"RIFF", len(body)) + body)[3]["duration"] == 40
    assert direct == [False]


@pytest.mark.parametrize("coding", _CODINGS[2:], ids=str)
def test_alpha_that_is_not_declared_is_ignored(coding: dict[str, Any], scene: Scene, direct: list[bool]) -> None:
    data = bytearray(saved(scene("RGBA"), exif=b"MM\0*\0\0\0\x08\0\0", **coding))
    data[_FLAGS] &= ~0x10
    both(bytes(data))
    assert len(direct) == 1


def test_what_follows_damaged_pixels_is_not_taken_for_pixels(scene: Scene, direct: list[bool]) -> None:
    whole = saved(scene(), lossless=True)
    (size,) = struct.unpack_from("<I", whole, 16)
    cut = size // 2 & ~1
    kept = whole[12:16] + struct.pack("<I", cut) + whole[20 : 20 + cut]
    body = b"WEBP" + kept + b"prVt" + struct.pack("<I", size) + whole[20 : 20 + size] + bytes(size % 2)
    assert both(struct.pack("<4sI", b"RIFF", len(body)) + body)[0] is OSError
    assert direct == [False]


@pytest.mark.parametrize("coding", _CODINGS, ids=str)
def test_damaged_files_give_what_they_give_to_pillow(coding: dict[str, Any], scene: Scene, direct: list[bool]) -> None:
    random = Random(17)  # noqa: S311 (seeded on purpose)
    data = saved(scene("RGBA", (40, 30)), exif=b"MM\0*\0\0\0\x08\0\0", **coding)
    for _ in range(60):
        damaged = bytearray(data)
        # The size stays, since memory is allocated for it.
        for _ in range(random.randint(1, 3)):
            damaged[random.choice((_FLAGS, random.randrange(30, len(data))))] = random.randrange(256)
        both(bytes(damaged[: random.choice((len(data), random.randrange(len(data))))]))
    assert {True, False} <= {*direct}


def test_a_reader_that_accepts_early_ends_reads_pixels_directly(scene: Scene) -> None:
    data = saved(scene(), lossless=True)
    image = open_image(io.BytesIO(data), ["WEBP"])
    accept_truncated(image)
    image.load()
    assert image.tobytes() == scene().tobytes()
    assert both(data[:-40])[0] is OSError


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_image_may_be_changed(mode: str, scene: Scene, direct: list[bool]) -> None:
    image = open_image(io.BytesIO(saved(scene(mode))), ["WEBP"])
    image.paste((1, 2, 3), (0, 0, 5, 5))
    assert image.getpixel((0, 0)) == ((1, 2, 3) if mode == "RGB" else (1, 2, 3, 255))
    assert direct == [True]


def test_pillow_reads_them_where_the_library_is_not_known(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, direct: list[bool]
) -> None:
    monkeypatch.setattr(libwebp, "find_libwebp", lambda: None)
    assert both(saved(scene(), lossless=True))[2] == scene().tobytes()
    assert direct == []


def test_a_worker_in_the_sandbox_decodes_directly(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, direct: list[bool]
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("decoded by Pillow")

    # Workers are forked, so they have it as well.
    monkeypatch.setattr(WebPImagePlugin.WebPImageFile, "_get_next", refuse)
    find_libwebp.cache_clear()
    for number in range(2):
        (tmp_path / f"{number}.webp").write_bytes(saved(scene()))
    summary = run([str(tmp_path)], tmp_path / "out", Recipe.of(width=20, format="jpeg"))
    assert summary.written == 2
    assert direct == []
