"""The creator and the copyright notice, from any kind of metadata to EXIF and PNG's texts."""

import io
import re
import struct
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.ExifTags import IFD, Base

from forkresize.formats.metadata import Credit
from forkresize.image import metadata
from forkresize.image.diagnostics import Diagnostics
from forkresize.recipe import Metadata

KEEPING = [policy for policy in Metadata if policy is not Metadata.NONE]
NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=9)


def exif_block(tags: Mapping[int, object], details: Mapping[int, object] | None = None) -> bytes:
    exif = Image.Exif()
    exif.update(tags)
    exif.get_ifd(IFD.Exif).update(details or {})
    return exif.tobytes()


def xmp_packet(properties: str, attributes: str = "") -> bytes:
    names = (
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:my="http://my.example/"'
    )
    return f"<rdf:RDF {names}><rdf:Description {attributes}>{properties}</rdf:Description></rdf:RDF>".encode()


def listed(name: str, kind: str, *items: str) -> str:
    return f"<{name}><rdf:{kind}>{''.join(f'<rdf:li>{escape(item)}</rdf:li>' for item in items)}</rdf:{kind}></{name}>"


def iptc_block(*datasets: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack(">BBBH", 0x1C, 2, number, len(content)) + content for number, content in datasets)


def kept(
    policy: Metadata = Metadata.SAFE, *, form: str = "", diagnostics: Diagnostics | None = None, **info: Any
) -> metadata.MetadataBlocks:
    """Return what is kept of a picture with these blocks: exif, xmp, iptc, and PNG's texts."""
    image = Image.new("L", (4, 4))
    image.format = form or None
    image.info.update({"exif": b""}, **info)
    if "iptc" in info:
        image.info["photoshop"] = {0x0404: image.info.pop("iptc")}
    return metadata.extract(image, policy, diagnostics or Diagnostics())


def credit_of(block: bytes) -> tuple[str, str]:
    """Return artist and copyright of an EXIF block."""
    exif = Image.Exif()
    exif.load(block)
    artist, notice = (exif.get(tag, "").encode("latin-1").decode() for tag in (Base.Artist, Base.Copyright))
    return artist, notice


EXIF = exif_block({Base.Artist: b"exif", Base.Copyright: b"(c) exif"})
XMP = xmp_packet(listed("dc:creator", "Seq", "xmp") + listed("dc:rights", "Alt", "(c) xmp"))
IPTC = iptc_block((80, b"iptc"), (116, b"(c) iptc"))
TEXTS = {"form": "PNG", "Author": "texts", "Copyright": "(c) texts"}
BY_TRUST: list[dict[str, Any]] = [{"exif": EXIF}, {"xmp": XMP}, {"iptc": IPTC}, TEXTS]


@pytest.mark.parametrize("policy", KEEPING)
@pytest.mark.parametrize(("first", "expected"), list(enumerate(["exif", "xmp", "iptc", "texts"])))
def test_the_credit_with_the_highest_precedence_wins(first: int, expected: str, policy: Metadata) -> None:
    info: dict[str, Any] = {}
    for part in BY_TRUST[first:]:
        info |= part
    result = kept(policy, **info)
    assert credit_of(result.exif) == (expected, f"(c) {expected}")
    assert result.credit == Credit(creator=expected, copyright=f"(c) {expected}", is_all=policy is Metadata.COPYRIGHT)


def test_no_metadata_is_kept_by_the_policy_none() -> None:
    assert kept(Metadata.NONE, exif=EXIF, xmp=XMP, iptc=IPTC) == metadata.MetadataBlocks()


def test_exif_with_a_full_credit_is_not_changed() -> None:
    exif = exif_block({Base.Artist: "Zoë ".encode("latin-1"), Base.Copyright: b"me\0them"})
    result = kept(exif=exif, xmp=XMP, iptc=IPTC)
    assert "Zoë ".encode("latin-1") in result.exif
    assert b"me\0them" in result.exif
    assert result.credit == Credit(creator="Zoë", copyright="me\nthem")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("policy", [Metadata.SAFE, Metadata.ALL])
def test_only_missing_exif_tags_are_added(policy: Metadata, order: str) -> None:
    exif = Image.Exif()
    exif.endian = order
    exif.update({Base.Make: "Zoë".encode(), Base.Copyright: "© Zoë".encode("latin-1")})
    exif.get_ifd(IFD.Exif).update({Base.ExposureTime: 0.25, Base.UserComment: b"UNICODE\0x"})
    before, after = Image.Exif(), Image.Exif()
    before.load(kept(policy, exif=exif.tobytes()).exif)
    after.load(kept(policy, exif=exif.tobytes(), xmp=XMP).exif)
    assert after.endian == before.endian == order
    assert after.pop(Base.Artist) == "xmp"
    assert dict(after.get_ifd(IFD.Exif)) == dict(before.get_ifd(IFD.Exif))
    assert {tag: after[tag] for tag in after if tag != IFD.Exif} == {
        Base.Make: "Zoë".encode().decode("latin-1"),
        Base.Copyright: "© Zoë",
    }


@pytest.mark.parametrize("blank", [b"", b"      ", b" \0 "])
def test_blank_credits_of_cameras_are_ignored(blank: bytes) -> None:
    exif = exif_block({Base.Artist: blank, Base.Copyright: blank})
    assert credit_of(kept(exif=exif, iptc=IPTC).exif) == ("iptc", "(c) iptc")
    assert kept(exif=exif).credit == Credit()


def test_photographer_and_editor_copyrights_become_two_lines() -> None:
    result = kept(exif=exif_block({Base.Copyright: b"me\0them"}))
    assert credit_of(result.exif) == ("", "me\0them")
    assert result.credit.copyright == "me\nthem"


@pytest.mark.slow
@given(creator=NAMES, rights=NAMES)
def test_any_script_comes_through_as_utf_8(creator: str, rights: str) -> None:
    packet = xmp_packet(f"<dc:creator>{escape(creator)}</dc:creator><dc:rights>{escape(rights)}</dc:rights>")
    block = iptc_block((80, creator.encode()), (116, rights.encode()))
    assert credit_of(kept(xmp=packet).exif) == credit_of(kept(iptc=block).exif) == (creator, rights)


def test_iptc_that_is_not_utf_8_counts_as_latin_1() -> None:
    assert credit_of(kept(iptc=iptc_block((80, "Zoë".encode("latin-1")))).exif) == ("Zoë", "")


def test_iptc_of_other_records_is_ignored() -> None:
    assert kept(Metadata.ALL, iptc=b"\x1c\x01\x50\0\2me" + iptc_block((120, b"x"))).credit == Credit()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Ann; Co"], "Ann; Co"),
        (["Ann", " ", "Bob"], "Ann; Bob"),
        (["Ann; Co", "Bob"], '"Ann; Co"; Bob'),
        (['Ann "A" B', "Bob"], '"Ann ""A"" B"; Bob'),
        ([" "], ""),
    ],
)
def test_several_creators_are_joined_reversibly(names: list[str], expected: str) -> None:
    by_xmp = kept(xmp=xmp_packet(listed("dc:creator", "Seq", *names)))
    by_iptc = kept(iptc=iptc_block(*((80, name.encode()) for name in names)))
    assert credit_of(by_xmp.exif)[0] == credit_of(by_iptc.exif)[0] == by_iptc.credit.creator == expected


def test_the_first_of_several_languages_counts() -> None:
    assert credit_of(kept(xmp=xmp_packet(listed("dc:rights", "Alt", "mine", "meins"))).exif) == ("", "mine")


@pytest.mark.parametrize("policy", KEEPING)
@pytest.mark.parametrize(
    "packet",
    [
        xmp_packet("", 'dc:creator="xmp" dc:rights="(c) xmp"'),
        xmp_packet("<dc:creator>xmp</dc:creator><dc:rights>(c) xmp</dc:rights>"),
        xmp_packet("<dc:creator/><dc:rights/>", 'dc:creator="xmp" dc:rights="(c) xmp"'),
    ],
)
def test_xmp_is_read_in_any_rdf_syntax(packet: bytes, policy: Metadata) -> None:
    assert credit_of(kept(policy, xmp=packet).exif) == ("xmp", "(c) xmp")


def test_empty_properties_are_dropped() -> None:
    assert kept(Metadata.ALL, xmp=xmp_packet("<dc:creator/><dc:rights/><my:x>y</my:x>")).credit == Credit()


@pytest.mark.slow
def test_xmp_that_exceeds_the_limit_when_rewritten_loses_only_the_credit() -> None:
    packet = xmp_packet(f"<dc:creator>me</dc:creator><my:x>{'&#62;' * 10 + '>' * 1_048_000}</my:x>")
    diagnostics = Diagnostics()
    result = kept(Metadata.ALL, diagnostics=diagnostics, xmp=packet)
    assert re.match("damaged credit was dropped: .* bytes exceed the limit", diagnostics.warnings[0])
    assert b"me" in result.xmp


def test_a_jpeg_keeps_the_credit_if_exif_is_too_large() -> None:
    large = exif_block({Base.Copyright: b"me", Base.ImageDescription: b"x" * 70_000})
    first, second = Diagnostics(), Diagnostics()
    assert credit_of(metadata.save_options(kept(exif=large), "jpeg", first)["exif"]) == ("", "me")
    assert "of EXIF: too large for a JPEG" in first.warnings[0]
    assert metadata.save_options(kept(exif=exif_block({Base.Artist: b"x" * 70_000})), "jpeg", second) == {}
    assert [message.split()[4] for message in second.warnings] == ["EXIF:", "credit:"]


def test_a_png_has_the_credit_in_its_texts() -> None:
    def texts(result: metadata.MetadataBlocks) -> dict[str, str]:
        file = io.BytesIO()
        Image.new("L", (4, 4)).save(file, "PNG", **metadata.save_options(result, "png", Diagnostics()))
        return Image.open(file).text  # type: ignore[attr-defined, no-any-return]

    assert texts(kept(iptc=iptc_block((80, "Zoë".encode())))) == {"Author": "Zoë"}
    assert texts(kept(iptc=IPTC, form="PNG", Author="own", Copyright=" ")) == {
        "Author": "own",
        "Copyright": "(c) iptc",
    }


@pytest.mark.parametrize("output", ["gif", "bmp", "qoi"])
def test_a_format_that_cannot_store_metadata_causes_a_warning(output: str) -> None:
    def warnings_of(*arguments: Any, **options: Any) -> list[str]:
        diagnostics = Diagnostics()
        assert metadata.save_options(kept(*arguments, **options), output, diagnostics) == {}
        return diagnostics.warnings

    for policy in (Metadata.SAFE, Metadata.ALL):
        assert warnings_of(policy, iptc=IPTC) == [f"dropped EXIF, IPTC: {output.upper()} has no place for this"]
    assert warnings_of(Metadata.NONE, iptc=IPTC) == []
    assert warnings_of(Metadata.COPYRIGHT, iptc=iptc_block((120, b"x"))) == []
    assert warnings_of(Metadata.COPYRIGHT, iptc=IPTC) == [f"{output} cannot store the creator and the copyright notice"]
