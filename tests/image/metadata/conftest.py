"""Source metadata in which SECRET marks what identifies the owner, and PUBLIC what describes the picture."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from PIL.PngImagePlugin import PngInfo

SIZE = 40, 30

XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="SECRET-toolkit"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:exifEX="http://cipa.jp/exif/1.0/" xmlns:aux="http://ns.adobe.com/exif/1.0/aux/"
 xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/"
 xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmlns:drone="http://www.dji.com/drone-dji/1.0/" xmlns:odd="http://SECRET.example/"
 xmlns:Core="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/" xmlns:Ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#" xmlns:xmpGImg="http://ns.adobe.com/xap/1.0/g/img/">
<rdf:Description rdf:about="uuid:SECRET-about" exif:GPSLatitude="SECRET-lat" aux:SerialNumber="SECRET-body"
 aux:Lens="PUBLIC-lens" xmpMM:DocumentID="SECRET-doc" crs:RawFileName="SECRET-raw" drone:GpsLongitude="SECRET-drone"
 tiff:Orientation="6" tiff:ImageWidth="98765" tiff:Make="PUBLIC-xmp-make" odd:Field="SECRET-odd">
<!-- SECRET-comment --><?odd SECRET-instruction?>
 <exif:GPSLongitude>SECRET-lon</exif:GPSLongitude>
 <exif:PixelXDimension>98765</exif:PixelXDimension>
 <aux:LensSerialNumber>SECRET-lens</aux:LensSerialNumber>
 <exifEX:BodySerialNumber>SECRET-ex</exifEX:BodySerialNumber>
 <exif:Flash rdf:parseType="Resource"><exif:Fired>True</exif:Fired><exif:Serial>SECRET-flash</exif:Serial></exif:Flash>
 <dc:creator><rdf:Seq><rdf:li>PUBLIC-creator-1</rdf:li><rdf:li>PUBLIC-creator-2</rdf:li></rdf:Seq></dc:creator>
 <dc:subject odd:qualifier="SECRET-qualifier">
  <rdf:Bag><rdf:li odd:x="SECRET-item">PUBLIC-subject</rdf:li></rdf:Bag></dc:subject>
 <dc:identifier>SECRET-identifier</dc:identifier>
 <xmpMM:History>
  <rdf:Seq><rdf:li stEvt:instanceID="SECRET-event" stEvt:softwareAgent="SECRET-agent"/></rdf:Seq></xmpMM:History>
 <xmp:Thumbnails>
  <rdf:Alt><rdf:li rdf:parseType="Resource"><xmpGImg:image>SECRET-thumb</xmpGImg:image></rdf:li></rdf:Alt>
  </xmp:Thumbnails>
</rdf:Description>
<rdf:Description rdf:about="" photoshop:Credit="PUBLIC-credit" xmp:Rating="5">
 <dc:title><rdf:Alt><rdf:li xml:lang="x-default">PUBLIC-title</rdf:li></rdf:Alt></dc:title>
 <dc:rights><rdf:Alt><rdf:li xml:lang="x-default">PUBLIC-rights</rdf:li></rdf:Alt></dc:rights>
 <xmpRights:WebStatement rdf:resource="http://PUBLIC.example/"/>
 <Core:CreatorContactInfo>
  <rdf:Description Core:CiEmailWork="PUBLIC-mail" odd:Home="SECRET-home"/></Core:CreatorContactInfo>
 <Core:Location>SECRET-street</Core:Location>
 <Ext:LocationCreated>
  <rdf:Bag><rdf:li rdf:parseType="Resource">
  <exif:GPSLatitude>SECRET-there</exif:GPSLatitude></rdf:li></rdf:Bag>
  </Ext:LocationCreated>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""

TEXTS = {"Title": "PUBLIC-text-title", "Author": "PUBLIC-text-author", "Copyright": "PUBLIC-text-copyright"}
SECRET_TEXTS = {"Location": "SECRET-text", "Thumb::URI": "SECRET-uri", "prompt": "SECRET-prompt"}


@pytest.fixture
def exif() -> bytes:
    """An EXIF block with position, serial numbers, a maker note, and a thumbnail in its second directory."""
    block = Image.Exif()
    block[Base.Orientation] = 1
    for tag, text in {Base.Make: "make", Base.Copyright: "copyright", Base.Artist: "José"}.items():
        block[tag] = f"PUBLIC-{text}".encode()
    block[Base.HostComputer] = "SECRET-host"
    block[0xC62F], block[0xEA1D] = "SECRET-dng", "SECRET-private"
    block.get_ifd(IFD.Exif).update(
        {
            Base.DateTimeOriginal: "2024:01:02 03:04:05",
            Base.ExposureTime: 0.25,
            Base.LensModel: "PUBLIC-model",
            Base.ColorSpace: 65_535,
            Base.ExifImageWidth: 98_765,
            Base.MakerNote: b"SECRET-note" * 20,
            Base.ImageHistory: "SECRET-history",
            Base.BodySerialNumber: "SECRET-serial",
            Base.LensSerialNumber: "SECRET-serial",
            Base.ImageUniqueID: "SECRET-id",
            Base.CameraOwnerName: "SECRET-owner",
        }
    )
    block.get_ifd(IFD.GPSInfo).update({GPS.GPSLatitudeRef: "N", GPS.GPSMapDatum: "SECRET-datum"})
    return _with_thumbnail(block.tobytes(), b"\xff\xd8\xffSECRET-thumbnail")


@pytest.fixture
def iptc() -> bytes:
    """IPTC datasets, of all sizes and records."""
    public = {
        (1, 90): "\x1b%G",
        (2, 0): "\0\4",
        (2, 80): "PUBLIC-byline",
        (2, 116): "PUBLIC-notice",
        (2, 120): "PUBLIC-caption",
    }
    hidden = {
        (1, 100): "SECRET-name",
        (2, 92): "SECRET-street",
        (2, 187): "SECRET-uuid",
        (2, 202): "SECRET-preview",
        (3, 5): "SECRET",
    }
    return b"".join(dataset(*key, text.encode()) for key, text in {**public, **hidden}.items())


@pytest.fixture
def talkative(exif: bytes, iptc: bytes) -> Callable[[str], Image.Image]:
    """Open a file of a format that has all of it: ``talkative("png")``."""
    return lambda name: Image.open(io.BytesIO(SOURCES[name](exif, iptc)))


@pytest.fixture
def inflated() -> Callable[[bytes], bytes]:
    """Return a file's bytes, with everything in them that is compressed with deflate."""

    def inflate(data: bytes) -> bytes:
        found = [data]
        for place in range(len(data)):
            if data[place] == 0x78:
                stream = zlib.decompressobj()
                try:
                    found.append(stream.decompress(data[place:], 1 << 20))
                except zlib.error:
                    continue
        return b"\n".join(found)

    return inflate


def dataset(record: int, number: int, content: bytes) -> bytes:
    return struct.pack(">BBBH", 0x1C, record, number, len(content)) + content


def _with_thumbnail(block: bytes, thumbnail: bytes) -> bytes:
    data = bytearray(block[6:])
    link = 8 + 2 + 12 * int.from_bytes(data[8:10], "big")
    data[link : link + 4] = len(data).to_bytes(4, "big")
    entries = [(0x0201, 4, 1, len(data) + 30), (0x0202, 4, 1, len(thumbnail))]
    data += struct.pack(">H", len(entries)) + b"".join(struct.pack(">HHII", *entry) for entry in entries)
    return b"Exif\0\0" + bytes(data) + bytes(4) + thumbnail


def _saved(name: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").resize(SIZE).convert("RGB").save(file, name, **options)
    return file.getvalue()


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">HH", marker, len(content) + 2) + content


def _jpeg(exif: bytes, iptc: bytes) -> bytes:
    resources = [(0x0404, iptc), (0x040C, b"SECRET-resource"), (0x0422, b"SECRET-more")]
    photoshop = b"".join(
        struct.pack(">4sHHI", b"8BIM", code, 0, len(body)) + body + b"\0" * (len(body) % 2) for code, body in resources
    )
    extra = _segment(0xFFED, b"Photoshop 3.0\0" + photoshop) + _segment(0xFFE4, b"SECRET-app4")
    extra += _segment(0xFFE1, b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 40 + b"SECRET-extended")
    return _saved("JPEG", exif=exif, xmp=XMP.encode(), extra=extra, comment=b"SECRET-jpeg-comment")


def _png(exif: bytes, _iptc: bytes) -> bytes:
    chunks = PngInfo()
    for key, text in {**TEXTS, **SECRET_TEXTS}.items():
        chunks.add_text(key, text)
    chunks.add_itxt("Comment", "PUBLIC-remark", lang="SECRET", tkey="SECRET-key", zip=True)
    chunks.add_text("Raw profile type exif", f"\nexif\n{len(exif):8}\n{exif.hex()}\n", zip=True)
    chunks.add_text("Description", "PUBLIC-description", zip=True)
    chunks.add_itxt("XML:com.adobe.xmp", XMP, zip=True)
    chunks.add(b"tEXt", b"Source\0PUBLIC-behind", after_idat=True)
    return _saved("PNG", exif=exif, pnginfo=chunks)


def _webp(exif: bytes, _iptc: bytes) -> bytes:
    return _saved("WEBP", exif=exif, xmp=XMP.encode())


def _tiff(exif: bytes, iptc: bytes) -> bytes:
    tags = Image.Exif()
    tags.load(exif)
    tags[700], tags[33_723], tags[Base.Artist] = XMP.encode(), iptc, "PUBLIC-José".encode()
    return _saved("TIFF", tiffinfo=tags)


SOURCES = {"jpeg": _jpeg, "png": _png, "webp": _webp, "tiff": _tiff}
