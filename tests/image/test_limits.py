"""Files with more bytes or frames than are allowed, and frames with more pixels than all of them may have."""

import io
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from forkresize.batch.render_job import render_job
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.errors import PictureError
from forkresize.image.source_image import SourceImage
from forkresize.job import Job, Output, Source
from forkresize.outcome import Failed, Outcome, Reason, Written
from forkresize.recipe import Recipe
from forkresize.store import LocalStore

Render = Callable[..., Outcome]


def gif(canvas: tuple[int, int], frames: int) -> bytes:
    """Return an animation of single pixels, as GIF89a lays it out."""
    header = b"GIF89a" + struct.pack("<HHBBB", *canvas, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x21\xf9\x04\x04\x02\0\0\0\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return header + frame * frames + b"\x3b"


def tiff(sizes: list[tuple[int, int]]) -> bytes:
    pages = [Image.new("L", size) for size in sizes]
    pages[0].save(file := io.BytesIO(), "TIFF", save_all=True, append_images=pages[1:])
    return file.getvalue()


def test_a_file_of_too_many_bytes_is_refused_with_its_size_and_the_limit(result: Render) -> None:
    content = gif((9, 9), 3) + bytes(2_500_000)
    assert isinstance(result(content, "a.gif", width=4, max_file_size=len(content)).detail, Written)
    outcome = result(content, "a.gif", width=4, max_file_size=len(content) - 1)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.FILE_TOO_LARGE
    outcome = result(content[:2_500_000], "a.gif", width=4, max_file_size=2_400_000)
    assert isinstance(outcome.detail, Failed)
    assert outcome.error == "the file has 2.5 MB, more than the limit of 2.4 MB (max_file_size)"


def test_a_file_of_too_many_bytes_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    os.truncate(tmp_path / "a.jpg", 2_500_000_000)
    refused = pytest.raises(
        PictureError, match=r"^the file has 2500 MB, more than the limit of 1000 MB \(max_file_size\)$"
    )
    with refused as raised, (tmp_path / "a.jpg").open("rb") as file:
        SourceImage.open(file, Recipe(), Diagnostics())
    assert raised.value.reason is Reason.FILE_TOO_LARGE


@pytest.mark.parametrize(("name", "content"), [("a.gif", gif((9, 9), 30)), ("a.tif", tiff([(9, 9)] * 30))])
def test_too_many_frames_fail_if_all_are_kept(name: str, content: bytes, result: Render) -> None:
    assert isinstance(result(content, name, width=4, max_frames=30).detail, Written)
    outcome = result(content, name, width=4, max_frames=29)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.TOO_MANY_FRAMES
    assert outcome.error == "the picture has at least 30 frames or pages, more than the limit of 29 (max_frames)"


@pytest.mark.parametrize(("name", "content"), [("a.gif", gif((9, 9), 30)), ("a.tif", tiff([(9, 9)] * 30))])
def test_a_still_output_of_too_many_frames_is_made(name: str, content: bytes, result: Render) -> None:
    kind = "frames" if name == "a.gif" else "pages"
    outcome = result(content, name, width=4, max_frames=12, format="jpeg")
    assert isinstance(outcome.detail, Written)
    assert outcome.warnings == (f"only the first of at least 13 {kind} was kept",)
    assert result(content, name, width=4, max_frames=12, animation="first").warnings == ()


def test_only_the_rendition_that_needs_all_frames_fails(results: Callable[..., list[Outcome]]) -> None:
    outcomes = results(gif((9, 9), 30), "a.gif", width=4, max_frames=12, format=["webp", "jpeg"])
    assert [outcome.status for outcome in outcomes] == ["failed", "written"]


def test_frames_with_too_many_total_pixels_fail_without_decoding(result: Render) -> None:
    content = gif((1000, 1000), 11)
    assert isinstance(result(content, "a.gif", width=4, max_pixels=1_100_000).detail, Written)
    outcome = result(content, "a.gif", width=4, max_pixels=1_000_000)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.TOO_LARGE
    assert outcome.error == "all frames together have 11 megapixels, more than the limit of 10 (10 times max_pixels)"
    assert isinstance(result(content, "a.gif", width=4, max_pixels=1_000_000, format="jpeg").detail, Written)


def test_no_memory_is_reserved_for_a_refused_picture(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(gif((1000, 1000), 11))
    job = Job(Source(str(tmp_path / "a.gif"), "a.gif"), (Output(str(tmp_path / "b.gif")),))
    asked: list[int] = []
    [outcome] = render_job(job, Recipe.of(width=4, max_pixels=1_000_000), LocalStore("", "test"), asked.append)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.TOO_LARGE
    assert asked == []


def test_pages_are_counted_each_at_its_own_size(result: Render) -> None:
    small, large = [(10, 10)] * 5, [(100, 100)] * 9
    assert isinstance(result(tiff([*small, *large]), "a.tif", width=4, max_pixels=10_000).detail, Written)
    assert isinstance(result(tiff([(100, 100), *small]), "a.tif", width=4, max_pixels=10_000).detail, Written)
    outcome = result(tiff([*small, *large, (100, 100)]), "a.tif", width=4, max_pixels=10_000)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.TOO_LARGE
    assert (
        outcome.error == "all frames together have 0.1005 megapixels, more than the limit of 0.1 (10 times max_pixels)"
    )


def test_frames_can_be_decoded_again(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(gif((100, 100), 9))
    with (tmp_path / "a.gif").open("rb") as file:
        source = SourceImage.open(file, Recipe(max_pixels=20_000), Diagnostics())
        source.load()
        for _ in range(3):
            assert len(list(source.decode(9, 1))) == 9


def test_a_process_can_make_pillow_check_the_limit_as_well() -> None:
    script = (
        "import warnings; from PIL import Image; from forkresize.image.limits import limit_decoders;"
        "warnings.simplefilter('error'); limit_decoders(1001); Image.new('L', (9, 143)).crop((0, 0, 7, 143));"
        "Image.new('L', (9, 143)).crop((0, 0, 8, 143))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr.splitlines()[-1].startswith("PIL.Image.DecompressionBombError: Image size (1144 pixels)")
