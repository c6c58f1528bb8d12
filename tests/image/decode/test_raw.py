"""Cameras' raw files: the largest JPEG in them is the picture. A DNG here is a TIFF with a mosaic and JPEGs in it."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from forkresize.extras import install_command
from forkresize.formats import raw
from forkresize.image.decode.raw import find_preview, is_raw
from forkresize.image.errors import PictureError
from forkresize.loss import Loss, loss_of
from forkresize.outcome import Failed, Outcome, Reason, Written

Scene = Callable[..., Image.Image]
Render = Callable[..., Outcome]

BYTE, ASCII, SHORT, LONG, RATIONAL = 1, 2, 3, 4, 10
RAW_SIZE = 640, 480

needs_rawpy = pytest.mark.skipif(raw.SPEC.decoder is None or not raw.SPEC.decoder.is_installed, reason="needs rawpy")


class Tiff:
    """A little-endian TIFF that is put together part by part."""

    def __init__(self) -> None:
        self.data = bytearray(b"II*\0\0\0\0\0")

    def put(self, content: bytes) -> int:
        """Append something at an even place, and return the place."""
        self.data += b"\0" * (len(self.data) % 2)
        self.data += content
        return len(self.data) - len(content)

    def directory(self, *entries: tuple[int, int, Any]) -> int:
        body = struct.pack("<H", len(entries))
        for tag, kind, values in sorted(entries):
            if kind in {BYTE, ASCII}:
                content = bytes(values)
            elif kind == RATIONAL:
                content = b"".join(struct.pack("<ii", *value) for value in values)
            else:
                content = b"".join(struct.pack("<H" if kind == SHORT else "<I", value) for value in values)
            place = content.ljust(4, b"\0") if len(content) <= 4 else struct.pack("<I", self.put(content))
            body += struct.pack("<HHI", tag, kind, len(values)) + place
        return self.put(body + bytes(4))


def picture(
    size: tuple[int, int], place: int, length: int, *further: tuple[int, int, Any]
) -> list[tuple[int, int, Any]]:
    width, height = size
    sizes = (256, LONG, [width]), (257, LONG, [height]), (278, LONG, [height])
    return [*sizes, (273, LONG, [place]), (279, LONG, [length]), *further]


def dng(*previews: bytes, orientation: int = 1) -> bytes:
    """Return a DNG 1.4 with a thumbnail first, then a mosaic and previews."""
    tiff, (width, height) = Tiff(), RAW_SIZE
    mosaic = (258, SHORT, [16]), (259, SHORT, [1]), (262, SHORT, [32803]), (277, SHORT, [1]), (33421, SHORT, [2, 2])
    colors = (33422, BYTE, [0, 1, 1, 2]), (254, LONG, [0]), (50717, LONG, [65535])
    length = 2 * width * height
    inner = [tiff.directory(*picture(RAW_SIZE, tiff.put(bytes(length)), length, *mosaic, *colors))]
    for preview in previews:
        size = Image.open(io.BytesIO(preview)).size
        jpeg = (254, LONG, [1]), (258, SHORT, [8] * 3), (259, SHORT, [7]), (262, SHORT, [6]), (277, SHORT, [3])
        inner.append(tiff.directory(*picture(size, tiff.put(preview), len(preview), *jpeg)))
    first = tiff.directory(
        *picture((16, 12), tiff.put(bytes(576)), 576),
        *((254, LONG, [1]), (258, SHORT, [8] * 3), (259, SHORT, [1]), (262, SHORT, [2]), (277, SHORT, [3])),
        *((271, ASCII, b"Maker\0"), (272, ASCII, b"Model\0"), (274, SHORT, [orientation]), (315, ASCII, b"Ada\0")),
        *((330, LONG, inner), (50706, BYTE, [1, 4, 0, 0]), (50708, ASCII, b"Maker Model\0"), (50778, SHORT, [21])),
        *((50721, RATIONAL, [(int(place % 4 == 0), 1) for place in range(9)]), (50728, RATIONAL, [(1, 1)] * 3)),
    )
    tiff.data[4:8] = struct.pack("<I", first)
    return bytes(tiff.data)


def jpeg(image: Image.Image, **options: Any) -> bytes:
    image.save(file := io.BytesIO(), "JPEG", quality=90, **options)
    return file.getvalue()


@needs_rawpy
def test_the_largest_preview_is_the_picture_upright_and_with_the_metadata_of_the_raw_file(
    scene: Scene, result: Render
) -> None:
    source = dng(jpeg(scene(size=(160, 120))), jpeg(scene(size=RAW_SIZE)), orientation=6)
    outcome = result(source, "a.dng", width=120)
    assert isinstance(outcome.detail, Written), outcome
    assert (outcome.detail.in_format, outcome.detail.out_format) == ("raw", "jpeg")
    assert (outcome.detail.in_size, outcome.detail.out_size) == ((480, 640), (120, 160))
    assert outcome.warnings == ("made from the preview in the raw file",)
    assert loss_of(outcome.warnings[0]) is None
    assert outcome.destination is not None
    with Image.open(outcome.destination) as made:
        tags = made.getexif()
    assert (tags[271], tags[315], 274 in tags) == ("Maker", "Ada", False)


@needs_rawpy
def test_a_small_preview_counts_as_a_loss(scene: Scene, result: Render) -> None:
    outcome = result(dng(jpeg(scene(size=(160, 120)))), "a.dng", width=80, format="webp")
    [warning] = outcome.warnings
    assert warning == "only a preview of the raw file: 160 x 120 pixels instead of 640 x 480"
    assert loss_of(warning) is Loss.PREVIEW


@needs_rawpy
def test_a_preview_with_its_own_metadata_keeps_it(scene: Scene, result: Render) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    exif[315] = "Eve"
    outcome = result(dng(jpeg(scene(size=RAW_SIZE), exif=exif), orientation=6), "a.dng", width=120)
    assert isinstance(outcome.detail, Written), outcome
    assert outcome.detail.out_size == (120, 90)
    assert outcome.destination is not None
    with Image.open(outcome.destination) as made:
        assert made.getexif()[315] == "Eve"


@needs_rawpy
@pytest.mark.parametrize("name", ["a.dng", "a.tif", "a"])
def test_a_raw_file_is_never_read_as_a_tiff(name: str, scene: Scene, result: Render) -> None:
    outcome = result(dng(jpeg(scene(size=RAW_SIZE))), name, width=120, format="jpeg")
    assert isinstance(outcome.detail, Written), outcome
    assert outcome.detail.in_format == "raw"


@needs_rawpy
def test_the_preview_itself_is_kept_if_nothing_changes_it(scene: Scene, result: Render) -> None:
    preview = jpeg(scene(size=RAW_SIZE))
    outcome = result(dng(preview), "a.dng", quality=100, if_larger="keep-original", metadata="all")
    assert outcome.destination is not None
    made = Path(outcome.destination).read_bytes()
    assert made.startswith(b"\xff\xd8")
    assert Image.open(io.BytesIO(made)).tobytes() == Image.open(io.BytesIO(preview)).tobytes()


@needs_rawpy
def test_a_raw_file_without_a_jpeg_fails_with_the_reason(result: Render) -> None:
    outcome = result(dng(), "a.dng", width=120)
    assert isinstance(outcome.detail, Failed), outcome
    assert (outcome.reason, outcome.error) == (Reason.UNSUPPORTED, "the raw file has no preview as a JPEG")


@needs_rawpy
def test_damaged_raw_files_raise_nothing_else(scene: Scene, result: Render) -> None:
    whole = dng(jpeg(scene(size=(160, 120))))
    for cut in (40, len(whole) // 2, len(whole) - 300):
        assert isinstance(result(whole[:cut], "a.dng", width=60, format="jpeg").detail, Failed)


def test_pictures_are_not_raw_files(scene: Scene) -> None:
    for kind in ("TIFF", "JPEG", "PNG"):
        scene().save(file := io.BytesIO(), kind)
        file.seek(0)
        assert not is_raw(file)
        assert find_preview(file, "a.tif") is None
        assert file.tell() == 0
    assert not is_raw(io.BytesIO(b"II*\0"))
    scene().save(file := io.BytesIO(), "TIFF")
    assert find_preview(io.BytesIO(file.getvalue()), "scan.nef") is None


@pytest.mark.parametrize(
    "head",
    [
        b"II*\0\x10\0\0\0CR\x02\0",
        b"\0\0\0\x18ftypcrx \0\0\0\0",
        b"FUJIFILMCCD-RAW 0201",
        b"IIRO\x08\0\0\0",
        b"IIU\0\x08\0\0\0",
    ],
    ids=repr,
)
def test_without_the_package_the_error_names_the_extra(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert raw.SPEC.decoder is not None
    monkeypatch.setattr(type(raw.SPEC.decoder), "load", lambda _: None)
    with pytest.raises(PictureError) as refused:
        find_preview(io.BytesIO(head), "a")
    assert str(refused.value) == f"a camera's raw file is not supported; {install_command('raw')} adds it"
