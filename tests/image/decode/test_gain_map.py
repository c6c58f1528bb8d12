"""Pictures with others beside them: gain maps, previews, views."""

import io
import struct
import tracemalloc
from collections.abc import Callable

import pytest
from PIL import Image

from forkresize.image.decode.gain_map import count_visible_images, has_gain_map, other_images
from forkresize.image.decode.tolerant import open_image
from forkresize.outcome import Outcome, Written

Scene = Callable[..., Image.Image]
Render = Callable[..., Outcome]

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description %s rdf:about=""/></rdf:RDF></x:xmpmeta>'
)
ADOBE = XMP % b'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"'
APPLE = XMP % b'xmlns:HDRGainMap="http://ns.apple.com/HDRGainMap/1.0/" HDRGainMap:HDRGainMapVersion="65536"'
ISO = b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0"

UNDEFINED, PREVIEW, DISPARITY = 0, 0x010002, 0x020002


def jpeg(image: Image.Image, **options: bytes) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def segment(content: bytes) -> bytes:
    """Return an APP2 segment."""
    return b"\xff\xe2" + struct.pack(">H", len(content) + 2) + content


def several(first: bytes, *others: tuple[bytes, int]) -> bytes:
    """Put JPEGs into a multi-picture one, each with its type (CIPA DC-007, 5.2)."""
    count, start = 1 + len(others), 8 + 2 + 3 * 12 + 4
    header = struct.pack("<2sHIH", b"II", 42, 8, 3)
    version = struct.pack("<HHI4s", 0xB000, 7, 4, b"0100")
    number = struct.pack("<HHII", 0xB001, 4, 1, count)
    entries = struct.pack("<HHII", 0xB002, 7, 16 * count, start)
    length = len(segment(b"MPF\0" + bytes(start + 16 * count)))
    place = len(first) + length - (2 + 4 + len(b"MPF\0"))
    table = struct.pack("<IIIHH", 0x20030000, len(first) + length, 0, 0, 0)
    for other, kind in others:
        table += struct.pack("<IIIHH", kind, len(other), place, 0, 0)
        place += len(other)
    index = segment(b"MPF\0" + header + version + number + entries + bytes(4) + table)
    return first[:2] + index + first[2:] + b"".join(other for other, _kind in others)


def ultra_hdr(scene: Scene) -> bytes:
    return several(jpeg(scene(), xmp=ADOBE), (jpeg(scene("L"), xmp=ADOBE), UNDEFINED))


def iso(scene: Scene) -> bytes:
    first, other = jpeg(scene()), jpeg(scene("L"))
    return several(first[:2] + segment(ISO) + first[2:], (other[:2] + segment(ISO) + other[2:], UNDEFINED))


def apple(scene: Scene) -> bytes:
    return several(jpeg(scene()), (jpeg(scene("L"), xmp=APPLE), UNDEFINED))


def apple_behind_a_preview(scene: Scene) -> bytes:
    return several(jpeg(scene()), (jpeg(scene()), PREVIEW), (jpeg(scene("L"), xmp=APPLE), UNDEFINED))


UNKNOWN = "the headroom of its gain map is unknown"


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (ultra_hdr, "its gain map has no GainMapMax"),
        (iso, "its gain map has a description of an unknown version"),
        (apple, UNKNOWN),
        (apple_behind_a_preview, UNKNOWN),
    ],
)
def test_the_hdr_part_of_a_jpeg_is_the_only_warning(
    build: Callable[[Scene], bytes], reason: str, scene: Scene, result: Render
) -> None:
    outcome = result(build(scene), "a.jpg", width=60)
    assert isinstance(outcome.detail, Written), outcome
    assert outcome.warnings == (f"its HDR part was dropped: {reason}",)
    assert outcome.destination is not None
    with Image.open(outcome.destination) as made:
        assert made.format == "JPEG"
        assert not has_gain_map(made)


def test_a_gain_map_does_not_count_as_a_view(scene: Scene, result: Render) -> None:
    first, view, gain_map = jpeg(scene()), jpeg(scene()), jpeg(scene("L"), xmp=APPLE)
    outcome = result(several(first, (view, DISPARITY), (gain_map, UNDEFINED)), "a.jpg", width=60)
    assert isinstance(outcome.detail, Written), outcome
    assert outcome.warnings == ("only the first of 2 pictures was kept", f"its HDR part was dropped: {UNKNOWN}")


def test_previews_cause_no_warning(scene: Scene, result: Render) -> None:
    outcome = result(several(jpeg(scene()), (jpeg(scene()), PREVIEW), (jpeg(scene()), PREVIEW)), "a.jpg", width=60)
    assert isinstance(outcome.detail, Written), outcome
    assert outcome.detail.in_format == "mpo"
    assert outcome.warnings == ()


def test_views_are_counted(scene: Scene, result: Render) -> None:
    outcome = result(several(jpeg(scene()), *[(jpeg(scene()), DISPARITY)] * 2), "a.jpg", width=60)
    assert isinstance(outcome.detail, Written), outcome
    assert outcome.warnings == ("only the first of 3 pictures was kept",)


@pytest.mark.parametrize("place", [5, 2**32 - 200])
def test_an_offset_beyond_the_file_is_ignored(place: int, scene: Scene, result: Render) -> None:
    data = several(jpeg(scene()), (b"", DISPARITY))
    entry = data.index(struct.pack("<II", DISPARITY, 0)) + 8
    outcome = result(data[:entry] + struct.pack("<I", place) + data[entry + 4 :], "a.jpg", width=60)
    assert isinstance(outcome.detail, Written), outcome


def test_an_index_of_very_many_images_takes_little_memory() -> None:
    data = several(jpeg(Image.effect_noise((600, 600), 90)), *[(b"", DISPARITY)] * 1000)
    entry = data.index(struct.pack("<II", DISPARITY, 0))
    overlapping = struct.pack("<III", DISPARITY, 1 << 16, 0)
    image = open_image(io.BytesIO(data.replace(data[entry : entry + 12], overlapping)), ["JPEG"])
    assert len(other_images(image)) == 1000
    tracemalloc.start()
    assert not has_gain_map(image)
    assert count_visible_images(image) == 1001
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("kind", ["avif", "heif"])
def test_the_hdr_part_of_a_heif_is_warned_about(kind: str, scene: Scene, result: Render) -> None:
    if kind == "heif":
        pytest.importorskip("pillow_heif").register_heif_opener()
    file = io.BytesIO()
    scene().save(file, kind)
    data = file.getvalue()
    # A box after all others, which decoders ignore.
    entry = b"infe\2\0\0\0\0\2\0\0tmap\0"
    marked = data + struct.pack(">I", 4 + 4 + len(entry) + 4) + b"free" + struct.pack(">I", 4 + len(entry)) + entry
    outcome = result(marked, f"a.{kind}", format="jpeg")
    assert isinstance(outcome.detail, Written), outcome
    assert outcome.warnings == ("its HDR part was dropped: the gain map of its format is not supported",)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "AVIF", "WEBP", "TIFF"])
def test_ordinary_pictures_have_no_gain_map(kind: str, scene: Scene, result: Render) -> None:
    file = io.BytesIO()
    scene().save(file, kind)
    outcome = result(file.getvalue(), "a", width=60)
    assert isinstance(outcome.detail, Written), outcome
    assert outcome.warnings == ()


def test_the_search_does_not_move_the_decoder(scene: Scene) -> None:
    with Image.open(io.BytesIO(apple(scene))) as image:
        assert has_gain_map(image)
        image.load()
        assert image.size == scene().size
