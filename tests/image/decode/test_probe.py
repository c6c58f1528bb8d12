"""The header of an output says what its record says."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from forkresize.formats import OUTPUT_FORMATS, SPECS
from forkresize.image.decode.identify import load_decoder
from forkresize.image.decode.plugins import load_plugins
from forkresize.image.decode.probe import ImageInfo, probe
from forkresize.image.errors import PictureError
from forkresize.outcome import Outcome, Reason, Written

Scene = Callable[..., Image.Image]
Render = Callable[..., Outcome]


def probe_file(path: Path) -> ImageInfo:
    with path.open("rb") as file:
        return probe(file, path.name)


@pytest.mark.parametrize("kind", OUTPUT_FORMATS)
def test_the_header_agrees_with_what_was_written(kind: str, scene: Scene, result: Render, tmp_path: Path) -> None:
    load_plugins()
    if (package := SPECS[kind].decoder) is not None:
        load_decoder(package)
    name = f"a.{kind if kind != 'jpeg2000' else 'jp2'}"
    scene().save(tmp_path / name, kind.upper())
    made = result(tmp_path / name, width=30)
    assert isinstance(made.detail, Written), made
    assert made.destination is not None
    assert probe_file(Path(made.destination)) == ImageInfo(
        *made.detail.out_size, made.detail.out_format, made.detail.out_bytes
    )


@given(
    size=st.tuples(st.integers(1, 500), st.integers(1, 500)),
    mode=st.sampled_from(["RGB", "RGBA"]),
    frames=st.integers(1, 2),
    lossless=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_the_size_of_a_webp_is_the_decoded_one(
    size: tuple[int, int], mode: str, frames: int, *, lossless: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / f"{os.getpid()}.webp"
    images = [Image.new(mode, size, color) for color in ("red", "#0080ff80")[:frames]]
    images[0].save(path, save_all=True, append_images=images[1:], lossless=lossless, method=0)
    found = probe_file(path)
    assert (found.width, found.height, found.format, found.bytes) == (*size, "webp", path.stat().st_size)


def test_an_mpo_is_a_jpeg(scene: Scene, tmp_path: Path) -> None:
    scene().save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[scene()])
    assert probe_file(tmp_path / "a.jpg").format == "jpeg"


def test_pixels_are_not_read(scene: Scene, tmp_path: Path) -> None:
    scene().save(tmp_path / "a.png")
    header = (tmp_path / "a.png").read_bytes()[:60]
    (tmp_path / "a.png").write_bytes(header)
    assert probe_file(tmp_path / "a.png") == ImageInfo(120, 80, "png", 60)


@pytest.mark.slow
def test_no_size_is_too_large(tmp_path: Path) -> None:
    Image.new("1", (30_000, 10_000)).save(tmp_path / "a.png")
    assert probe_file(tmp_path / "a.png").width == 30_000


def test_deep_colors_are_supported(tmp_path: Path) -> None:
    (tmp_path / "a.ppm").write_bytes(b"P6 2 1 65535\n" + bytes(12))
    assert probe_file(tmp_path / "a.ppm") == ImageInfo(2, 1, "ppm", 25)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"Dear reader,", Reason.NOT_A_PICTURE),
        (b"\xff\xd8\xff\xe0", Reason.DAMAGED),
        (b"RIFF\x24\0\0\0WEBPVP8", Reason.DAMAGED),
        (b"RIFF\x24\0\0\0WEBPVP9 " + bytes(32), Reason.DAMAGED),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(32), Reason.NOT_A_PICTURE),
        (b"", Reason.DAMAGED),
    ],
)
def test_a_file_without_a_header_fails_with_a_reason(content: bytes, reason: Reason, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(PictureError) as caught:
        probe_file(tmp_path / "a.jpg")
    assert caught.value.reason is reason
