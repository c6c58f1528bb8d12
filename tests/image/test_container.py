"""Files with replaced metadata and the same pixels."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.ExifTags import Base
from PIL.PngImagePlugin import PngInfo

from forkresize.image.container import replace_metadata
from forkresize.image.metadata import MetadataBlocks

SECRET = b"SECRET"
PUBLIC = "PUBLIC"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(text: str, orientation: int = 1) -> bytes:
    block = Image.Exif()
    block[Base.Artist], block[Base.Orientation] = text, orientation
    return block.tobytes()


KEPT = MetadataBlocks(
    exif=exif(PUBLIC), xmp=b"<x:PUBLIC/>", iptc=b"\x1c\x02\x50\0\x06PUBLIC", texts={"Comment": PUBLIC}
)


KEPT_SIDEWAYS = MetadataBlocks(exif=exif(PUBLIC, 6))


def saved(image: Image.Image, name: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


def talkative(name: str) -> dict[str, Any]:
    chunks = PngInfo()
    for key, is_behind in (("Title", False), ("Source", True)):
        chunks.add(b"tEXt", key.encode() + b"\0" + SECRET, after_idat=is_behind)
    chunks.add(b"prVt", SECRET)
    common = {"exif": exif("SECRET"), "icc_profile": PROFILE}
    own: dict[str, dict[str, Any]] = {
        "jpeg": {"xmp": SECRET, "comment": SECRET, "extra": b"\xff\xe9\0\x08" + SECRET},
        "png": {"pnginfo": chunks},
        "webp": {"xmp": SECRET},
    }
    return {**common, **own[name]}


def frames(data: bytes) -> list[tuple[Any, ...]]:
    """Return all that is seen of each frame."""
    image = Image.open(io.BytesIO(data))
    seen = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        image.load()
        seen.append((image.mode, image.size, image.tobytes(), image.info.get("duration"), image.info.get("loop")))
    return seen


WAYS: dict[str, list[dict[str, Any]]] = {
    "jpeg": [{}, {"progressive": True}, {"restart_marker_rows": 1, "quality": 100}, {"subsampling": 0}],
    "png": [{}, {"interlace": 1}],
    "webp": [{}, {"lossless": True}],
}
CASES = [(name, way, mode) for name, ways in WAYS.items() for way in ways for mode in "L RGB RGBA CMYK P".split()]
HELD = {"jpeg": {"L", "RGB", "CMYK"}, "png": {"L", "RGB", "RGBA", "P"}, "webp": {"L", "RGB", "RGBA"}}


@pytest.mark.parametrize(("name", "way", "mode"), [case for case in CASES if case[2] in HELD[case[0]]])
@settings(max_examples=8, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.randoms(use_true_random=False), st.booleans(), st.booleans())
def test_pixels_and_profile_stay_and_the_sources_metadata_goes(
    name: str, way: dict[str, Any], mode: str, width: int, height: int, chance: Any, talks: bool, keeps: bool
) -> None:
    channels = len(Image.new(mode, (1, 1)).tobytes())
    image = Image.frombytes(mode, (width, height), chance.randbytes(width * height * channels))
    if mode == "P":
        image.putpalette(chance.randbytes(768))
    source = saved(image, name, **way, **(talkative(name) if talks else {}))
    output = replace_metadata(source, name, KEPT if keeps else MetadataBlocks())
    assert output is not None
    assert frames(output) == frames(source)
    assert Image.open(io.BytesIO(output)).info.get("icc_profile") == (PROFILE if talks else None)
    assert SECRET not in output
    assert output.count(PUBLIC.encode()) == (0 if not keeps else 2 if name == "webp" else 3 + (name == "jpeg"))


@pytest.mark.parametrize("name", ["png", "webp"])
def test_animations_keep_their_frames(name: str) -> None:
    pages = [Image.radial_gradient("L").resize((30, 20)).rotate(turn).convert("RGBA") for turn in (0, 30, 60)]
    timing = {"save_all": True, "append_images": pages[1:], "duration": [30, 60, 90], "loop": 2}
    source = saved(pages[0], name, **timing, **talkative(name))
    output = replace_metadata(source, name, KEPT)
    assert output is not None
    assert len(frames(output)) == 3
    assert frames(output) == frames(source)
    assert SECRET not in output


@pytest.mark.parametrize("way", [{}, {"lossless": True}])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("talks", [False, True])
def test_a_rewritten_webp_declares_its_parts(way: dict[str, Any], mode: str, talks: bool) -> None:
    image = Image.radial_gradient("L").resize((30, 20)).convert(mode)
    if mode == "RGBA":
        image.putalpha(image.getchannel("R"))
    profile = {"icc_profile": PROFILE} if talks else {}
    source = saved(image, "webp", **way, **profile, exif=KEPT.exif, xmp=KEPT.xmp)
    output = replace_metadata(saved(image, "webp", **way, **(talkative("webp") if talks else {})), "webp", KEPT)
    assert output is not None
    assert output[12:30] == source[12:30]
    plain = replace_metadata(source, "webp", MetadataBlocks())
    assert plain is not None
    assert frames(plain) == frames(source)
    assert plain[20] == source[20] & 0x30


def test_data_after_the_pixels_of_a_simple_webp_is_dropped() -> None:
    source = saved(Image.new("RGB", (9, 9), "red"), "webp")
    pixels = source[20 : 20 + int.from_bytes(source[16:20], "little")]
    odd = riff((source[12:16], pixels), (b"ICCP", PROFILE))
    assert replace_metadata(odd, "webp", KEPT) == replace_metadata(source, "webp", KEPT)


def test_data_after_the_picture_is_dropped() -> None:
    pages = [Image.new("RGB", (9, 9), color) for color in ("red", "blue")]
    source = saved(pages[0], "mpo", save_all=True, append_images=pages[1:])
    output = replace_metadata(source, "mpo", MetadataBlocks())
    assert output is not None
    assert len(output) < len(source) / 1.8
    assert frames(output) == frames(source)[:1]
    for name in WAYS:
        plain = saved(pages[0], name)
        assert replace_metadata(plain + SECRET, name, MetadataBlocks()) == replace_metadata(
            plain, name, MetadataBlocks()
        )


def test_thumbnails_and_tails_of_needed_segments_are_dropped() -> None:
    source = saved(Image.new("CMYK", (9, 9), (1, 2, 3, 4)), "jpeg")
    adobe = source.index(b"\xff\xee\0\x0eAdobe")
    tail = source[:adobe] + b"\xff\xee\0\x14" + source[adobe + 4 : adobe + 16] + SECRET + source[adobe + 16 :]
    jfif = b"\xff\xe0\0\x19JFIF\0\1\1\0\0\1\0\1\1\3" + SECRET + b"end"
    shorts = b"\xff\xe0\0\x0aJFXX\0abc" + b"\xff\xee\0\x07Adobe" + jfif
    output = replace_metadata(tail[:2] + jfif + shorts + tail[2:], "jpeg", MetadataBlocks())
    assert output is not None
    assert SECRET not in output
    assert output.count(b"JFIF") == 1
    assert frames(output) == frames(source)


def test_the_name_of_a_png_profile_is_replaced() -> None:
    source = saved(Image.new("L", (9, 9)), "png", icc_profile=PROFILE)
    renamed = png((name, body.replace(b"ICC Profile", SECRET)) for name, body in chunks(source))
    assert SECRET in renamed
    assert replace_metadata(renamed, "png", MetadataBlocks()) == replace_metadata(source, "png", MetadataBlocks())


@pytest.mark.parametrize("name", WAYS)
def test_pictures_that_are_not_stored_upright_are_not_rewritten(name: str) -> None:
    image = Image.new("RGB", (9, 9))
    assert replace_metadata(saved(image, name, exif=exif("", 6)), name, MetadataBlocks()) is None
    turned = b'<x tiff:Orientation="6"/>'
    more = PngInfo()
    more.add_itxt("XML:com.adobe.xmp", turned)
    assert (
        replace_metadata(
            saved(image, name, **({"pnginfo": more} if name == "png" else {"xmp": turned})), name, MetadataBlocks()
        )
        is None
    )


@pytest.mark.parametrize("name", WAYS)
def test_pictures_that_are_not_stored_upright_are_rewritten_with_their_orientation(name: str) -> None:
    image = Image.radial_gradient("L").resize((30, 20)).convert("RGB")
    source = saved(image, name, exif=exif("SECRET", 6))
    output = replace_metadata(source, name, MetadataBlocks(exif=exif(PUBLIC, 6)))
    assert output is not None
    assert SECRET not in output
    assert frames(output) == frames(source)
    assert Image.open(io.BytesIO(output)).getexif()[Base.Orientation] == 6
    assert replace_metadata(source, name, MetadataBlocks(exif=exif(PUBLIC, 8))) is None


def _raw_profile(block: bytes) -> str:
    """Return a block as ImageMagick stores it in a text."""
    return f"\nexif\n{len(block):8}\n{block.hex()}\n"


TURNS: dict[str, tuple[str, str]] = {
    "XMP": ("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>'),
    "EXIF": ("Raw profile type exif", _raw_profile(exif("", 6))),
}


@pytest.mark.parametrize("kind", TURNS)
@pytest.mark.parametrize("chunk", ["tEXt", "zTXt", "iTXt"])
def test_the_orientation_in_a_text_of_a_png_is_found(kind: str, chunk: str) -> None:
    key, text = TURNS[kind]
    hidden = PngInfo()
    if chunk == "iTXt":
        hidden.add_itxt(key, text, zip=True)
    else:
        hidden.add_text(key, text, zip=chunk == "zTXt")
    source = saved(Image.new("L", (9, 9)), "png", pnginfo=hidden)
    assert Image.open(io.BytesIO(source)).getexif()[Base.Orientation] == 6
    assert replace_metadata(source, "png", MetadataBlocks()) is None
    assert replace_metadata(source, "png", KEPT_SIDEWAYS) is not None


@pytest.mark.parametrize("content", [b"\0", b"\1\0\0\0?", b"\1\0\0\0" + zlib.compress(bytes(1 << 21))])
def test_a_png_whose_orientation_cannot_be_read_is_not_rewritten(content: bytes) -> None:
    head, *rest = chunks(saved(Image.new("L", (9, 9)), "png"))
    hidden = png([head, (b"iTXt", b"Raw profile type exif\0" + content), *rest])
    assert replace_metadata(hidden, "png", MetadataBlocks()) is None


@pytest.mark.parametrize(
    "content", [b"x\0\1" + zlib.compress(PROFILE), b"x\0\0" + zlib.compress(PROFILE)[:-9], b"x\0\0?", b"x", b""]
)
def test_a_damaged_profile_of_a_png_is_dropped(content: bytes) -> None:
    head, *rest = chunks(saved(Image.new("L", (9, 9)), "png"))
    damaged = png([head, (b"iCCP", content), *rest])
    assert replace_metadata(damaged, "png", MetadataBlocks()) == png([head, *rest])


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place < len(data):
        (size,) = struct.unpack_from(">I", data, place)
        yield data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        place += 12 + size


def png(parts: Any) -> bytes:
    packed = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def riff(*parts: tuple[bytes, bytes], size: int | None = None) -> bytes:
    body = b"".join(
        name + struct.pack("<I", len(inside)) + inside + b"\0" * (len(inside) % 2) for name, inside in parts
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body) if size is None else size) + b"WEBP" + body


SCAN = b"\xff\xda\0\2"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("gif", saved(Image.new("L", (1, 1)), "gif")),
        ("jpeg", b"\xff\xd9"),
        ("jpeg", b"\xff\xd8\xff\xdb\0\1\xff\xd9"),
        ("jpeg", b"\xff\xd8\xff\xdb\0\x09\xff\xd9"),
        ("jpeg", b"\xff\xd8\0\xdb\0\2\xff\xd9"),
        ("jpeg", b"\xff\xd8\xff\xd0\0\2\xff\xd9"),
        ("jpeg", b"\xff\xd8" + SCAN + b"pixels\xff\0\xff\xd0"),
        ("png", b"\x89PNG"),
        ("png", png([(b"IEND", b"")])),
        ("png", png([(b"IHDR", b""), (b"CRIT", b""), (b"IEND", b"")])),
        ("png", png([(b"IHDR", b""), (b"IEND", b"")])[:-1] + b"?"),
        ("webp", b"RIFX\4\0\0\0WEBP"),
        ("webp", riff(size=999)),
        ("webp", riff()),
        ("webp", riff((b"EXIF", b""))),
        ("webp", riff((b"VP8X", bytes(10)))),
        ("webp", riff((b"VP8X", bytes(9)), (b"VP8 ", b""))),
        ("webp", riff((b"VP8 ", bytes(10)))),
        ("webp", riff((b"VP8X", bytes(10)), (b"ANMF", bytes(16) + b"VP8 \1\0\0\0"))),
    ],
)
def test_unknown_critical_parts_are_refused(name: str, data: bytes) -> None:
    assert replace_metadata(data, name, KEPT) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", WAYS)
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_never_raises(name: str, data: st.DataObject) -> None:
    whole = saved(Image.radial_gradient("L").resize((20, 20)).convert("RGB"), name, **talkative(name))
    cut = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 5))):
        if cut:
            cut[data.draw(st.integers(0, len(cut) - 1))] = data.draw(st.integers(0, 255))
    output = replace_metadata(bytes(cut), name, KEPT)
    assert output is None or PUBLIC.encode() in output
