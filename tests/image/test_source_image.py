"""Reading sources: formats and modes, damage, and files that are not pictures."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from forkresize.image.decode.sniff import is_picture
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.plan import choose_shrink
from forkresize.image.source_image import SourceImage
from forkresize.outcome import Failed, Outcome, Reason, Skipped, Written
from forkresize.recipe import Recipe

OPEN_IMAGE = "forkresize.image.decode.identify.open_image"

Scene = Callable[..., Image.Image]
Make = Callable[..., Image.Image]
Render = Callable[..., Outcome]

MODES = [
    (suffix, mode)
    for suffix, modes in {
        "jpg": "L RGB CMYK",
        "png": "1 L LA P RGB RGBA I;16",
        "webp": "RGB RGBA",
        "avif": "L RGB RGBA",
        "gif": "L P RGB",
        "tif": "1 L LA P RGB RGBA RGBX CMYK YCbCr I;16 F",
        "bmp": "1 L P RGB",
        "dib": "RGB",
        "jp2": "L LA RGB RGBA I;16",
        "ico": "RGBA",
        "ppm": "1 L RGB",
        "pgm": "I;16",
        "tga": "L LA P RGB RGBA",
        "qoi": "RGB RGBA",
        "dds": "L LA RGB RGBA",
        "pcx": "1 L P RGB",
        "sgi": "L RGB RGBA",
        "xbm": "1",
        "msp": "1",
        "blp": "P",
    }.items()
    for mode in modes.split()
]

WHOLE = ["jpg", "png", "webp", "avif", "gif", "tif", "bmp", "jp2", "ppm", "qoi", "dds", "sgi", "ico", "tga", "pcx"]
"""Formats that are cut short below."""

BEGINNINGS = {
    "jpeg": b"\xff\xd8\xff",
    "png": b"\x89PNG\r\n\x1a\n",
    "gif": b"GIF89a",
    "webp": b"RIFF\0\0\0\0WEBP",
    "avif": b"\0\0\0\x18ftypavif",
    "tiff": b"II*\0",
    "bmp": b"BM" + bytes(12) + b"\x28\0\0\0",
    "jp2": b"\0\0\0\x0cjP  \r\n\x87\n",
    "psd": b"8BPS\0\1",
    "qoi": b"qoif",
    "ppm": b"P6 12 34\n",
}

OTHERS = {
    "text": b"Dear reader,\n" * 50,
    "BM text": b"BMW is a car\n" * 50,
    "P1 text": b"P1 priority: 1 2 3\n" * 50,
    "zeros": bytes(5000),
    "mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(range(256)) * 9,
    "mpeg": b"\0\0\1\xb3" + bytes(range(256)),
    "pdf": b"%PDF-1.4\n" + bytes(500),
    "zip": b"PK\3\4" + bytes(500),
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
}

UNREAD = {
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n",
}

SUFFIXES = ["", ".txt", ".jpg", ".tga", ".pcx", ".gbr", ".spider", ".dib"]


def encoded(image: Image.Image, suffix: str) -> bytes:
    file = io.BytesIO()
    image.save(file, format=Image.registered_extensions()[f".{suffix}"])
    return file.getvalue()


def closeness(one: Image.Image, other: Image.Image) -> int:
    """Return the largest difference between two images seen from afar, before white."""
    seen: list[bytes] = []
    for image in (one, other):
        white = Image.new("RGBA", image.size, "white")
        whole = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
        seen.append(whole.resize((6, 4), Image.Resampling.BOX).tobytes())
    return max(abs(left - right) for left, right in zip(seen[0], seen[1], strict=True))


@pytest.mark.parametrize(("suffix", "mode"), MODES)
def test_every_format_and_mode_is_decoded_correctly(scene: Scene, make: Make, suffix: str, mode: str) -> None:
    drawn = scene(mode)
    if mode == "F":
        drawn = drawn.point(lambda value: value / 255 + 0)
    if suffix == "xbm":
        # Pillow writes a set bit for white.
        drawn = ImageChops.invert(drawn)
    plain = scene("RGBA") if mode in {"RGBA", "LA"} else scene()
    if mode in {"1", "L", "LA", "I;16", "F"}:
        plain = Image.merge("RGBA", (*[plain.convert("L")] * 3, plain.convert("RGBA").getchannel("A")))
    assert closeness(make(drawn, f"a.{suffix}", width=60, format="webp", quality=95), plain) <= 16


def test_an_icns_is_read_at_its_largest_size(scene: Scene, result: Render) -> None:
    outcome = result(encoded(scene("RGBA", (512, 512)), "icns"), "a.icns", width=60, format="png")
    assert isinstance(outcome.detail, Written)
    assert outcome.detail.in_size == (1024, 1024)


def test_a_multi_picture_jpeg_becomes_its_first_picture(scene: Scene, result: Render, tmp_path: Path) -> None:
    file = io.BytesIO()
    scene().save(file, "MPO", save_all=True, append_images=[Image.new("RGB", (20, 10))])
    outcome = result(file.getvalue(), "a.jpg", width=60)
    assert isinstance(outcome.detail, Written)
    assert (outcome.detail.in_format, outcome.detail.out_format, outcome.detail.in_size) == ("mpo", "jpeg", (120, 80))
    assert outcome.warnings == ("only the first of 2 pictures was kept",)
    with Image.open(tmp_path / "out" / "a.jpg") as made:
        assert closeness(made, scene()) <= 12


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF", "TIFF"])
def test_dropped_frames_are_warned_about(kind: str, result: Render, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (60, 40), (200 - 40 * number, 0, 0)) for number in range(5)]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:])
    outcome = result(file.getvalue(), f"a.{kind.lower()}", width=30, format="jpeg")
    several = "pages" if kind == "TIFF" else "frames"
    assert outcome.warnings == (f"only the first of 5 {several} was kept",)
    with Image.open(tmp_path / "out" / f"a.{kind.lower()}") as made:
        assert closeness(made, frames[0]) <= 4


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", [*OTHERS, "noise"])
def test_other_files_are_skipped_under_any_name(
    kind: str, suffix: str, noise: Scene, result: Render, tmp_path: Path
) -> None:
    content = OTHERS.get(kind, noise("L", (100, 50)).tobytes())
    outcome = result(content, f"a{suffix}", width=30)
    assert isinstance(outcome.detail, Skipped), outcome
    assert outcome.reason is Reason.NOT_A_PICTURE
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", UNREAD)
def test_an_unsupported_format_fails_with_its_name(kind: str, result: Render) -> None:
    outcome = result(UNREAD[kind], "a.jpg", width=30)
    assert isinstance(outcome.detail, Failed), outcome
    assert (outcome.reason, outcome.error) == (Reason.UNSUPPORTED, f"{kind} is not supported")


def test_the_thumbnail_of_a_raw_file_is_not_used(scene: Scene, result: Render) -> None:
    outcome = result(scene(), "a.tif", {"tiffinfo": {254: 1}}, width=30)
    assert isinstance(outcome.detail, Failed), outcome
    assert outcome.reason is Reason.UNSUPPORTED
    assert "thumbnail" in outcome.error


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_a_header_without_a_picture_is_damaged(kind: str, result: Render, tmp_path: Path) -> None:
    outcome = result(BEGINNINGS[kind], "a", width=30)
    assert isinstance(outcome.detail, Failed), outcome
    assert outcome.reason is Reason.DAMAGED
    assert outcome.error
    assert is_picture((tmp_path / "a").read_bytes(), "a")


@pytest.mark.parametrize("percent", [3, 20, 50, 80, 95])
@pytest.mark.parametrize("suffix", WHOLE)
def test_a_truncated_picture_is_damaged(suffix: str, percent: int, scene: Scene, result: Render) -> None:
    whole = encoded(scene("RGBA" if suffix == "ico" else "RGB"), suffix)
    outcome = result(whole[: len(whole) * percent // 100], f"a.{suffix}", width=30, format="png")
    assert isinstance(outcome.detail, Failed), outcome
    assert outcome.reason is Reason.DAMAGED
    assert outcome.error


def test_an_empty_file_with_a_picture_s_name_is_damaged(result: Render) -> None:
    lost, other = result(b"", "a.JPG"), result(b"", "a.txt")
    assert isinstance(lost.detail, Failed)
    assert (lost.reason, lost.error) == (Reason.DAMAGED, "the file is empty")
    assert isinstance(other.detail, Skipped)


@pytest.mark.parametrize("name", ["missing.png", "folder"])
def test_a_file_that_cannot_be_opened_fails_with_its_path(name: str, result: Render, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    outcome = result(tmp_path / name, width=30)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.UNREADABLE
    assert outcome.error.startswith(str(tmp_path / name))


def test_a_disk_error_is_not_reported_as_damage(scene: Scene, result: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(OPEN_IMAGE, fail)
    outcome = result(scene(), width=30)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.UNREADABLE
    assert outcome.error.endswith("source.png: Input/output error")


@pytest.mark.parametrize("raised", [RuntimeError("odd"), ValueError(), OSError("short")])
def test_any_decoder_error_means_damage(
    raised: Exception, scene: Scene, result: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise raised

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load_prepare", fail)
    outcome = result(scene(), width=30)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.DAMAGED
    assert outcome.error == (str(raised) or "ValueError")


@pytest.mark.parametrize("where", [OPEN_IMAGE, "PIL.PngImagePlugin.PngImageFile.load_prepare"])
def test_a_lack_of_memory_is_not_reported_as_damage(
    where: str, scene: Scene, result: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(where, fail)
    outcome = result(scene(), width=30)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.MEMORY_LIMIT


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize(
    ("recipe", "by"),
    [
        ({"width": 31}, 8),
        ({"width": 33}, 4),
        ({"width": 128}, 2),
        ({"width": 129}, 1),
        ({"width": 40, "resample": "nearest"}, 1),
        # Only a fifth of the width is shown.
        ({"width": 24, "height": 80, "fit": "cover"}, 2),
        ({}, 1),
    ],
)
def test_a_jpeg_is_decoded_at_the_smallest_sufficient_scale(
    recipe: dict[str, Any], by: int, mode: str, scene: Scene, tmp_path: Path
) -> None:
    scene(mode, (641, 417)).save(tmp_path / "a.jpg")
    asked = Recipe.of(**recipe)
    with (tmp_path / "a.jpg").open("rb") as file:
        original = SourceImage.open(file, asked, Diagnostics())
        assert choose_shrink(original, asked, asked.renditions) == by
        (picture,) = original.decode(1, by)
    assert picture.shrink == by
    assert picture.image.mode == mode
    assert picture.image.size == (-(-641 // by), -(-417 // by))
    assert picture.view.visible_size == original.size == (641, 417)


class NotingFile(io.BytesIO):
    """Lists how many bytes are asked for."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.sizes: list[int] = []

    def read(self, size: int | None = -1, /) -> bytes:
        """Read."""
        self.sizes.append(-1 if size is None else size)
        return super().read(size)


def test_a_jpeg_is_read_in_large_blocks(noise: Scene) -> None:
    noise("RGB", (1000, 700)).save(file := io.BytesIO(), "JPEG", quality=95)
    noting = NotingFile(file.getvalue())
    original = SourceImage.open(noting, Recipe(), Diagnostics())
    noting.sizes.clear()
    (picture,) = original.decode(1, 1)
    assert len(file.getvalue()) > 4 * 65536
    # The second read finds the end.
    assert len(noting.sizes) <= 2
    assert picture.image.tobytes() == Image.open(file).tobytes()


def test_a_format_that_cannot_be_written_fails_before_decoding(scene: Scene, result: Render) -> None:
    outcome = result(scene("1"), "a.xbm", width=30)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.UNSUPPORTED
    assert outcome.error == "XBM can be read but not written; choose an output format"


@pytest.mark.parametrize("size", [(7, 300), (2, 4000), (1, 900), (4000, 3)])
@pytest.mark.parametrize("recipe", [{"rotate": 45, "width": 10}, {"width": 10}, {"height": 9, "rotate": 13}])
def test_sides_shorter_than_the_shrink_factor_are_supported(
    size: tuple[int, int], recipe: dict[str, int], scene: Scene, result: Render
) -> None:
    assert isinstance(result(scene(size=(100, 100)).resize(size), "a.jpg", **recipe).detail, Written)
