"""The XMP that each policy keeps, in any RDF syntax."""

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
    "dcterms": "http://purl.org/dc/terms/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
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
    result = kept(description("<tiff:Make>PUBLIC</tiff:Make>")), kept(description(attributes='tiff:Make="PUBLIC"'))
    assert result[0] == result[1]
    assert "<tiff:Make>PUBLIC</tiff:Make>" in result[0]


def test_all_descriptions_count_and_the_first_of_a_repeated_property() -> None:
    result = kept(
        description("<dc:source>one</dc:source>"),
        description("<dc:source>two</dc:source>", 'tiff:Make="three"'),
    )
    assert "one" in result
    assert "two" not in result
    assert "three" in result


@pytest.mark.parametrize("policy", [Metadata.ALL, Metadata.SAFE, Metadata.COPYRIGHT])
@pytest.mark.parametrize(
    "inside",
    [
        "<plus:DataMining>http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING</plus:DataMining>",
        "<Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/algorithmicMedia</Iptc4xmpExt:DigitalSourceType>",
        '<plus:OtherConstraints><rdf:Alt><rdf:li xml:lang="x-default">none</rdf:li></rdf:Alt></plus:OtherConstraints>',
    ],
)
def test_who_may_learn_from_a_picture_and_whether_a_machine_made_it_is_kept(inside: str, policy: Metadata) -> None:
    assert inside in kept(description(inside), policy=policy)


def test_the_place_of_credentials_that_are_gone_is_dropped() -> None:
    assert kept(description(attributes='dcterms:provenance="self#jumbf=c2pa"'), policy=Metadata.ALL) == ""


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
    result = kept(description(f"<plus:Licensor><rdf:Seq>{written}</rdf:Seq></plus:Licensor>"))
    assert '<rdf:li rdf:parseType="Resource"><plus:LicensorURL>yes</plus:LicensorURL></rdf:li>' in result
    assert "no</" not in result


def test_nested_properties_are_filtered() -> None:
    nested = "<rdf:Bag><rdf:li><rdf:Bag><rdf:li>SECRET</rdf:li></rdf:Bag></rdf:li></rdf:Bag>"
    assert kept(description(f"<dc:source my:x='SECRET'><my:y>SECRET</my:y>{nested}</dc:source>")) == ""


def test_all_keeps_unknown_properties_but_no_stale_ones() -> None:
    attributes = 'my:x="attribute" tiff:Orientation="6" hdrgm:Version="1"'
    result = kept(
        description("<my:y>element</my:y><tiff:ImageWidth>7</tiff:ImageWidth>", attributes), policy=Metadata.ALL
    )
    root = ET.fromstring(result)  # noqa: S314 -- made here.
    assert root.find("*/{http://my.example/}y") is not None
    assert "attribute" in result
    assert "Orientation" not in result
    assert "ImageWidth" not in result
    assert "Version=" not in result


@pytest.mark.parametrize(
    "written",
    [
        description(attributes='xmpNote:HasExtendedXMP="0"'),
        description("<xmpNote:HasExtendedXMP>0</xmpNote:HasExtendedXMP>"),
    ],
)
def test_properties_in_further_segments_cause_a_warning(written: str) -> None:
    diagnostics = Diagnostics()
    assert xmp.filter_packet(packet(written), Metadata.ALL, diagnostics) == b""
    assert "further segments" in diagnostics.warnings[0]


@pytest.mark.parametrize("block", [b"", bytes(9), b" \n"])
def test_no_metadata_gives_none(block: bytes) -> None:
    assert xmp.filter_packet(block, Metadata.SAFE, Diagnostics()) == b""


def entities(levels: int = 12) -> bytes:
    bombs = "".join(f"<!ENTITY e{n + 1} '{f'&e{n};' * 10}'>" for n in range(levels))
    return f"<!DOCTYPE x [<!ENTITY e0 'lol'>{bombs}]><x>&e{levels};</x>".encode()


@pytest.mark.parametrize(
    ("block", "message"),
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
def test_bombs_and_damage_are_refused_at_once(block: bytes, message: str) -> None:
    with pytest.raises((ValueError, ET.ParseError), match=message):
        xmp.filter_packet(block, Metadata.ALL, Diagnostics())
