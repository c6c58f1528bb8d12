"""Uploads that are small and want to be large, and many at once: bounded, with the reason."""

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.gateway.attacks.conftest import KEY, MAX_GROWTH, Target

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc").exists(), reason="measures by /proc")]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def draw_png(width: int, height: int, *chunks: bytes, size: int | None = None) -> bytes:
    """Return a gray PNG of zeros, whose pixels may have another size than its header says."""
    pixels = zlib.compress(bytes((width + 7) // 8 + 1) * height if size is None else bytes(size))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def draw_gif(frames: int, side: int) -> bytes:
    file = io.BytesIO()
    images = [Image.new("P", (side, side), number % 2) for number in range(frames)]
    images[0].save(
        file, "GIF", save_all=True, append_images=images[1:], duration=[20 + each % 2 for each in range(frames)]
    )
    return file.getvalue()


def make_bombs() -> dict[str, bytes]:
    """Return files that are small, and want to be large."""
    text = zlib.compress(bytes(100_000_000))
    tiff = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(tiff, "TIFF", compression="tiff_adobe_deflate")
    return {
        "144 megapixels": draw_png(12_000, 12_000),
        "a side of 2**31": draw_png(2**31 - 1, 1, size=10),
        "more pixels than its header says": draw_png(100, 100, size=100_000_000),
        "a text of 100 MB": draw_png(10, 10, chunk(b"zTXt", b"Comment\0\0" + text)),
        "a profile of 100 MB": draw_png(10, 10, chunk(b"iCCP", b"x\0\0" + text)),
        "20,000 texts": draw_png(10, 10, *[chunk(b"tEXt", b"Comment\0" + b"x" * 100)] * 20_000),
        "a TIFF of 144 megapixels": tiff.getvalue(),
        "500 frames": draw_gif(500, 64),
        "a chunk of 4 GB": b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR",
        "a JPEG of 65,535 x 65,535": bytes.fromhex("ffd8 ffc0 0011 08 ffff ffff 03 012200 021101 031101"),
    }


def test_decompression_bombs_end_with_the_reason(target: Target) -> None:
    client = target.gateway.client
    for name, bomb in make_bombs().items():
        headers = {"authorization": f"Bearer {KEY.key}"}
        response = client.post("v1/transform", content=bomb, params={"width": 8, "format": "png"}, headers=headers)
        assert response.status_code in {200, 413, 415, 422}, (name, response.status_code, response.text)
        if response.status_code != 200:
            assert response.json().get("reason"), (name, response.text)


def test_uploads_of_many_clients_at_once_are_bounded(target: Target) -> None:
    body: Any = b"\xff\xd8" + bytes(3_900_000)
    before = target.rss()
    with ThreadPoolExecutor(16) as threads:
        send = lambda _: target.gateway.client.post(  # noqa: E731
            "v1/transform", content=body, params={"width": 8}, headers={"authorization": f"Bearer {KEY.key}"}
        )
        statuses = {response.status_code for response in threads.map(send, range(64))}
    assert statuses <= {413, 415, 422, 503}
    assert target.rss() - before < MAX_GROWTH
