"""AVIF and JPEG XL with replaced metadata: libheif, libavif and libjxl decode the same pixels."""

import io
import struct
from collections.abc import Callable
from typing import Any

import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.ExifTags import Base

from forkresize.formats.boxes import box, boxes
from forkresize.image.container import replace_metadata
from forkresize.image.container.avif_items import read_picture
from forkresize.image.metadata import MetadataBlocks
from forkresize.image.transform import Rendered, transform
from forkresize.recipe import Recipe
from tests.image.avifs import SECRET, coded, meta_of, with_parts, with_tiles

pytest.importorskip("pillow_jxl")

Scene = Callable[..., Image.Image]

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(text: str, orientation: int = 1) -> bytes:
    block = Image.Exif()
    block[Base.Artist], block[Base.Orientation] = text, orientation
    return block.tobytes()


def xmp(text: str) -> bytes:
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="{text}"/></rdf:RDF></x:xmpmeta>'
    ).encode()


KEPT = MetadataBlocks(exif=exif("PUBLIC"), xmp=xmp("PUBLIC"))

WAYS: list[tuple[str, dict[str, Any]]] = [
    ("avif", {"speed": 10}),
    ("avif", {"subsampling": "4:4:4", "speed": 10, "icc_profile": PROFILE}),
    ("jxl", {"effort": 1}),
    ("jxl", {"lossless": True, "effort": 1}),
    ("jxl", {"effort": 1, "use_container": True}),
]


def seen(data: bytes) -> tuple[Any, ...]:
    """Return the pixels as Pillow's plug-ins decode them, the profile, and of an AVIF also what libheif decodes."""
    image = Image.open(io.BytesIO(data))
    heif = () if image.format == "JXL" else (pyvips.Image.heifload_buffer(data).write_to_memory(),)
    return image.mode, image.size, image.tobytes(), image.info.get("icc_profile"), *heif


def found(data: bytes) -> tuple[bytes, bytes]:
    """Return the creator and the XMP, as Pillow's plug-ins read them."""
    image = Image.open(io.BytesIO(data))
    packet = next((data[start:end] for name, start, end in boxes(data, 0, len(data)) if name == b"xml "), b"")
    return str(image.getexif().get(Base.Artist, "")).encode(), image.info.get("xmp", packet)


@pytest.mark.parametrize(("name", "way"), WAYS)
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@settings(max_examples=3, deadline=None)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)), seed=st.randoms(use_true_random=False), talks=st.booleans()
)
def test_pixels_stay_and_the_sources_metadata_goes(
    name: str, way: dict[str, Any], mode: str, size: tuple[int, int], seed: Any, talks: bool
) -> None:
    image = Image.frombytes(mode, size, seed.randbytes(size[0] * size[1] * len(mode)))
    source = coded(image, name, **way, **({"exif": exif("SECRET"), "xmp": xmp("SECRET")} if talks else {}))
    for blocks in (MetadataBlocks(), KEPT):
        output = replace_metadata(source, name, blocks)
        assert output is not None
        assert seen(output) == seen(source)
        assert SECRET not in output
        if blocks is KEPT:
            assert found(output) == (b"PUBLIC", KEPT.xmp)
        else:
            assert len(output) <= len(source)
        assert replace_metadata(output, name, blocks) == output


def test_a_turned_avif_stays_turned_and_its_exif_does_not_turn_it_again(scene: Scene) -> None:
    for orientation in range(2, 9):
        source = coded(scene(), "avif", exif=exif("SECRET", orientation), speed=10)
        output = replace_metadata(source, "avif", MetadataBlocks(exif=exif("PUBLIC", orientation)))
        assert output is not None
        assert seen(output) == seen(source)
        assert Image.open(io.BytesIO(output)).getexif()[Base.Orientation] == orientation
        assert struct.pack(">HHIH", Base.Orientation, 3, 1, orientation) not in output
        assert struct.pack("<HHIH", Base.Orientation, 3, 1, orientation) not in output


def test_a_gain_map_and_alpha_stay_and_other_pictures_go(scene: Scene) -> None:
    source = with_parts(scene)
    output = replace_metadata(source + box(b"uuid", SECRET), "avif", MetadataBlocks())
    assert output is not None
    assert seen(output) == seen(source)
    assert SECRET in source
    assert SECRET not in output
    picture = read_picture(output, *meta_of(output))
    assert [item.declared for item in sorted(picture.items, key=lambda item: item.number)] == [
        b"av01\0",
        b"av01\0",
        b"av01\0",
        b"tmap\0",
    ]
    assert {each.kind for each in picture.references} == {b"auxl", b"dimg"}
    assert len(picture.alternatives) == 1


def test_tiles_that_share_their_bytes_share_them_still(scene: Scene) -> None:
    source = with_tiles(scene, 2, 2)
    assert Image.open(io.BytesIO(source)).size == (256, 256)
    output = replace_metadata(source, "avif", KEPT)
    assert output is not None
    assert seen(output) == seen(source)
    [tile] = {item.content for item in read_picture(source, *meta_of(source)).items if item.declared == b"av01\0"}
    assert output.count(tile) == 1


@pytest.mark.parametrize(
    ("columns", "rows", "properties", "is_rewritten"), [(50, 60, 1, True), (90, 90, 1, False), (30, 40, 60, False)]
)
def test_a_file_of_very_many_parts_is_not_rewritten(
    columns: int, rows: int, properties: int, *, is_rewritten: bool, scene: Scene
) -> None:
    """What is read of their tables takes more memory than these."""
    source = with_tiles(scene, columns, rows, properties)
    assert (replace_metadata(source, "avif", KEPT) is not None) is is_rewritten


def test_what_is_not_understood_is_not_rewritten(scene: Scene) -> None:
    source = coded(scene(), "avif", speed=10)
    sequence = coded(scene(), "avif", save_all=True, append_images=[scene().rotate(9)], duration=50, speed=10)
    place = source.index(b"pixi")
    essential = source[:place] + b"what" + source[place + 4 :]
    without = [source.replace(name, b"free") for name in (b"pitm", b"iloc", b"iinf", b"iprp", b"meta")]
    place = source.index(b"iinf") + 9
    fewer = source[:place] + bytes((source[place] - 1,)) + source[place + 1 :]
    for wrong in (sequence, source[:-9], source[:60], fewer, *without):
        assert replace_metadata(wrong, "avif", KEPT) is None
    # Only an unknown property that is essential is in the way.
    output = replace_metadata(essential, "avif", MetadataBlocks())
    assert output is not None
    assert b"what" not in output
    index = essential.index(b"ipma")
    owned = bytes(each | 0x80 for each in essential[index + 15 : index + 17])
    assert replace_metadata(essential[: index + 15] + owned + essential[index + 17 :], "avif", KEPT) is None


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_makes_no_other_error(data: st.DataObject) -> None:
    source = bytearray(_DAMAGED)
    for _ in range(data.draw(st.integers(1, 4))):
        source[data.draw(st.integers(24, 560))] = data.draw(st.sampled_from([0, 1, 2, 4, 0x44, 0x7F, 0x80, 0xFF]))
    replace_metadata(bytes(source), "avif", KEPT)
    replace_metadata(bytes(source[: data.draw(st.integers(0, 560))]), "avif", KEPT)


_DAMAGED = coded(
    Image.radial_gradient("L").resize((60, 40)).convert("RGBA"), "avif", exif=exif("a"), xmp=xmp("a"), speed=10
)


def test_boxes_of_a_jpeg_xl_that_show_nothing_go(scene: Scene) -> None:
    stream = coded(scene(), "jxl", effort=1)
    start = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    halves = [struct.pack(">I", 0) + stream[:90], struct.pack(">I", 1 << 31 | 1) + stream[90:]]
    texts = [box(name, SECRET) for name in (b"Exif", b"xml ", b"jumb", b"brob", b"free")]
    source = start + b"".join([texts[0], box(b"jxlp", halves[0]), *texts[1:], box(b"jxlp", halves[1]), texts[0]])
    output = replace_metadata(source, "jxl", MetadataBlocks())
    assert output == start + box(b"jxlp", halves[0]) + box(b"jxlp", halves[1])
    assert seen(output) == seen(stream)
    assert replace_metadata(start + texts[0], "jxl", KEPT) is None
    assert replace_metadata(b"x" + stream, "jxl", KEPT) is None


def repacked(data: bytes, **recipe: Any) -> Rendered:
    [made] = transform(data, Recipe.of(lossless=True, **recipe))
    return made


@pytest.mark.parametrize("name", ["avif", "jxl"])
@pytest.mark.parametrize("policy", ["all", "safe", "none"])
def test_without_loss_their_coded_pixels_stay_with_every_policy(name: str, policy: str, scene: Scene) -> None:
    block = Image.Exif()
    block[Base.Make] = "a camera"
    block.get_ifd(0x8825)[29] = "Paris"
    source = coded(scene(size=(300, 200)), name, exif=block.tobytes())
    made = repacked(source, metadata=policy)
    assert made.warnings == ()
    assert seen(made.data) == seen(source)
    assert (made.data == source) is (policy == "all")
    assert (b"Paris" in made.data) is (policy == "all")
    assert (b"a camera" in made.data) is (policy != "none")
    assert len(made.data) <= len(source)


@pytest.mark.parametrize("recipe", [{"metadata": "all"}, {"metadata": "none"}])
def test_a_gain_map_that_stays_has_no_warning(recipe: dict[str, str], scene: Scene) -> None:
    source = with_parts(scene)
    made = repacked(source, **recipe)
    assert b"tmap" in made.data
    assert made.warnings == ()
    [encoded] = transform(source, Recipe.of(width=60))
    assert b"tmap" not in encoded.data
    assert any(each.startswith("its HDR part was dropped") for each in encoded.warnings)


def test_a_gain_map_that_stays_because_the_source_is_smaller_has_no_warning(scene: Scene) -> None:
    [made] = transform(with_parts(scene), Recipe.of(if_larger="keep-original", quality=95))
    assert b"tmap" in made.data
    assert made.warnings == ("kept the source's own pixels, which take fewer bytes than encoding them again",)


def test_a_jpeg_can_be_restored_from_its_jpeg_xl_only_if_all_metadata_is_kept(scene: Scene) -> None:
    jpeg = coded(scene(), "jpeg", exif=exif("Ada"))
    [packed] = transform(jpeg, Recipe.of(format="jxl", lossless=True, metadata="all"))
    assert b"jbrd" in packed.data
    assert repacked(packed.data, metadata="all").data == packed.data
    stripped = repacked(packed.data, metadata="none")
    assert b"jbrd" not in stripped.data
    assert b"Ada" not in stripped.data


def test_what_cannot_be_kept_is_encoded_again_with_a_warning(scene: Scene) -> None:
    source = coded(scene(), "avif", save_all=True, append_images=[scene().rotate(9)], duration=50, speed=10)
    made = repacked(source, effort=1)
    assert "encoded again without loss: its own coded pixels cannot be kept" in made.warnings


def test_pixels_that_stay_lose_neither_depth_nor_range(scene: Scene) -> None:
    source = coded(scene(), "avif", speed=10)
    place = source.index(b"colrnclx") + len(b"colrnclx")
    hdr = source[:place] + struct.pack(">HH", 9, 16) + source[place + 4 :]
    [reduced] = transform(hdr, Recipe.of(width=60))
    assert any(each.startswith("tone-mapped") for each in reduced.warnings)
    made = repacked(hdr, color="keep")
    assert made.warnings == ()
    assert seen(made.data) == seen(hdr)
