"""What of a source's metadata goes into an output. Data only."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The metadata for an output; it is of no format yet, and nothing in it is stale.

    Attributes:
        exif: an EXIF block with its ``Exif`` header; empty for none.
        xmp: an XMP packet in UTF-8; empty for none.
        iptc: IPTC-IIM datasets; empty for none.
        texts: what PNG has as text chunks, by their keywords.
    """

    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    texts: Mapping[str, str] = field(default_factory=dict)
