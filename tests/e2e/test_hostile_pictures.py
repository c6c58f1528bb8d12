"""Malicious pictures of a few hundred bytes, and the results of the installed command."""

import json
import struct
import zlib
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.protocols import Run

pytestmark = pytest.mark.slow

Ended = tuple[str, str | None, str]


def png(width: int, height: int, *chunks: tuple[bytes, bytes], rows: bytes | None = None) -> bytes:
    """Return a PNG of 1-bit gray, as in its specification."""
    header = struct.pack(">2I5B", width, height, 1, 0, 0, 0, 0)
    data = zlib.compress(bytes((width + 15) // 8 * height)) if rows is None else rows
    parts = (b"IHDR", header), *chunks, (b"IDAT", data), (b"IEND", b"")
    framed = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def gif(canvas: tuple[int, int], frames: int) -> bytes:
    """Return an animation of single pixels."""
    header = b"GIF89a" + struct.pack("<HHBBB", *canvas, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x21\xf9\x04\x04\x02\0\0\0\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return header + frame * frames + b"\x3b"


def tiff(*tags: tuple[int, int, int, int], following: int = 0, rest: bytes = bytes(200)) -> bytes:
    """Return a TIFF of 8 x 8 gray pixels with additional tags, and the offset of a second page."""
    plain = [(256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    plain += [(273, 4, 1, 200), (277, 3, 1, 1), (278, 4, 1, 8), (279, 4, 1, 64)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in [*plain, *tags])
    return b"II*\0" + struct.pack("<IH", 8, len(plain) + len(tags)) + entries + struct.pack("<I", following) + rest


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    image.save(file := BytesIO(), kind, **options)
    return file.getvalue()


def torn_gif() -> bytes:
    """Return an animation whose second frame is cut off within its header."""
    frames = [Image.new("L", (9, 9), level) for level in (9, 99, 200)]
    whole = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=40)
    second = whole.index(b"\x21\xf9", whole.index(b"\x21\xf9") + 1)
    return whole[: second + 2]


def webp_canvas(width: int, height: int) -> bytes:
    """Return an animation of few pixels on a large canvas."""
    pixels = saved(Image.new("RGB", (4, 4)), "WEBP", lossless=True)[12:]
    frame = bytes(6) + b"\3\0\0\3\0\0\x28\0\0\0" + pixels
    extent = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"VP8X" + struct.pack("<I", 10) + b"\2\0\0\0" + extent + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    body += (b"ANMF" + struct.pack("<I", len(frame)) + frame) * 2
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


@pytest.fixture
def ended(tmp_path: Path, forkresize: Run) -> Callable[..., Ended]:
    """Run the command on one file; return its status, reason and error, and check that nothing else happened."""

    def end(name: str, content: bytes, options: Sequence[str] = ("--width", "4")) -> Ended:
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / name).write_bytes(content)
        done = forkresize("in", "out", *options, "--timeout", "20s", "--report", "r.jsonl")
        assert "Traceback" not in done.stderr
        (record,) = {
            (record["status"], record["reason"], record["error"] or "")
            for record in map(json.loads, (tmp_path / "r.jsonl").read_text().splitlines())
        }
        assert done.returncode == int(record[0] == "failed")
        return record

    return end


BLOATED = zlib.compress(bytes(1 << 26))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("wide.png", png(2**31 - 1, 1), "2147.48 megapixels, more than the limit of 200 (max_pixels)"),
        ("large.png", png(100_000, 100_000, rows=BLOATED), "10000 megapixels, more than the limit of 200 (max_pixels)"),
        ("canvas.webp", webp_canvas(16_383, 16_383), "268.403 megapixels, more than the limit of 200 (max_pixels)"),
        ("frames.gif", gif((1000, 1000), 300), "300 megapixels, more than the limit of 200 (max_pixels)"),
        (
            "canvases.gif",
            gif((10_000, 10_000), 1000),
            "100000 megapixels, more than the limit of 2000",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_too_many_pixels_fail_with_the_number_and_the_limit(
    name: str, content: bytes, message: str, ended: Callable[..., Ended]
) -> None:
    status, reason, error = ended(name, content, ["--width", "1000"])
    assert (status, reason) == ("failed", "too many pixels")
    assert message in error


@pytest.mark.parametrize("options", [["--rotate", "45"], ["--border", "10000"]])
def test_results_of_steps_are_limited_too(options: list[str], ended: Callable[..., Ended]) -> None:
    status, reason, error = ended("slim.png", png(60_000, 1), ["--width", "4000", *options])
    assert (status, reason) == ("failed", "too many pixels")
    assert "max_pixels" in error


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("second-page.tiff", tiff(following=150)),
        ("page-outside.tiff", tiff(following=2**31)),
        ("second-frame.gif", torn_gif()),
        ("frames-beyond.png", png(8, 8, (b"acTL", struct.pack(">II", 3, 0)))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damage_after_the_header_fails_as_damaged(name: str, content: bytes, ended: Callable[..., Ended]) -> None:
    status, reason, _ = ended(name, content)
    assert (status, reason) in {("failed", "damaged or truncated"), ("written", None)}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pixels.png", png(8, 8, rows=BLOATED)),
        ("text.png", png(8, 8, (b"zTXt", b"Comment\0\0" + BLOATED))),
        ("international.png", png(8, 8, (b"iTXt", b"Comment\0\1\0\0\0" + BLOATED))),
        ("profile.png", png(8, 8, (b"iCCP", b"p\0\0" + BLOATED))),
        ("xmp-in-numbers.tiff", tiff((700, 3, 1, 7))),
        ("kind-in-letters.tiff", tiff((254, 2, 3, 65))),
        ("comment.tiff", tiff((270, 2, 2**31 - 1, 150))),
        ("loop.tiff", tiff(following=8)),
        ("profile-in-numbers.tiff", tiff((34_675, 3, 1, 7))),
        ("iptc-in-numbers.tiff", tiff((33_723, 3, 1, 7))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damage_outside_of_the_pixels_is_a_warning(name: str, content: bytes, ended: Callable[..., Ended]) -> None:
    assert ended(name, content)[0] == "written"


def test_a_false_frame_count_is_refused_before_memory_is_allocated(ended: Callable[..., Ended]) -> None:
    status, reason, error = ended("claimed.png", png(8, 8, (b"acTL", struct.pack(">II", 2**31 - 1, 0))))
    assert (status, reason) == ("failed", "too many frames")
    assert error == "the picture has 2147483647 frames or pages, more than the limit of 1000 (max_frames)"


def test_endless_pages_are_counted_up_to_the_limit(ended: Callable[..., Ended]) -> None:
    page = tiff(rest=bytes(64))
    entries, place = page[8:-68], len(page)
    pages = (entries + struct.pack("<I", place + number * (len(entries) + 4)) for number in range(1, 200_001))
    content = page[:-68] + struct.pack("<I", place) + bytes(64) + b"".join(pages)
    status, reason, error = ended("pages.tiff", content)
    assert (status, reason) == ("failed", "too many frames")
    assert error == "the picture has at least 1001 frames or pages, more than the limit of 1000 (max_frames)"


def test_messages_of_a_decoder_are_in_the_record(tmp_path: Path, forkresize: Run) -> None:
    (tmp_path / "in").mkdir()
    # A strip that extends beyond the end of the file; libtiff reports it on standard error.
    packed = tiff(rest=bytes(200)).replace(struct.pack("<HHII", 259, 3, 1, 1), struct.pack("<HHII", 259, 3, 1, 5))
    (tmp_path / "in/a.tiff").write_bytes(
        packed.replace(struct.pack("<HHII", 279, 4, 1, 64), struct.pack("<HHII", 279, 4, 1, 9999))
    )
    forkresize("in", "out", "--width", "4", "--report", "r.jsonl")
    (record,) = map(json.loads, (tmp_path / "r.jsonl").read_text().splitlines())
    assert record["reason"] == "damaged or truncated"
    assert any("Read error on strip 0" in warning for warning in record["warnings"])
