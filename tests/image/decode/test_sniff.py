"""Pictures are recognized without a decoder, and at least those that decoders accept."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from forkresize.formats import OUTPUT_FORMATS
from forkresize.image.decode.plugins import load_plugins
from forkresize.image.decode.sniff import HEAD_LENGTH, is_picture
from forkresize.outcome import Outcome, Skipped

Scene = Callable[..., Image.Image]
Render = Callable[..., Outcome]

RARE = {
    "xbm": b"#define a_width 8\n#define a_height 1\nstatic char a_bits[] = {\n0x55\n};\n",
    "xpm": b'/* XPM */\nstatic char *a[] = {\n"1 1 1 1",\n"a c #ff0000",\n"a"};\n',
    "sun": struct.pack(">8I", 0x59A66A95, 2, 2, 8, 4, 1, 0, 0) + bytes(4),
    "ppm with odd spaces": b"P6" + b" " * 39 + b"2 2\n255\n" + bytes(12),
}


def begins_as_picture(path: Path) -> bool:
    return is_picture(path.read_bytes()[:HEAD_LENGTH], path.name)


@pytest.mark.parametrize("kind", OUTPUT_FORMATS)
def test_all_output_formats_are_recognized(kind: str, scene: Scene, tmp_path: Path) -> None:
    load_plugins()
    path = tmp_path / f"a.{kind}"
    scene().resize((32, 32)).save(path, kind.upper())
    assert begins_as_picture(path)


@pytest.mark.parametrize("kind", RARE)
def test_what_decoders_accept_is_recognized(kind: str, result: Render, tmp_path: Path) -> None:
    outcome = result(RARE[kind], "a", width=30, format="png")
    assert not isinstance(outcome.detail, Skipped), outcome
    assert begins_as_picture(tmp_path / "a")


def test_an_avif_of_another_brand_is_recognized(scene: Scene, tmp_path: Path, result: Render) -> None:
    scene().save(tmp_path / "b.avif")
    content = bytearray((tmp_path / "b.avif").read_bytes())
    content[8:12] = b"mif1"
    outcome = result(bytes(content), "a", width=30, format="png")
    assert not isinstance(outcome.detail, Skipped), outcome
    assert begins_as_picture(tmp_path / "a")


def test_the_suffix_decides_for_an_empty_file(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.txt"):
        (tmp_path / name).touch()
    assert begins_as_picture(tmp_path / "a.jpg")
    assert not begins_as_picture(tmp_path / "a.txt")


@pytest.mark.parametrize(
    "content",
    [
        b"\0\0\0\x18ftypisom",
        b"#define LIMIT 3\n",
        b"",
        b"Dear reader,",
        b"PK\3\4" + bytes(99),
        b"<x:xmpmeta/>",
        b"%PDF-1.4",
    ],
)
def test_other_files_are_not_recognized(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    assert not begins_as_picture(tmp_path / "a.txt")
