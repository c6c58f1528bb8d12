"""Pictures with more pixels than are allowed, wherever they hide."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from forkresize.image.decode.sniff import is_picture
from forkresize.outcome import Failed, Outcome, Reason, Written

Scene = Callable[..., Image.Image]
Render = Callable[..., Outcome]


def bomb(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


def test_a_bomb_fails_with_its_size_and_the_limit(result: Render) -> None:
    outcome = result(bomb(60_000, 60_000), width=30)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.TOO_LARGE
    assert outcome.error == "the picture has 3600 megapixels, more than the limit of 200 (max_pixels)"
    assert outcome.warnings == ()


def test_a_bomb_inside_of_an_icon_fails(result: Render, tmp_path: Path) -> None:
    hidden = bomb(60_000, 60_000)
    icon = struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(hidden), 22) + hidden
    outcome = result(icon, "a.ico", width=30)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.TOO_LARGE
    assert is_picture((tmp_path / "a.ico").read_bytes(), "a")


def test_the_limit_is_exact_and_applies_to_outputs(scene: Scene, result: Render) -> None:
    assert isinstance(result(scene(), max_pixels=9600, width=30).detail, Written)
    refused = result(scene(), max_pixels=9599, width=30)
    assert isinstance(refused.detail, Failed)
    assert refused.reason is Reason.TOO_LARGE
    refused = result(scene(), max_pixels=9600, width=121, enlarge=True)
    assert isinstance(refused.detail, Failed)
    assert refused.error == "the output would have 0.009801 megapixels, more than the limit of 0.0096 (max_pixels)"
