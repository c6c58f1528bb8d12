"""What stays of XMP, however it is written down."""

from xml.etree import ElementTree as ET

import pytest

from forkresize.image.diagnostics import Diagnostics
from forkresize.image.metadata import xmp
from forkresize.recipe import Metadata

NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
    "hdrgm": "http://ns.adobe.com/hdr-gain-map/1.0/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
    "my": "http://my.example/",
}


def packet(*descriptions: str) -> bytes:
    declared = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in NAMESPACES.items())
    return f"<rdf:RDF {declared}>{''.join(descriptions)}</rdf:RDF>".encode()


def description(inside: str = "", attributes: str = "") -> str:
    return f'<rdf:Description rdf:about="" {attributes}>{inside}</rdf:Description>'


def kept(*descriptions: str, policy: Metadata = Metadata.SAFE) -> str:
    return xmp.filter_packet(packet(*descriptions), policy, Diagnostics()).decode()


def test_a_property_may_be_an_attribute_or_an_element() -> None:
    told = kept(description("<tiff:Make>PUBLIC</tiff:Make>")), kept(description(attributes='tiff:Make="PUBLIC"'))
    assert told[0] == told[1]
    assert "<tiff:Make>PUBLIC</tiff:Make>" in told[0]


def test_of_several_descriptions_all_count_and_of_a_repeated_property_the_first() -> None:
    told = kept(
        description("<dc:source>one</dc:source>"),
        description("<dc:source>two</dc:source>", 'tiff:Make="three"'),
    )
    assert "one" in told
    assert "two" not in told
    assert "three" in told


@pytest.mark.parametrize("kind", ["Seq", "Bag", "Alt"])
def test_lists_keep_their_kind_order_and_languages(kind: str) -> None:
    items = '<rdf:li xml:lang="x-default">a</rdf:li><rdf:li xml:lang="de">b</rdf:li>'
    assert f"<rdf:{kind}>{items}</rdf:{kind}>" in kept(
        description(f"<dc:title><rdf:{kind}>{items}</rdf:{kind}></dc:title>")
    )


@pytest.mark.parametrize(
    "written",
    [
        '<rdf:li rdf:parseType="Resource"><plus:LicensorURL>yes</plus:LicensorURL><my:x>no</my:x></rdf:li>',
        '<rdf:li plus:LicensorURL="yes" my:x="no"/>',
        '<rdf:li><rdf:Description plus:LicensorURL="yes" my:x="no"/></rdf:li>',
    ],
)
def test_structures_keep_the_fields_that_are_known(written: str) -> None:
    told = kept(description(f"<plus:Licensor><rdf:Seq>{written}</rdf:Seq></plus:Licensor>"))
    assert '<rdf:li rdf:parseType="Resource"><plus:LicensorURL>yes</plus:LicensorURL></rdf:li>' in told
    assert "no</" not in told


def test_what_is_nested_in_an_allowed_property_does_not_slip_through() -> None:
    nested = "<rdf:Bag><rdf:li><rdf:Bag><rdf:li>SECRET</rdf:li></rdf:Bag></rdf:li></rdf:Bag>"
    assert kept(description(f"<dc:source my:x='SECRET'><my:y>SECRET</my:y>{nested}</dc:source>")) == ""


def test_all_keeps_what_it_does_not_know_and_no_claim_that_became_false() -> None:
    attributes = 'my:x="attribute" tiff:Orientation="6" hdrgm:Version="1"'
    told = kept(
        description("<my:y>element</my:y><tiff:ImageWidth>7</tiff:ImageWidth>", attributes), policy=Metadata.ALL
    )
    root = ET.fromstring(told)  # noqa: S314 -- made here.
    assert root.find("*/{http://my.example/}y") is not None
    assert "attribute" in told
    assert "Orientation" not in told
    assert "ImageWidth" not in told
    assert "Version=" not in told


@pytest.mark.parametrize(
    "written",
    [
        description(attributes='xmpNote:HasExtendedXMP="0"'),
        description("<xmpNote:HasExtendedXMP>0</xmpNote:HasExtendedXMP>"),
    ],
)
def test_properties_in_further_segments_are_told_of_where_all_is_to_be_kept(written: str) -> None:
    diagnostics = Diagnostics()
    assert xmp.filter_packet(packet(written), Metadata.ALL, diagnostics) == b""
    assert "further segments" in diagnostics.warnings[0]


@pytest.mark.parametrize("block", [b"", bytes(9), b" \n"])
def test_nothing_comes_of_nothing(block: bytes) -> None:
    assert xmp.filter_packet(block, Metadata.SAFE, Diagnostics()) == b""


def entities(levels: int = 12) -> bytes:
    bombs = "".join(f"<!ENTITY e{n + 1} '{f'&e{n};' * 10}'>" for n in range(levels))
    return f"<!DOCTYPE x [<!ENTITY e0 'lol'>{bombs}]><x>&e{levels};</x>".encode()


@pytest.mark.parametrize(
    ("block", "told"),
    [
        (entities(), "it has a DTD"),
        (entities().decode().encode("utf-16"), "utf-8"),
        (b"<?xml version='1.0' encoding='utf-7'?>+ADwAIQ-DOCTYPE x+AD4-<x/>", "not well-formed"),
        (b"<x>", "no element found"),
        (b"<x/>", "it has no RDF"),
        (b"\xff<x/>", "utf-8"),
        (b"<a>" * 100_000, "nested more than 64 deep"),
        (b"<a>" + b" " * (1 << 21) + b"</a>", "bytes exceed the limit of 2097152"),
    ],
)
@pytest.mark.timeout(10)
def test_bombs_and_damage_are_refused_at_once(block: bytes, told: str) -> None:
    with pytest.raises((ValueError, ET.ParseError), match=told):
        xmp.filter_packet(block, Metadata.ALL, Diagnostics())
