"""Metadata in outputs, and blocks that do not fit."""

import io
from collections.abc import Mapping

import pytest
from PIL import Image
from PIL.ExifTags import IFD, Base
from PIL.IptcImagePlugin import getiptcinfo

from forkresize.image.diagnostics import Diagnostics
from forkresize.image.metadata import MetadataBlocks, save_options

SEGMENT = 65_533
XMP_ROOM, IPTC_ROOM = SEGMENT - 29, SEGMENT - 27


def reopened(kept: MetadataBlocks, output: str, frames: int = 1) -> Image.Image:
    file = io.BytesIO()
    pages = [Image.new("RGB", (8, 8), (page * 50, 0, 0)) for page in range(frames)]
    more = {"save_all": True, "append_images": pages[1:]} if frames > 1 else {}
    pages[0].save(file, output, **save_options(kept, output, Diagnostics()), **more)
    image = Image.open(file)
    image.load()
    return image


def block(tags: Mapping[int, object], details: Mapping[int, object] | None = None) -> bytes:
    exif = Image.Exif()
    exif.update(tags)
    if details:
        exif.get_ifd(IFD.Exif).update(details)
    return exif.tobytes()


@pytest.mark.parametrize("output", ["jpeg", "png", "webp", "avif", "tiff", "gif", "bmp"])
def test_no_metadata_needs_no_options(output: str) -> None:
    assert save_options(MetadataBlocks(), output, Diagnostics()).keys() <= {"tiffinfo"}
    assert not any(save_options(MetadataBlocks(), output, Diagnostics()).values())


def test_a_segment_is_filled_to_the_last_byte() -> None:
    exif = (b"Exif\0\0MM\0\x2a\0\0\0\x08").ljust(SEGMENT, b"\0")
    iptc = b"\x1c\x02\x78\x80\x04" + (IPTC_ROOM - 9).to_bytes(4, "big") + b"i" * (IPTC_ROOM - 9)
    kept = MetadataBlocks(exif=exif, xmp=b"x" * XMP_ROOM, iptc=iptc, texts={"Comment": "c" * SEGMENT})
    image = reopened(kept, "jpeg")
    assert image.info["exif"] == exif
    assert image.info["xmp"] == kept.xmp
    assert image.info["photoshop"][0x0404] == iptc
    assert image.info["comment"] == b"c" * SEGMENT


@pytest.mark.parametrize(
    ("kept", "dropped"),
    [
        (MetadataBlocks(exif=b"x" * (SEGMENT + 1)), "65534 bytes of EXIF"),
        (MetadataBlocks(xmp=b"x" * (XMP_ROOM + 1)), "65505 bytes of XMP"),
        (MetadataBlocks(iptc=b"x" * (IPTC_ROOM + 1)), "65507 bytes of IPTC"),
        (MetadataBlocks(texts={"Comment": "x" * (SEGMENT + 1)}), "65534 bytes of comment"),
    ],
)
def test_blocks_too_large_for_a_jpeg_are_dropped_with_a_warning(kept: MetadataBlocks, dropped: str) -> None:
    diagnostics = Diagnostics()
    assert save_options(kept, "jpeg", diagnostics) == {}
    assert diagnostics.warnings == [f"dropped {dropped}: too large for a JPEG"]


@pytest.mark.parametrize("length", [6, 7])
def test_iptc_is_read_back(length: int) -> None:
    iptc = b"\x1c\x02\x50\0" + bytes((length,)) + b"x" * length
    for output in ("jpeg", "tiff"):
        assert getiptcinfo(reopened(MetadataBlocks(iptc=iptc), output)) == {(2, 80): b"x" * length}  # type: ignore[arg-type]


def test_resources_of_odd_length_are_padded() -> None:
    assert save_options(MetadataBlocks(iptc=b"abc"), "jpeg", Diagnostics())["extra"].endswith(b"\0\0\0\x03abc\0")


def test_a_webp_has_exif_without_the_header_that_is_for_jpeg() -> None:
    assert save_options(MetadataBlocks(exif=block({Base.Make: "m"})), "webp", Diagnostics())["exif"].startswith(
        b"MM\0*"
    )


def test_texts_of_any_script_are_read_back_from_a_png() -> None:
    texts = {"Title": "Zoë 写真", "Comment": "x" * 9999}
    assert reopened(MetadataBlocks(texts=texts), "png").text == texts  # type: ignore[attr-defined]


def test_a_comment_is_read_back_from_a_gif() -> None:
    assert reopened(MetadataBlocks(texts={"Comment": "Zoë"}), "gif").info["comment"] == "Zoë".encode()


def test_a_tiff_is_compressed_unless_it_has_more_than_plain_tags() -> None:
    plain, camera = block({Base.Make: "m"}), block({Base.Make: "m"}, {Base.ExposureTime: 0.25})
    assert (
        save_options(MetadataBlocks(exif=block({Base.HostComputer: "m"})), "tiff", Diagnostics())["compression"]
        == "raw"
    )
    assert "compression" not in save_options(MetadataBlocks(exif=plain, xmp=b"<x/>"), "tiff", Diagnostics())
    assert save_options(MetadataBlocks(exif=camera), "tiff", Diagnostics())["compression"] == "raw"
    assert reopened(MetadataBlocks(exif=camera), "tiff").getexif().get_ifd(IFD.Exif) == {Base.ExposureTime: 0.25}


@pytest.mark.parametrize("output", ["png", "webp", "avif", "tiff"])
def test_animations_have_the_credit(output: str) -> None:
    kept = MetadataBlocks(exif=block({Base.Make: "PUBLIC"}), xmp=b"<x/>")
    image = reopened(kept, output, frames=3)
    assert image.getexif()[Base.Make] == "PUBLIC"
    assert image.info["xmp"] == b"<x/>"
    assert getattr(image, "n_frames", 1) == 3
