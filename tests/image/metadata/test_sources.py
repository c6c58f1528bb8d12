"""Where XMP and IPTC are found."""

import io
import struct
from collections.abc import Callable

import pytest
from PIL import Image

from forkresize.image.metadata import sources


def bearer(**info: object) -> Image.Image:
    image = Image.new("L", (4, 4))
    image.info |= {name.replace("_", " "): value for name, value in info.items()}
    return image


def raw_profile(name: str, block: bytes) -> str:
    return f"\n{name}\n{len(block):8}\n{block.hex()}\n"


@pytest.mark.parametrize("name", ["jpeg", "tiff"])
def test_iptc_is_found_in_jpeg_and_tiff(name: str, talkative: Callable[[str], Image.Image], iptc: bytes) -> None:
    assert sources.iptc(talkative(name)) == iptc


def test_iptc_is_found_where_photoshop_declares_it_as_numbers() -> None:
    block = b"\x1c\x02\x50\0\x03abc\x1c\x02\x74\0\x03def"
    file = io.BytesIO()
    Image.new("L", (4, 4)).save(file, "TIFF", tiffinfo={33_723: block})
    as_bytes = struct.pack("<HHI", 33_723, 7, len(block))
    as_numbers = struct.pack("<HHI", 33_723, 4, len(block) // 4)
    assert as_bytes in file.getvalue()
    assert sources.iptc(Image.open(io.BytesIO(file.getvalue().replace(as_bytes, as_numbers)))) == block


def test_blocks_are_found_in_the_texts_of_imagemagick() -> None:
    resource = b"8BIM\x03\xed\0\0\0\0\0\0" + b"8BIM\x04\x04\0\0\0\0\0\x03abc\0"
    image = bearer(
        Raw_profile_type_xmp=raw_profile("xmp", b"<x/>"), Raw_profile_type_iptc=raw_profile("iptc", resource)
    )
    assert sources.xmp(image) == b"<x/>"
    assert sources.iptc(image) == b"abc"
    assert sources.iptc(bearer(Raw_profile_type_iptc=raw_profile("iptc", b"abc"))) == b"abc"


def test_a_picture_without_iptc_gives_none() -> None:
    file = io.BytesIO()
    Image.new("L", (4, 4)).save(file, "TIFF")
    assert sources.iptc(Image.open(file)) == sources.xmp(Image.open(file)) == b""
