"""The EXIF that each policy keeps."""

import io

import pytest
from PIL import Image
from PIL.ExifTags import IFD, Base

from forkresize.image import metadata
from forkresize.image.diagnostics import Diagnostics
from forkresize.recipe import Metadata


def bearer(exif: bytes, **info: object) -> Image.Image:
    image = Image.new("L", (4, 4))
    image.info.update({"exif": exif, **info})
    return image


@pytest.mark.parametrize("value", range(10))
def test_orientation_is_read_from_exif_if_valid(value: int) -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = value
    assert metadata.orientation(bearer(exif.tobytes())) == (value if 1 <= value <= 8 else 1)


def test_orientation_is_read_from_xmp_without_exif() -> None:
    assert metadata.orientation(bearer(b"", xmp=b'<x tiff:Orientation="6"/>')) == 6


@pytest.mark.parametrize("exif", [b"", b"garbage!", b"Exif\0\0MM\0\x2a\0\0\0\x08" + bytes(30)])
def test_orientation_is_upright_by_default(exif: bytes) -> None:
    assert metadata.orientation(bearer(exif)) == 1


def test_camera_settings_keep_their_values(exif: bytes) -> None:
    block = Image.Exif()
    block.load(metadata.extract(bearer(exif), Metadata.SAFE, Diagnostics()).exif)
    details = block.get_ifd(IFD.Exif)
    assert details[Base.DateTimeOriginal] == "2024:01:02 03:04:05"
    assert details[Base.ExposureTime] == 0.25
    assert not block.get_ifd(IFD.GPSInfo)
    assert not block.get_ifd(IFD.IFD1)


@pytest.mark.parametrize("order", [b"MM", b"II"])
def test_text_keeps_its_bytes_in_any_encoding(order: bytes) -> None:
    exif = Image.Exif()
    exif.endian = "<" if order == b"II" else ">"
    exif[Base.Artist], exif[Base.Copyright] = "Zoë 写真".encode(), "© Zoë".encode("latin-1")
    kept = metadata.extract(bearer(exif.tobytes()), Metadata.SAFE, Diagnostics())
    for output in ("jpeg", "tiff"):
        file = io.BytesIO()
        Image.new("L", (4, 4)).save(file, output, **metadata.save_options(kept, output, Diagnostics()))
        assert "Zoë 写真".encode() in file.getvalue()
        assert "© Zoë".encode("latin-1") in file.getvalue()
    assert kept.exif.startswith(b"Exif\0\0" + order)


@pytest.mark.parametrize(("value", "kept"), [(1, 1), (2, None), (65_535, None)])
@pytest.mark.parametrize("policy", [Metadata.SAFE, Metadata.ALL])
def test_only_srgb_is_kept_as_exif_color_space(value: int, kept: int | None, policy: Metadata) -> None:
    exif = Image.Exif()
    exif.get_ifd(IFD.Exif)[Base.ColorSpace] = value
    block = Image.Exif()
    block.load(metadata.extract(bearer(exif.tobytes()), policy, Diagnostics()).exif)
    assert block.get_ifd(IFD.Exif).get(Base.ColorSpace) == kept


def test_damaged_details_cause_a_warning(monkeypatch: pytest.MonkeyPatch, exif: bytes) -> None:
    def fail(*_arguments: object) -> None:
        raise ValueError("odd")

    monkeypatch.setattr(Image.Exif, "get_ifd", fail)
    diagnostics = Diagnostics()
    assert metadata.extract(bearer(exif), Metadata.SAFE, diagnostics).exif == b""
    assert diagnostics.warnings == ["damaged EXIF was dropped: odd"]


def test_empty_exif_causes_no_warning() -> None:
    assert metadata.extract(bearer(b"Exif\0\0MM\0\x2a\0\0\0\x08" + bytes(30)), Metadata.SAFE, Diagnostics()).exif == b""


@pytest.mark.parametrize("policy", Metadata)
def test_exif_without_kept_tags_is_dropped(policy: Metadata) -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    assert metadata.extract(bearer(exif.tobytes()), policy, Diagnostics()).exif == b""
