"""The metadata for an output, before a format embeds it. Data only."""

from collections.abc import Mapping

from msgspec import Struct, field

EXIF_HEADER = b"Exif\0\0"

IPTC_RESOURCE = b"8BIM\x04\x04\0\0"
"""How the IPTC resource begins among Photoshop's; it has an empty name."""

COMMENT = "Comment"
"""The keyword of the comment of a JPEG or GIF."""

AUTHOR, COPYRIGHT = "Author", "Copyright"
"""The keywords of the creator and of the copyright notice."""


class Credit(Struct, frozen=True, kw_only=True):
    """Who made a picture and who may use it, from any kind of metadata.

    Attributes:
        creator: the names, separated by semicolons; empty if unknown.
        copyright: the notice; empty if unknown.
        is_all: whether nothing else was to be kept, so that losing it is worth a warning.
    """

    creator: str = ""
    copyright: str = ""
    is_all: bool = False


class MetadataBlocks(Struct, frozen=True, kw_only=True):
    """The metadata for an output, independent of its format, without stale entries.

    Attributes:
        exif: an EXIF block with its ``Exif`` header, which includes the credit; empty for none.
        xmp: an XMP packet in UTF-8; empty for none.
        iptc: IPTC-IIM datasets; empty for none.
        texts: texts by keyword, as in PNG's text chunks.
        credit: the credit found in any of these.
        resolution: pixels per inch, horizontally and vertically; None if unknown.
    """

    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    texts: Mapping[str, str] = field(default_factory=dict)
    credit: Credit = field(default_factory=Credit)
    resolution: tuple[float, float] | None = None
