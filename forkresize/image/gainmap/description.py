"""What describes a gain map: by Adobe's and Google's XMP (Ultra HDR 1.1), and by ISO 21496-1, annex C."""

import math
import struct
from collections.abc import Mapping
from xml.etree.ElementTree import ParseError

from msgspec import Struct

from forkresize.image.gainmap.errors import GainMapError
from forkresize.image.metadata import xmp

NAMESPACE = "http://ns.adobe.com/hdr-gain-map/1.0/"

ISO_NAME = b"urn:iso:std:iso:ts:21496:-1\0"
"""How the content of a segment of ISO 21496-1 begins."""

_NUMBERS: Mapping[str, float | None] = {
    "GainMapMin": 0.0,
    "GainMapMax": None,
    "Gamma": 1.0,
    "OffsetSDR": 1 / 64,
    "OffsetHDR": 1 / 64,
    "HDRCapacityMin": 0.0,
    "HDRCapacityMax": None,
}
"""The numbers in XMP, one or three each, with their defaults; None where there has to be one."""

_CHANNELS = 1, 3

_VERSION = struct.Struct(">HH")
_SEVERAL_CHANNELS, _COMMON_DENOMINATOR = 0x80, 0x08
"""Flags in the byte after the versions."""

_ISO_VERSION = 0
"""The highest that a reader has to know."""


class Description(Struct, frozen=True):
    """How a gain map is applied.

    Attributes:
        numbers: the numbers in XMP by name, as texts; empty if there is no XMP.
        iso: the content of ISO 21496-1, without its name; empty for none.
    """

    numbers: Mapping[str, tuple[str, ...]]
    iso: bytes

    @property
    def has_several_channels(self) -> bool:
        """Whether the gain differs between channels."""
        in_iso = len(self.iso) > _VERSION.size and self.iso[_VERSION.size] & _SEVERAL_CHANNELS
        return bool(in_iso) or any(len(values) > 1 for values in self.numbers.values())


def read_description(packet: bytes, iso: bytes) -> Description:
    """Return the description of a gain map.

    Args:
        packet: its XMP; empty for none.
        iso: the content of its segment of ISO 21496-1, without the name; empty for none.

    Raises:
        GainMapError: neither describes it, or one is invalid.
    """
    numbers = _read_numbers(packet) if packet else {}
    if iso:
        _check_iso(iso)
    if not numbers and not iso:
        raise GainMapError("its gain map has no description")
    return Description(numbers, iso)


def _read_numbers(packet: bytes) -> dict[str, tuple[str, ...]]:
    """Return the numbers by name; empty if XMP does not describe a gain map."""
    try:
        found = xmp.properties(packet, f"{{{NAMESPACE}}}")
    except (ParseError, ValueError) as error:
        raise GainMapError(f"the XMP of its gain map is damaged: {error}") from None
    if "Version" not in found:
        return {}
    if found.get("BaseRenditionIsHDR", ["False"])[0].strip().lower() == "true":
        raise GainMapError("its gain map makes the standard range of HDR, not HDR of the standard range")
    return {name: _parse_numbers(name, found.get(name), default) for name, default in _NUMBERS.items()}


def _parse_numbers(name: str, texts: list[str] | None, default: float | None) -> tuple[str, ...]:
    if texts is None:
        if default is None:
            raise GainMapError(f"its gain map has no {name}")
        return (repr(default),)
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        numbers = []
    if len(numbers) not in _CHANNELS or not all(map(math.isfinite, numbers)):
        raise GainMapError(f"its gain map has an invalid {name}")
    return tuple(map(repr, numbers))


def _check_iso(content: bytes) -> None:
    """Check the length of a description by its flags, and that every denominator is positive."""
    if len(content) <= _VERSION.size or _VERSION.unpack_from(content)[0] > _ISO_VERSION:
        raise GainMapError("its gain map has a description of an unknown version")
    flags, channels = content[_VERSION.size], 3 if content[_VERSION.size] & _SEVERAL_CHANNELS else 1
    # Two headrooms, then five numbers for each channel.
    numbers = 2 + 5 * channels
    words = 1 + numbers if flags & _COMMON_DENOMINATOR else 2 * numbers
    if len(content) != _VERSION.size + 1 + 4 * words:
        raise GainMapError("the description of its gain map is damaged")
    values = struct.unpack_from(f">{words}I", content, _VERSION.size + 1)
    if not all(values[:1] if flags & _COMMON_DENOMINATOR else values[1::2]):
        raise GainMapError("the description of its gain map is damaged")


def write_xmp(numbers: Mapping[str, tuple[str, ...]]) -> bytes:
    """Return the XMP packet of a gain map."""
    single = " ".join(f'hdrgm:{name}="{values[0]}"' for name, values in numbers.items() if len(values) == 1)
    several = "".join(
        f"<hdrgm:{name}><rdf:Seq>{''.join(f'<rdf:li>{value}</rdf:li>' for value in values)}</rdf:Seq></hdrgm:{name}>"
        for name, values in numbers.items()
        if len(values) > 1
    )
    inner = f'<rdf:Description xmlns:hdrgm="{NAMESPACE}" rdf:about="" hdrgm:Version="1.0" '
    inner += f'hdrgm:BaseRenditionIsHDR="False" {single}>{several}</rdf:Description>'
    return wrap_xmp(inner)


def wrap_xmp(inner: str) -> bytes:
    """Return an XMP packet with the given descriptions."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{inner}</rdf:RDF></x:xmpmeta>'
        '<?xpacket end="r"?>'
    ).encode()
