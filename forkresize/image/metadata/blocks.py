"""What of a source's metadata goes into an output. Data only."""

from collections.abc import Mapping

from msgspec import Struct, field


class Credit(Struct, frozen=True, kw_only=True):
    """Who made a picture and who may use it, whichever kind of metadata says so.

    Attributes:
        creator: the names, with a semicolon between two; empty where nothing says so.
        copyright: the notice; empty where nothing says so.
        is_all: whether nothing else was to be kept, so that losing it is worth a warning.
    """

    creator: str = ""
    copyright: str = ""
    is_all: bool = False


class MetadataBlocks(Struct, frozen=True, kw_only=True):
    """The metadata for an output; it is of no format yet, and nothing in it is stale.

    Attributes:
        exif: an EXIF block with its ``Exif`` header; empty for none. It has all of the credit.
        xmp: an XMP packet in UTF-8; empty for none.
        iptc: IPTC-IIM datasets; empty for none.
        texts: what PNG has as text chunks, by their keywords.
        credit: what all of these say of who made the picture and who may use it.
    """

    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    texts: Mapping[str, str] = field(default_factory=dict)
    credit: Credit = field(default_factory=Credit)
