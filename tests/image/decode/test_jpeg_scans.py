"""Scans are left out only where that can't be seen."""

import io
import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from forkresize.batch.render_job import render_job
from forkresize.image.decode import jpeg_scans
from forkresize.image.decode.jpeg_scans import drop_ac_scans
from forkresize.job import Job, Output, Source
from forkresize.outcome import Failed, Outcome, Reason, Written
from forkresize.recipe import Recipe
from forkresize.store import LocalStore

Scene = Callable[..., Image.Image]


def progressive(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", progressive=True, **{"quality": 85, **options})
    return file.getvalue()


def noise(mode: str, size: tuple[int, int]) -> Image.Image:
    width, height = size[0] // 3 + 1, size[1] // 3 + 1
    pixels = Random(7).randbytes(width * height * len(mode))  # noqa: S311 -- a picture.
    return Image.frombytes(mode, (width, height), pixels).resize(size, Image.Resampling.BICUBIC)


def reduced(data: bytes) -> tuple[tuple[int, int], bytes]:
    with Image.open(io.BytesIO(data)) as image:
        image.draft(None, (image.width // 8, image.height // 8))
        return image.size, image.tobytes()


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0", "4:1:1"])
@pytest.mark.parametrize("size", [(333, 257), (320, 240), (17, 9)])
def test_pixels_are_identical_without_the_dropped_scans(subsampling: str, size: tuple[int, int]) -> None:
    data = progressive(noise("RGB", size), subsampling=subsampling)
    fewer = drop_ac_scans(data)
    assert fewer is not None
    assert len(fewer) < len(data)
    assert reduced(fewer) == reduced(data)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_gray_and_cmyk_are_identical(mode: str) -> None:
    data = progressive(noise(mode, (200, 120)))
    assert reduced(drop_ac_scans(data) or b"") == reduced(data)


def test_restart_markers_do_not_end_a_scan() -> None:
    data = progressive(noise("RGB", (320, 240)), restart_marker_blocks=3)
    assert reduced(drop_ac_scans(data) or b"") == reduced(data)


def test_quantization_tables_of_16_bits_are_supported() -> None:
    data = progressive(noise("L", (160, 80)))
    start = data.index(b"\xff\xdb")
    quantizers = data[start + 5 : start + 5 + 64]
    deep = b"\xff\xdb" + struct.pack(">HB64H", 2 + 1 + 128, 0x10, *quantizers)
    data = data[:start] + deep + data[start + 5 + 64 :]
    assert reduced(drop_ac_scans(data) or b"") == reduced(data)


def test_nothing_is_dropped_from_a_baseline_file() -> None:
    file = io.BytesIO()
    noise("RGB", (64, 64)).save(file, "JPEG")
    assert drop_ac_scans(file.getvalue()) is None


def test_nothing_is_dropped_from_a_truncated_file() -> None:
    data = progressive(noise("RGB", (160, 120)))
    assert all(drop_ac_scans(data[:end]) is None for end in range(0, len(data), 7))


def scans(data: bytes) -> list[int]:
    return [place for place in range(len(data) - 1) if data[place : place + 2] == b"\xff\xda"]


def test_nothing_is_dropped_if_bits_are_missing() -> None:
    data = progressive(noise("RGB", (160, 120)))
    assert drop_ac_scans(data[: scans(data)[-1]] + b"\xff\xd9") is None


def outcome(data: bytes) -> object:
    try:
        return reduced(data)
    except OSError:
        return "damaged"


def headers(data: bytes) -> list[int]:
    """Return the positions of the bytes of scan headers and of tables."""
    marked = [place for place in range(len(data) - 1) if data[place] == 0xFF and data[place + 1] in {0xC4, 0xDA}]
    return [place + offset for place in marked for offset in range(2, 12)]


@pytest.mark.parametrize("bit", range(8))
def test_a_damaged_scan_header_is_left_to_the_decoder(bit: int) -> None:
    data = progressive(noise("RGB", (40, 24)))
    for place in headers(data):
        damaged = data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
        fewer = drop_ac_scans(damaged)
        assert fewer is None or outcome(fewer) == outcome(damaged)


def test_reordered_scans_are_left_to_the_decoder() -> None:
    data = progressive(noise("RGB", (40, 24)))
    places = [*scans(data), len(data) - 2]
    pieces = [data[start:end] for start, end in pairwise(places)]
    for first in range(len(pieces)):
        for second in range(first):
            swapped = [*pieces]
            swapped[first], swapped[second] = pieces[second], pieces[first]
            damaged = data[: places[0]] + b"".join(swapped) + b"\xff\xd9"
            fewer = drop_ac_scans(damaged)
            assert fewer is None or outcome(fewer) == outcome(damaged)


def test_a_file_of_very_many_segments_is_left_to_the_decoder() -> None:
    data = progressive(noise("RGB", (40, 24)))
    assert drop_ac_scans(data[:2] + b"\xff\xfe\0\x02" * 10**5 + data[2:]) is None


@pytest.mark.slow
@given(st.data())
def test_damage_never_raises(data: st.DataObject) -> None:
    whole = bytearray(progressive(noise("RGB", (40, 24))))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(2, len(whole) - 1))] = data.draw(st.integers(0, 255))
    drop_ac_scans(bytes(whole))


def rendered(folder: Path, data: bytes, width: int) -> tuple[Outcome, Path]:
    source, output = folder / "a.jpg", folder / f"{width}.png"
    source.write_bytes(data)
    job = Job(Source(str(source), "a.jpg", len(data)), (Output(str(output)),))
    (outcome,) = render_job(job, Recipe.of(width=width, format="png"), LocalStore("", "tag"))
    return outcome, output


def test_a_thumbnail_is_identical_to_one_from_all_scans(
    tmp_path: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = progressive(scene(size=(1600, 1200)))
    assert drop_ac_scans(data)
    _, thumbnail = rendered(tmp_path, data, 80)
    made = thumbnail.read_bytes()
    monkeypatch.setattr(jpeg_scans, "drop_ac_scans", lambda _: None)
    outcome, thumbnail = rendered(tmp_path, data, 80)
    assert isinstance(outcome.detail, Written)
    assert thumbnail.read_bytes() == made


def test_a_truncated_progressive_file_fails_at_any_scale(tmp_path: Path, scene: Scene) -> None:
    data = progressive(scene(size=(1600, 1200)))
    for width in (80, 800):
        outcome, _ = rendered(tmp_path, data[: len(data) * 2 // 3], width)
        assert isinstance(outcome.detail, Failed)
        assert outcome.reason is Reason.DAMAGED
