"""The metadata that each policy keeps, from any format to any other."""

import io
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from forkresize.image import metadata
from forkresize.image.diagnostics import Diagnostics
from forkresize.recipe import Metadata

Talkative = Callable[[str], Image.Image]

SOURCES = "jpeg png webp tiff".split()
HOLDERS = "jpeg png webp avif tiff".split()

PUBLIC = {
    "exif": ["make", "copyright", "José", "model"],
    "xmp": "xmp-make lens creator-1 creator-2 subject credit title rights mail".split(),
    "iptc": ["byline", "notice", "caption"],
    "texts": ["text-title", "text-author", "text-copyright", "remark", "description", "behind"],
}
XMP = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/">
<rdf:Description dc:source="PUBLIC"/></rdf:RDF>"""

HELD_BY = {"jpeg": {"exif", "xmp", "iptc"}, "png": {"exif", "xmp", "texts"}, "webp": {"exif", "xmp"}}
HELD_BY |= {"avif": HELD_BY["webp"], "tiff": HELD_BY["jpeg"], "gif": set(), "bmp": set()}


def through(source: Image.Image, output: str, policy: Metadata) -> bytes:
    """Return an output with a source's metadata."""
    source.load()
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "gray").save(
        file, output, **metadata.save_options(metadata.extract(source, policy, Diagnostics()), output, Diagnostics())
    )
    return file.getvalue()


@pytest.mark.parametrize("policy", [Metadata.SAFE, Metadata.COPYRIGHT, Metadata.NONE])
@pytest.mark.parametrize("output", HELD_BY)
@pytest.mark.parametrize("source", SOURCES)
def test_safe_keeps_nothing_that_identifies_the_owner(
    source: str, output: str, policy: Metadata, talkative: Talkative, inflated: Callable[[bytes], bytes]
) -> None:
    data = inflated(through(talkative(source), output, policy))
    assert [
        secret for secret in ("SECRET", "98765") if secret.encode() in data or secret.encode("utf-16-le") in data
    ] == []
    assert b"SECRET".hex().encode() not in data


@pytest.mark.parametrize("source", SOURCES)
def test_the_sources_do_identify_the_owner(
    source: str, talkative: Talkative, inflated: Callable[[bytes], bytes]
) -> None:
    assert b"SECRET" in inflated(through(talkative(source), "png", Metadata.ALL))


@pytest.mark.parametrize("output", HELD_BY)
@pytest.mark.parametrize("source", SOURCES)
def test_descriptive_metadata_is_kept_in_every_format_that_can_store_it(
    source: str, output: str, talkative: Talkative, inflated: Callable[[bytes], bytes]
) -> None:
    data = inflated(through(talkative(source), output, Metadata.SAFE))
    expected = [f"PUBLIC-{name}" for kind in HELD_BY[source] & HELD_BY[output] for name in PUBLIC[kind]]
    assert [text for text in expected if text.encode() not in data] == []


@pytest.mark.parametrize("source", SOURCES)
def test_copyright_keeps_the_credit_alone(source: str, talkative: Talkative) -> None:
    data = through(talkative(source), "jpeg" if source == "jpeg" else "png", Metadata.COPYRIGHT)
    for kept in ("copyright", "José", "creator-1", "rights", "mail", "credit"):
        assert f"PUBLIC-{kept}".encode() in data
    for dropped in ("make", "lens", "subject", "caption", "description", "text-title"):
        assert f"PUBLIC-{dropped}".encode() not in data


@pytest.mark.parametrize("output", HOLDERS)
def test_all_keeps_position_and_serial_numbers_but_nothing_stale(
    output: str, talkative: Talkative, inflated: Callable[[bytes], bytes]
) -> None:
    data = through(talkative("jpeg"), output, Metadata.ALL)
    exif = Image.open(io.BytesIO(data)).getexif()
    assert exif.get_ifd(IFD.GPSInfo)[GPS.GPSMapDatum] == "SECRET-datum"
    details = exif.get_ifd(IFD.Exif)
    assert details[Base.BodySerialNumber] == "SECRET-serial"
    assert details.keys().isdisjoint({Base.ExifImageWidth, Base.ColorSpace})
    assert b"SECRET-lat" in data
    assert b"98765" not in data
    assert b"SECRET-thumb" not in inflated(data)
    assert b"Orientation=" not in data
    assert exif.get(Base.Orientation, 1) == 1


@pytest.mark.parametrize("source", SOURCES)
def test_orientation_is_the_same_before_and_after_loading(source: str, talkative: Talkative) -> None:
    image = talkative(source)
    before = metadata.extract(image, Metadata.SAFE, Diagnostics())
    image.load()
    after = metadata.extract(image, Metadata.SAFE, Diagnostics())
    assert (before.exif, before.xmp, before.iptc) == (after.exif, after.xmp, after.iptc)


def test_metadata_is_read_from_the_first_page() -> None:
    first, last, file = Image.new("L", (4, 4)), Image.new("L", (4, 4)), io.BytesIO()
    last.encoderinfo = {"tiffinfo": {Base.Artist: "SECRET"}}
    first.save(file, "TIFF", save_all=True, append_images=[last], tiffinfo={Base.Artist: "PUBLIC", 700: XMP})
    image = Image.open(file)
    before = metadata.extract(image, Metadata.SAFE, Diagnostics())
    assert before.xmp
    assert b"PUBLIC" in before.exif
    image.seek(1)
    image.load()
    assert metadata.extract(image, Metadata.SAFE, Diagnostics()) == before


def test_the_comment_of_a_jpeg_is_kept_only_with_everything(talkative: Talkative) -> None:
    assert metadata.extract(talkative("jpeg"), Metadata.ALL, Diagnostics()).texts == {"Comment": "SECRET-jpeg-comment"}
    assert metadata.extract(talkative("jpeg"), Metadata.SAFE, Diagnostics()).texts == {}


def test_texts_that_encode_other_blocks_are_dropped(talkative: Talkative) -> None:
    image = talkative("png")
    image.info["x" * 80] = "too long"
    assert sorted(metadata.extract(image, Metadata.ALL, Diagnostics()).texts) == [
        "Author",
        "Comment",
        "Copyright",
        "Description",
        "Location",
        "Source",
        "Title",
        "prompt",
    ]


@pytest.mark.parametrize("key", ["exif", "xmp", "photoshop"])
@pytest.mark.parametrize("block", [b"garbage!" * 9, "garbage", 10**12, ("a",), object()])
def test_damage_affects_only_the_damaged_block(key: str, block: object) -> None:
    image = Image.new("L", (1, 1))
    image.info["exif"] = b""
    image.info[key] = {0x0404: block} if key == "photoshop" else block
    kind = {"exif": "EXIF", "xmp": "XMP", "photoshop": "IPTC"}[key]
    diagnostics = Diagnostics()
    kept = metadata.extract(image, Metadata.ALL, diagnostics)
    assert diagnostics.warnings[0].startswith(f"damaged {kind} was dropped: ")
    assert kept == metadata.MetadataBlocks()


def test_memory_errors_are_not_treated_as_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "getexif", fail)
    with pytest.raises(MemoryError):
        metadata.extract(Image.new("L", (1, 1)), Metadata.SAFE, Diagnostics())


def test_a_picture_without_metadata_gets_no_metadata() -> None:
    for policy in Metadata:
        assert metadata.extract(Image.new("L", (1, 1)), policy, Diagnostics()) == metadata.MetadataBlocks()


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_the_rest_of_damaged_metadata_can_be_written(source: str, talkative: Talkative, data: st.DataObject) -> None:
    image = talkative(source)
    image.load()
    for key in ("exif", "xmp"):
        if key in image.info:
            block = bytearray(image.info[key])
            for _ in range(data.draw(st.integers(0, 9))):
                block[data.draw(st.integers(0, len(block) - 1))] = data.draw(st.integers(0, 255))
            image.info[key] = bytes(block)
    kept = metadata.extract(image, data.draw(st.sampled_from(Metadata)), Diagnostics())
    output = data.draw(st.sampled_from(sorted(HELD_BY)))
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, output, **metadata.save_options(kept, output, Diagnostics()))
    Image.open(file).load()
