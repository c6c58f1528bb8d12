"""Dropping persons and places, checked in the bytes of the outputs, and by ExifTool."""

import io
import json
import shutil
import struct
import subprocess
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from PIL.PngImagePlugin import PngInfo

from forkresize.formats import EXTRAS
from forkresize.image.decode.identify import load_decoder
from forkresize.image.transform import transform
from forkresize.recipe import Drop, Format, Metadata, Recipe

Inflated = Callable[[bytes], bytes]

PERSON, PLACE, TEXT, CREDIT, SERIAL = b"PERSON", b"PLACE", b"TEXT", b"CREDIT", b"SERIAL"
"""What the planted values begin with: names, places, texts that may hold both, the creator, serial numbers."""

DROPPED = {Drop.PEOPLE: {PERSON, TEXT}, Drop.PLACE: {PLACE, TEXT}}
HEIF = EXTRAS["heif"]

CHOICES = [(), (Drop.PEOPLE,), (Drop.PLACE,), tuple(Drop)]

XMP = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:ps="http://ns.adobe.com/photoshop/1.0/" xmlns:core="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
 xmlns:ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:mwg="http://www.metadataworkinggroup.com/schemas/regions/"
 xmlns:MP="http://ns.microsoft.com/photo/1.2/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" xmlns:odd="http://odd.example/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
 xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" odd:at="TEXT-attribute">
<rdf:Description ps:City="PLACE-city" ps:State="PLACE-state" ps:Country="PLACE-country" core:CountryCode="PLACE"
 core:Location="PLACE-location" ps:CaptionWriter="PERSON-writer" ps:Headline="TEXT-headline"
 exif:GPSLatitude="PLACE-lat"
 odd:Any="TEXT-odd" tiff:Make="MAKE" ps:Instructions="TEXT-instructions" xmp:Label="TEXT-label" dc:source="TEXT-source">
 <dc:creator><rdf:Seq><rdf:li>CREDIT-creator</rdf:li></rdf:Seq></dc:creator>
 <dc:contributor><rdf:Bag><rdf:li>PERSON-contributor</rdf:li></rdf:Bag></dc:contributor>
 <dc:subject><rdf:Bag><rdf:li>TEXT-keyword</rdf:li></rdf:Bag></dc:subject>
 <dc:description><rdf:Alt><rdf:li xml:lang="x-default">TEXT-description</rdf:li></rdf:Alt></dc:description>
 <lr:hierarchicalSubject><rdf:Bag><rdf:li>TEXT-People|TEXT-Zoe</rdf:li></rdf:Bag></lr:hierarchicalSubject>
 <ext:PersonInImage><rdf:Bag><rdf:li>PERSON-in-image</rdf:li></rdf:Bag></ext:PersonInImage>
 <ext:LocationShown><rdf:Bag><rdf:li ext:City="PLACE-shown" ext:Sublocation="PLACE-street"/></rdf:Bag>
 </ext:LocationShown>
 <ext:LocationCreated><rdf:Bag><rdf:li ext:City="PLACE-created"/></rdf:Bag></ext:LocationCreated>
 <mwg:Regions rdf:parseType="Resource"><mwg:RegionList><rdf:Bag><rdf:li><rdf:Description mwg:Name="PERSON-region"
  mwg:Type="Face"/></rdf:li></rdf:Bag></mwg:RegionList></mwg:Regions>
 <MP:RegionInfo rdf:parseType="Resource"><MP:PersonDisplayName>PERSON-display</MP:PersonDisplayName></MP:RegionInfo>
 <core:CreatorContactInfo rdf:parseType="Resource"><core:CiAdrCity>PLACE-home</core:CiAdrCity>
  <core:CiEmailWork>CREDIT-mail</core:CiEmailWork></core:CreatorContactInfo>
 <plus:Licensor><rdf:Seq><rdf:li rdf:parseType="Resource"><plus:LicensorName>CREDIT-licensor</plus:LicensorName>
  <plus:LicensorCity>PLACE-licensor</plus:LicensorCity></rdf:li></rdf:Seq></plus:Licensor>
</rdf:Description></rdf:RDF>"""

IPTC = {
    PLACE: {26, 27, 90, 92, 95, 100, 101},
    PERSON: {118, 122},
    CREDIT: {80, 85, 110, 115, 116},
    b"OTHER": {3, 4, 8, 10, 30, 35, 37, 38, 42, 55, 60, 62, 63, 65, 70, 130, 135},  # codes, dates, programs
}
"""Datasets of record 2; all others hold text."""


def _iptc() -> bytes:
    """Return every dataset of record 2, and one of the envelope."""
    block = b""
    for record, number in [(1, 50), *((2, number) for number in range(1, 200))]:
        text = next((word for word, numbers in IPTC.items() if (record == 2 and number in numbers)), TEXT)
        content = text + b"-iptc-%d" % number
        block += struct.pack(">BBBH", 0x1C, record, number, len(content)) + content
    return block


def _exif() -> Image.Exif:
    exif = Image.Exif()
    for tag in (Base.ImageDescription, Base.DocumentName, Base.PageName, Base.HostComputer, 0xEA1D):
        exif[tag] = f"TEXT-exif-{tag}"
    for tag in (Base.XPComment, Base.XPKeywords, Base.XPTitle, Base.XPSubject):
        exif[tag] = f"TEXT-exif-{tag}".encode("utf-16-le")
    exif.update({Base.Make: "MAKE", Base.Artist: "CREDIT-artist", Base.Copyright: "CREDIT-copyright"})
    exif.get_ifd(IFD.Exif).update(
        {
            Base.UserComment: b"ASCII\0\0\0TEXT-comment",
            Base.MakerNote: b"TEXT-maker-note" * 3,
            Base.CameraOwnerName: "PERSON-owner",
            Base.BodySerialNumber: "SERIAL-body",
            Base.ImageHistory: "TEXT-history",
            Base.LensModel: "LENS",
        }
    )
    exif.get_ifd(IFD.GPSInfo).update(
        {GPS.GPSLatitudeRef: "N", GPS.GPSMapDatum: "PLACE-datum", GPS.GPSAreaInformation: b"ASCII\0\0\0PLACE-area"}
    )
    return exif


def _save(name: str) -> bytes:
    exif, xmp, file = _exif(), XMP.encode(), io.BytesIO()
    options: dict[str, object] = {"exif": exif.tobytes(), "xmp": xmp}
    if name == "jpeg":
        body = _iptc()
        resource = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(body)) + body + b"\0" * (len(body) % 2)
        resource += b"8BIM\x04\x0b\0\0\0\0\0\x08TEXT-url"
        extended = b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 40 + b"TEXT-extended PERSON PLACE"
        segments = (0xFFED, resource), (0xFFE1, extended), (0xFFEB, b"TEXT-other")
        options["extra"] = b"".join(struct.pack(">HH", name, len(each) + 2) + each for name, each in segments)
        options["comment"] = b"TEXT-jpeg-comment"
    elif name == "png":
        chunks = PngInfo()
        for key in ("Comment", "Description", "Title", "Source", "Location", "Disclaimer", "Warning", "TEXT-key"):
            chunks.add_itxt(key, f"TEXT-{key}", zip=key == "Title")
        chunks.add_itxt("Author", "CREDIT-author")
        chunks.add_itxt("XML:com.adobe.xmp", XMP, zip=True)
        options = {"exif": exif.tobytes(), "pnginfo": chunks}
    elif name == "tiff":
        tags = Image.Exif()
        tags.load(exif.tobytes())
        tags.update({700: xmp, 33_723: _iptc()})
        options = {"tiffinfo": tags}
    elif name == "gif":
        options = {"comment": b"TEXT-gif-comment"}
    Image.linear_gradient("L").resize((32, 24)).convert("RGB").save(file, name.upper(), **options)
    return file.getvalue()


SOURCES = ["jpeg", "png", "webp", "avif", "tiff", "gif", *(["heif"] if load_decoder(HEIF) else [])]


def render(data: bytes, policy: Metadata, drop: Collection[Drop]) -> dict[str, bytes]:
    """Render a picture in every format that holds metadata."""
    recipe = Recipe.of(format=list(Format), metadata=policy, drop=list(drop))
    return {each.format: each.data for each in transform(data, recipe)}


def found(data: bytes, inflated: Inflated, words: Iterable[bytes]) -> set[bytes]:
    """Return which words are in a file, in any encoding and inside of what is compressed."""
    everything = inflated(data)
    spellings = {word: (word, word.decode().encode("utf-16-le"), word.decode().encode("utf-16-be")) for word in words}
    return {
        word
        for word, spelled in spellings.items()
        if any(each in everything or each.hex().encode() in everything.lower() for each in spelled)
    }


@pytest.mark.parametrize("policy", Metadata)
@pytest.mark.parametrize("source", SOURCES)
def test_what_is_dropped_is_in_no_byte_of_any_output(source: str, policy: Metadata, inflated: Inflated) -> None:
    data = _save(source)
    assert TEXT in inflated(data)
    for drop in CHOICES:
        gone = set[bytes]().union(*(DROPPED[each] for each in drop))
        gone |= set() if policy is Metadata.ALL else {SERIAL}
        for output, made in render(data, policy, drop).items():
            assert found(made, inflated, gone) == set(), f"{output} without {drop}"


@pytest.mark.parametrize("output", ["jpeg", "png", "webp", "avif", "tiff"])
@pytest.mark.parametrize("source", ["jpeg", "png", "webp", "tiff"])
def test_what_is_not_dropped_stays(source: str, output: str, inflated: Inflated) -> None:
    data = _save(source)

    def kept(policy: Metadata, *drop: Drop) -> set[bytes]:
        return found(render(data, policy, drop)[output], inflated, [PERSON, PLACE, TEXT, CREDIT, SERIAL, b"MAKE"])

    everything = {PERSON, PLACE, TEXT, CREDIT, b"MAKE"}
    assert kept(Metadata.SAFE) == everything
    assert kept(Metadata.SAFE, Drop.PEOPLE) == everything - DROPPED[Drop.PEOPLE]
    assert kept(Metadata.SAFE, Drop.PLACE) == everything - DROPPED[Drop.PLACE]
    assert kept(Metadata.SAFE, *Drop) == {CREDIT, b"MAKE"}
    assert kept(Metadata.ALL, Drop.PEOPLE) == (everything | {SERIAL}) - DROPPED[Drop.PEOPLE]
    assert kept(Metadata.ALL, *Drop) == {CREDIT, SERIAL, b"MAKE"}
    assert kept(Metadata.COPYRIGHT, *Drop) == {CREDIT}
    assert kept(Metadata.NONE, *Drop) == set()


def test_the_position_goes_with_places_and_stays_without_persons() -> None:
    def position(*drop: Drop) -> dict[int, object]:
        image = Image.open(io.BytesIO(render(_save("jpeg"), Metadata.ALL, drop)["jpeg"]))
        return image.getexif().get_ifd(IFD.GPSInfo)

    assert position().keys() == {GPS.GPSLatitudeRef, GPS.GPSMapDatum, GPS.GPSAreaInformation}
    assert position(Drop.PEOPLE).keys() == {GPS.GPSLatitudeRef, GPS.GPSMapDatum}
    assert position(Drop.PLACE) == {}


@pytest.mark.parametrize("source", ["jpeg", "png", "webp", "avif", "tiff", "gif"])
def test_a_source_that_is_kept_as_it_is_loses_the_same(source: str, inflated: Inflated) -> None:
    recipe = Recipe.of(quality=100, subsampling="444", if_larger="keep-original", metadata="all", drop="people,place")
    [made] = transform(_save(source), recipe)
    assert found(made.data, inflated, [PERSON, PLACE, TEXT]) == set()


PLANTED = {
    "IFD0:ImageDescription": "TEXT GPS 48.8584 N",
    "IFD0:XPKeywords": "TEXT-keyword",
    "IFD0:Artist": "CREDIT-artist",
    "ExifIFD:UserComment": "TEXT-user-comment",
    "ExifIFD:SerialNumber": "SERIAL-body",
    "ExifIFD:OwnerName": "PERSON-owner",
    "GPS:GPSLatitude": "48.8584",
    "GPS:GPSLatitudeRef": "N",
    "GPS:GPSAreaInformation": "PLACE-area",
    "IPTC:City": "PLACE-city",
    "IPTC:Province-State": "PLACE-state",
    "IPTC:Country-PrimaryLocationName": "PLACE-country",
    "IPTC:Sub-location": "PLACE-sub-location",
    "IPTC:Contact": "PERSON-contact",
    "IPTC:Writer-Editor": "PERSON-writer",
    "IPTC:Caption-Abstract": "TEXT-caption",
    "IPTC:Keywords": "TEXT-iptc-keyword",
    "IPTC:By-line": "CREDIT-by-line",
    "XMP-iptcExt:PersonInImage": "PERSON-in-image",
    "XMP-iptcExt:PersonInImageName": "PERSON-with-details",
    "XMP-iptcExt:LocationShownCity": "PLACE-shown",
    "XMP-iptcExt:LocationCreatedSublocation": "PLACE-created",
    "XMP-iptcCore:Location": "PLACE-location",
    "XMP-photoshop:City": "PLACE-xmp-city",
    "XMP-photoshop:State": "PLACE-xmp-state",
    "XMP-photoshop:Country": "PLACE-xmp-country",
    "XMP-iptcCore:CreatorCity": "PLACE-of-creator",
    "XMP-mwg-rs:RegionName": "PERSON-region",
    "XMP-mwg-rs:RegionType": "Face",
    "XMP-MP:RegionPersonDisplayName": "PERSON-display",
    "XMP-digiKam:TagsList": "TEXT-tags",
    "XMP-dc:Description": "TEXT-description",
    "XMP-dc:Creator": "CREDIT-creator",
    "XMP-aux:SerialNumber": "SERIAL-aux",
    "XMP-exif:GPSLongitude": "2.2945",
    "Comment": "TEXT GPS 48.8584 N",
    "PNG:Description": "TEXT-png",
}

TAGGED = ["jpg", "png", "webp", "tif", "gif", "avif", "jp2"]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("exiftool"), reason="ExifTool is not installed")
@pytest.mark.parametrize("suffix", TAGGED)
def test_exiftool_finds_nothing_that_is_dropped(suffix: str, tmp_path: Path, inflated: Inflated) -> None:
    path, made = tmp_path / f"source.{suffix}", tmp_path / "made"
    made.mkdir()
    Image.linear_gradient("L").resize((32, 24)).convert("RGB").save(path)
    _exiftool("-m", "-overwrite_original", *(f"-{tag}={value}" for tag, value in PLANTED.items()), path)
    assert any("TEXT" in str(value) for value in _tags(path)[0].values())
    for policy in Metadata:
        for drop in CHOICES:
            for output, data in render(path.read_bytes(), policy, drop).items():
                (made / f"{policy}+{','.join(drop)}+.{output}").write_bytes(data)
    tags = _tags(made)
    assert len(tags) == len(Metadata) * len(CHOICES) * len(Format)
    leaks = [(each["SourceFile"], tag) for each in tags for tag, value in each.items() if _is_leak(each, tag, value)]
    assert leaks == []


def _exiftool(*arguments: str | Path) -> str:
    command = ["exiftool", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def _tags(path: Path) -> list[dict[str, object]]:
    tags: list[dict[str, object]] = json.loads(_exiftool("-json", "-a", "-u", "-U", "-G1", "-b", "-r", path))
    return tags


def _is_leak(tags: dict[str, object], tag: str, value: object) -> bool:
    policy, drop, _output = Path(str(tags["SourceFile"])).name.split("+")
    gone = set[bytes]().union(*(DROPPED[Drop(each)] for each in drop.split(",") if each))
    is_position = tag.startswith("GPS:") or "GPSL" in tag
    if is_position and tag != "GPS:GPSVersionID" and (policy != "all" or "place" in drop):
        return True
    gone |= set() if policy == "all" else {SERIAL}
    return not tag.startswith(("System:", "SourceFile")) and any(word.decode() in str(value) for word in gone)
