"""Metadata through a whole rendering, from file to file."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from PIL.PngImagePlugin import PngInfo

from forkresize.outcome import Outcome, Written

Result = Callable[..., Outcome]
Talkative = Callable[[str], Image.Image]
Inflated = Callable[[bytes], bytes]

SOURCES = "jpeg png webp tiff".split()
HOLDERS = "jpeg png webp avif tiff".split()
OUTPUTS = [*HOLDERS, "gif"]

CREATOR, RIGHTS = "Zoë 写真", "© Zoë"

XMP = f"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/">
<rdf:Description><dc:creator><rdf:Seq><rdf:li>{CREATOR}</rdf:li></rdf:Seq></dc:creator>
<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">{RIGHTS}</rdf:li></rdf:Alt></dc:rights>
</rdf:Description></rdf:RDF>"""


@pytest.fixture
def bytes_of(result: Result) -> Callable[..., bytes]:
    """Render in the same way, and return the written bytes."""

    def render_and_read(*source: object, **recipe: object) -> bytes:
        outcome = result(*source, **recipe)
        assert isinstance(outcome.detail, Written), outcome
        assert outcome.destination is not None
        return Path(outcome.destination).read_bytes()

    return render_and_read


@pytest.fixture
def source() -> Callable[[str], bytes]:
    """Save a file with a credit in one kind of metadata: ``source("iptc")``."""

    def save(kind: str) -> bytes:
        options: dict[str, Any] = {"exif": _exif, "iptc": _iptc, "xmp": _xmp, "texts": _texts}[kind]()
        file = io.BytesIO()
        Image.linear_gradient("L").convert("RGB").save(file, **options)
        return file.getvalue()

    return save


def _exif() -> dict[str, object]:
    exif = Image.Exif()
    exif.update({Base.Artist: CREATOR.encode(), Base.Copyright: RIGHTS.encode()})
    return {"format": "WEBP", "exif": exif}


def _iptc() -> dict[str, object]:
    items = {80: CREATOR, 116: RIGHTS}.items()
    block = b"".join(struct.pack(">BBBH", 28, 2, number, len(text.encode())) + text.encode() for number, text in items)
    resource = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(block)) + block + b"\0" * (len(block) % 2)
    return {"format": "JPEG", "extra": struct.pack(">HH", 0xFFED, len(resource) + 2) + resource}


def _xmp() -> dict[str, object]:
    chunks = PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", XMP)
    return {"format": "PNG", "pnginfo": chunks}


def _texts() -> dict[str, object]:
    chunks = PngInfo()
    chunks.add_itxt("Author", CREATOR)
    chunks.add_itxt("Copyright", RIGHTS)
    return {"format": "PNG", "pnginfo": chunks}


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def credit(image: Image.Image) -> tuple[str, str]:
    exif = image.getexif()
    artist, notice = (exif.get(tag, "").encode("latin-1").decode() for tag in (Base.Artist, Base.Copyright))
    return artist, notice


@pytest.mark.parametrize("policy", ["safe", "all", "copyright"])
@pytest.mark.parametrize("output", HOLDERS)
@pytest.mark.parametrize("kind", ["exif", "iptc", "xmp", "texts"])
def test_creator_and_copyright_arrive_in_exif(
    kind: str, output: str, policy: str, source: Callable[[str], bytes], make: Callable[..., Image.Image]
) -> None:
    image = make(source(kind), width=20, format=output, metadata=policy)
    assert credit(image) == (CREATOR, RIGHTS)
    if output == "png":
        assert (image.info["Author"], image.info["Copyright"]) == (CREATOR, RIGHTS)


@pytest.mark.parametrize("output", HOLDERS)
@pytest.mark.parametrize("kind", ["exif", "iptc", "xmp", "texts"])
def test_the_policy_none_drops_the_credit(
    kind: str, output: str, source: Callable[[str], bytes], bytes_of: Callable[..., bytes], inflated: Inflated
) -> None:
    data = bytes_of(source(kind), width=20, format=output, metadata="none")
    assert credit(opened(data)) == ("", "")
    assert "Zoë".encode() not in inflated(data)


@pytest.mark.parametrize("policy", ["safe", "all", "copyright"])
def test_a_jpeg_that_is_not_reencoded_gets_the_credit_in_exif(
    policy: str, source: Callable[[str], bytes], bytes_of: Callable[..., bytes]
) -> None:
    original = source("iptc")
    data = bytes_of(original, "a.jpg", quality=100, subsampling="444", if_larger="keep-original", metadata=policy)
    scan = original.index(b"\xff\xda")
    assert data.endswith(original[scan:])
    assert credit(opened(data)) == (CREATOR, RIGHTS)


def test_a_lost_credit_causes_a_warning_if_nothing_else_is_kept(source: Callable[[str], bytes], result: Result) -> None:
    warnings = {
        policy: result(source("iptc"), format="gif", metadata=policy).warnings
        for policy in ("copyright", "safe", "all", "none")
    }
    assert warnings.pop("copyright") == ("gif cannot store the creator and the copyright notice",)
    assert warnings.pop("none") == ()
    assert set(warnings.values()) == {("dropped EXIF, IPTC: GIF has no place for this",)}


def test_all_frames_of_an_animation_together_have_one_credit(make: Callable[..., Image.Image]) -> None:
    frames = [Image.new("RGB", (40, 30), (level, 0, 0)) for level in (0, 90, 200)]
    file = io.BytesIO()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], xmp=XMP.encode())
    for output in ("webp", "png", "avif"):
        image = make(file.getvalue(), width=20, format=output)
        assert image.n_frames == 3  # type: ignore[attr-defined]
        assert credit(image) == (CREATOR, RIGHTS)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("kind", SOURCES)
def test_safe_keeps_neither_places_nor_serial_numbers(
    kind: str, output: str, talkative: Talkative, bytes_of: Callable[..., bytes], inflated: Inflated
) -> None:
    original = _bytes_of_source(talkative(kind))
    assert b"SECRET" in inflated(original)
    data = bytes_of(original, width=20, format=output)
    everything = inflated(data)
    assert [text for text in _hidden("SECRET", "98765") if text in everything] == []
    assert GPS.GPSLatitudeRef not in opened(data).getexif().get_ifd(IFD.GPSInfo)


@pytest.mark.parametrize("output", HOLDERS)
@pytest.mark.parametrize("kind", SOURCES)
def test_all_keeps_the_position_and_neither_stale_sizes_nor_thumbnails(
    kind: str, output: str, talkative: Talkative, bytes_of: Callable[..., bytes], inflated: Inflated
) -> None:
    data = bytes_of(_bytes_of_source(talkative(kind)), width=20, format=output, metadata="all")
    everything, exif = inflated(data), opened(data).getexif()
    assert [text for text in _hidden("98765", "SECRET-thumb") if text in everything] == []
    assert exif.get_ifd(IFD.GPSInfo)[GPS.GPSMapDatum] == "SECRET-datum"
    assert exif.get_ifd(IFD.Exif).keys().isdisjoint({Base.ExifImageWidth, Base.ExifImageHeight})
    assert exif.get_ifd(IFD.IFD1) == {}
    assert b"SECRET-lat" in everything
    for stale in (b"ImageWidth", b"PixelXDimension", b"Thumbnails"):
        assert stale not in everything


@pytest.mark.parametrize("policy", ["all", "safe", "copyright", "none"])
@pytest.mark.parametrize("output", HOLDERS)
@pytest.mark.parametrize("auto_orient", [True, False])
def test_an_output_is_never_turned_again(
    output: str, policy: str, bytes_of: Callable[..., bytes], *, auto_orient: bool
) -> None:
    exif, file = Image.Exif(), io.BytesIO()
    exif.update({Base.Orientation: 6, Base.Artist: "me"})
    packet = XMP.replace("<rdf:Description>", '<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/">')
    packet = packet.replace("</rdf:Desc", "<tiff:Orientation>6</tiff:Orientation></rdf:Desc")
    Image.linear_gradient("L").resize((60, 40)).save(file, "JPEG", exif=exif, xmp=packet.encode())
    data = bytes_of(file.getvalue(), width=20, format=output, metadata=policy, auto_orient=auto_orient)
    image = opened(data)
    assert image.size == ((20, 30) if auto_orient else (20, 13))
    assert image.getexif().get(Base.Orientation, 1) == 1
    assert b"Orientation>" not in data


def _bytes_of_source(image: Image.Image) -> bytes:
    image.fp.seek(0)  # type: ignore[attr-defined]
    return image.fp.read()  # type: ignore[attr-defined, no-any-return]


def _hidden(*secrets: str) -> list[bytes]:
    """Return the forms that a text can be hidden in: bytes, two of them a letter, and hexadecimal digits."""
    return [
        form for text in secrets for form in (text.encode(), text.encode("utf-16-le"), text.encode().hex().encode())
    ]
