"""JPEG XL: its header, and its decoder, which has to wait until memory is reserved."""

import base64
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from forkresize.batch.render_job import render_job
from forkresize.extras import install_command
from forkresize.image.decode import jxl as jxl_reader
from forkresize.image.decode.jxl import LazyJxlImageFile
from forkresize.image.decode.jxl_header import read_header
from forkresize.image.transform import transform
from forkresize.job import Job, Output, Source
from forkresize.outcome import Failed, Outcome, Reason, Written
from forkresize.recipe import Recipe
from forkresize.store import LocalStore

JpegXLImagePlugin = pytest.importorskip("pillow_jxl.JpegXLImagePlugin")

Scene = Callable[..., Image.Image]
Render = Callable[..., Outcome]

SIZES = [(1, 1), (8, 8), (16, 8), (96, 96), (300, 200), (320, 180), (257, 3), (3, 513), (640, 480), (9000, 2)]
"""With sides of multiples of 8 and not, and with every ratio that has a short form."""


def jxl(image: Image.Image, **options: Any) -> bytes:
    image.save(file := io.BytesIO(), "JXL", effort=1, **options)
    return file.getvalue()


def in_mode(scene: Scene, mode: str, size: tuple[int, int]) -> Image.Image:
    if mode == "F":
        return scene("L").convert("F").point(lambda value: value / 255 + 0).resize(size)
    return scene(mode).resize(size)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16", "F"])
@pytest.mark.parametrize("lossless", [False, True])
def test_the_header_says_what_the_decoder_returns(mode: str, lossless: bool, scene: Scene) -> None:
    for size in SIZES:
        data = jxl(in_mode(scene, mode, size), lossless=lossless)
        header = read_header(io.BytesIO(data))
        decoded = JpegXLImagePlugin.JXLImageFile(io.BytesIO(data))
        assert (header.size, header.mode) == (decoded.size, decoded.mode)
        assert header.extra_channels == int(header.has_alpha) == int("A" in mode)
        assert header.is_lossy is not lossless
        assert not header.is_animated
        assert not header.from_jpeg


def test_a_container_is_read_with_other_boxes_between_the_parts_of_its_codestream(scene: Scene) -> None:
    plain = jxl(scene())
    exif = b"Exif\0\0II*\0" + bytes(20)
    for compress in (False, True):
        boxed = jxl(scene(), use_container=True, exif=exif, compress_metadata=compress)
        assert boxed.startswith(b"\0\0\0\x0cJXL ")
        assert read_header(io.BytesIO(boxed)) == read_header(io.BytesIO(plain))

    def box(kind: bytes, content: bytes) -> bytes:
        return (8 + len(content)).to_bytes(4) + kind + content

    start = b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    bytewise = [box(b"jxlp", number.to_bytes(4) + plain[number : number + 1]) for number in range(40)]
    rest = box(b"jxlp", (1 << 31 | 40).to_bytes(4) + plain[40:])
    split = start + box(b"free", b"....").join(bytewise) + rest
    long = start + b"\0\0\0\x01jxlc" + (16 + len(plain)).to_bytes(8) + plain
    endless = start + b"\0\0\0\0jxlc" + plain
    for data in (split, long, endless):
        assert read_header(io.BytesIO(data)) == read_header(io.BytesIO(plain))
        assert JpegXLImagePlugin.JXLImageFile(io.BytesIO(data)).size == scene().size


def test_a_restored_jpeg_is_announced_and_decoded(scene: Scene, tmp_path: Path, make: Callable[..., Any]) -> None:
    scene().save(path := tmp_path / "a.jpg", quality=90)
    with Image.open(path) as image:
        data = jxl(image, lossless_jpeg=True)
    assert read_header(io.BytesIO(data)).from_jpeg
    assert make(data, "a.jxl", width=60, format="png").size == (60, 40)


ANIMATION = "/wr4SUETAIgJCAIBAFAEAACAHphBCogA"  # Its header and the start of its first frame.


def test_animations_orientations_depths_and_extra_channels_are_read() -> None:
    assert read_header(io.BytesIO(base64.b64decode(ANIMATION))).is_animated

    def header(*fields: tuple[int, int]) -> io.BytesIO:
        """Return a header of 8 x 16 pixels and the given fields, each a number of bits and a value."""
        number, position = 0, 0
        # Small; a height of 16; no ratio; a width of 8; not all defaults.
        for bits, value in ((1, 1), (5, 1), (3, 0), (5, 0), (1, 0), *fields, (100, 0)):
            number |= value << position
            position += bits
        return io.BytesIO(b"\xff\x0a" + number.to_bytes(-(-position // 8), "little"))

    turned = read_header(header((1, 1), (3, 5), (3, 0), (4, 0), (1, 1), (2, 0)))
    assert turned.size == (16, 8)
    upright = read_header(header((1, 1), (3, 2), (3, 0), (4, 0), (1, 1), (2, 0)))
    assert upright.size == (8, 16)
    deep = read_header(header((1, 0), (1, 0), (2, 3), (6, 15), (1, 1), (2, 0)))
    assert (deep.bits, deep.is_float) == (16, False)
    # 2 + 3 channels: alpha by default, a depth, a spot color, a pattern of filters, and alpha with a name.
    named = (1, 0), (2, 0), (1, 0), (2, 0), (2, 0), (2, 1), (4, 2), (16, 0x6161), (1, 0)
    spot = (1, 0), (2, 2), (4, 0), (1, 0), (2, 0), (2, 0), (2, 0), (64, 7)
    pattern = (1, 0), (2, 2), (4, 3), (1, 0), (2, 0), (2, 0), (2, 0), (2, 0)
    depth = (1, 0), (2, 1), (1, 0), (2, 0), (2, 0), (2, 0)
    gray = (1, 0), (1, 0), (1, 0), (2, 1)
    fields = ((1, 0), (1, 0), (2, 0), (1, 1), (2, 2), (4, 3), (1, 1), *depth, *spot, *pattern, *named, *gray)
    several = read_header(header(*fields))
    assert (several.extra_channels, several.has_alpha, several.is_gray, several.mode) == (5, True, True, "LA")


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\x0a",
        b"\xff\x0a\x01",
        b"\0\0\0\x0cJXL \r\n\x87\n",
        b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x04jxlc",
        b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x01jxlc\0",
        b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x0cjxlp\0\0\0\0" * 20_000,
        b"no picture",
    ],
    ids=repr,
)
def test_a_damaged_header_is_refused(data: bytes) -> None:
    with pytest.raises(SyntaxError):
        read_header(io.BytesIO(data))


def test_nothing_is_decoded_before_memory_is_reserved(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    decode = LazyJxlImageFile._decode  # noqa: SLF001

    def recording(image: LazyJxlImageFile) -> None:
        order.append("decoded")
        decode(image)

    monkeypatch.setattr(LazyJxlImageFile, "_decode", recording)
    (path := tmp_path / "a.jxl").write_bytes(jxl(scene()))
    job = Job(Source(str(path), path.name, path.stat().st_size), (Output(str(tmp_path / "out"), 0),))

    def render(reserve: Callable[[int], object], **options: Any) -> Any:
        order.clear()
        recipe = Recipe.of(width=60, format="jpeg", **options)
        [outcome] = render_job(job, recipe, LocalStore("", "tag"), reserve)
        return outcome.detail

    assert isinstance(render(lambda _: order.append("reserved")), Written)
    assert order == ["reserved", "decoded"]

    def refuse(_: int) -> None:
        raise MemoryError("too much")

    assert render(refuse).reason is Reason.MEMORY_LIMIT
    assert render(lambda _: None, max_pixels=9599).reason is Reason.TOO_LARGE
    assert order == []


def test_a_panic_is_a_failure_of_the_picture(scene: Scene, result: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    PanicException = type("PanicException", (BaseException,), {})  # noqa: N806 -- as the class that is not exported.

    def panic(_image: LazyJxlImageFile) -> None:
        raise PanicException("no memory")

    monkeypatch.setattr(LazyJxlImageFile, "_decode", panic)
    outcome = result(jxl(scene()), "a.jxl", width=60, format="jpeg")
    assert isinstance(outcome.detail, Failed)
    assert (outcome.reason, outcome.error) == (Reason.DAMAGED, "the decoder or encoder panicked: no memory")


def test_one_thread_decodes(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    decoder = JpegXLImagePlugin.Decoder

    def recording(num_threads: int) -> Any:
        asked.append(num_threads)
        return decoder(num_threads=num_threads)

    monkeypatch.setattr(JpegXLImagePlugin, "Decoder", recording)
    jxl_reader._single_threaded_reader.cache_clear()  # noqa: SLF001
    image = LazyJxlImageFile(io.BytesIO(jxl(scene())), "")
    image.load()
    jxl_reader._single_threaded_reader.cache_clear()  # noqa: SLF001
    assert asked == [0]
    assert JpegXLImagePlugin.DECODE_THREADS == -1


GRAY_ALPHA_16 = bytes.fromhex(
    "0000000c4a584c200d0a870a00000014667479706a786c20000000006a786c20000000096a786c6c0a0000003a6a786c63ff0a0870fc288a"
    "0b01080810008c004b188b15c239e84dc590fc331a03f406e80dd02b735e7bea2b0f21ebdf05991ec4c22c"
)
"""Four columns of gray 77 + 16000 x + 300 y and alpha 65535 - 9000 x, in 16 bits and without loss, by cjxl 0.7.0."""


def test_sixteen_bits_of_gray_with_alpha_are_read_as_8() -> None:
    [made] = transform(GRAY_ALPHA_16, Recipe.of(format="png"))
    assert made.warnings == ("reduced from 16 to 8 bits per channel",)
    read = Image.open(io.BytesIO(made.data)).convert("LA")
    for x in range(4):
        for y in range(2):
            assert read.getpixel((x, y)) == pytest.approx(
                ((77 + 16000 * x + 300 * y) / 257, 255 - x * 9000 / 257), abs=1
            )


PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:'
    b'Description rdf:about="" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Credit="Ada"/></rdf:RDF>'
    b"</x:xmpmeta>"
)


def test_xmp_is_read(scene: Scene) -> None:
    scene().save(file := io.BytesIO(), "JPEG", xmp=PACKET)
    [packed] = transform(file.getvalue(), Recipe.of(format="jxl", width=40, metadata="all"))
    [again] = transform(packed.data, Recipe.of(format="jpeg", metadata="all"))
    assert b'Credit="Ada"' in Image.open(io.BytesIO(again.data)).info["xmp"]
    [without] = transform(packed.data, Recipe.of(format="jpeg", metadata="none"))
    assert "xmp" not in Image.open(io.BytesIO(without.data)).info


def with_compressed_metadata(scene: Scene) -> bytes:
    exif = Image.Exif()
    exif[0x013B] = "Ada"
    data = jxl(scene(), xmp=PACKET, exif=bytes(4) + exif.tobytes()[6:], compress_metadata=True, use_container=True)
    assert b"brobxml " in data
    assert b"brobExif" in data
    assert b"Ada" not in data
    return data


@pytest.mark.parametrize("compressed", [False, True])
def test_xmp_of_a_megabyte_is_read(compressed: bool, scene: Scene) -> None:
    packet = PACKET.replace(b"/></rdf:RDF>", b' photoshop:Instructions="' + b"a" * 1_000_000 + b'"/></rdf:RDF>')
    data = jxl(scene(), xmp=packet, compress_metadata=compressed, use_container=True)
    [made] = transform(data, Recipe.of(width=40, format="png", metadata="all"))
    assert made.warnings == ()
    assert b'Credit="Ada"' in Image.open(io.BytesIO(made.data)).info["xmp"]


def test_compressed_metadata_is_read(scene: Scene) -> None:
    [made] = transform(with_compressed_metadata(scene), Recipe.of(format="jpeg", metadata="all"))
    assert made.warnings == ()
    image = Image.open(io.BytesIO(made.data))
    assert b'Credit="Ada"' in image.info["xmp"]
    assert image.getexif()[0x013B] == "Ada"


def test_compressed_metadata_has_a_warning_if_it_cannot_be_unpacked(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = with_compressed_metadata(scene)
    monkeypatch.setitem(sys.modules, "brotli", None)
    [made] = transform(data, Recipe.of(format="png"))
    dropped = "compressed {} was dropped: " + install_command("jxl") + " adds its reader"
    assert sorted(made.warnings) == [dropped.format("EXIF"), dropped.format("XMP")]


@pytest.mark.parametrize(
    "behind",
    [
        b"\0\0\0\1xml \xff",
        b"\0\0\0\1xml " + b"\xff" * 8,
        b"\0\0\0\3xml ",
        b"\0\0\0\0xml ",
        b"\0\0\0\x0cbrobxml ",
    ],
)
def test_damaged_boxes_behind_the_pixels_hold_no_xmp(behind: bytes, scene: Scene) -> None:
    [packed] = transform(coded(scene()), Recipe.of(format="jxl", width=40))
    bare = packed.data
    assert bare.startswith(b"\xff\x0a")
    container = b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x14ftypjxl \0\0\0\0jxl "
    data = container + (8 + len(bare)).to_bytes(4) + b"jxlc" + bare + behind
    [made] = transform(data, Recipe.of(format="jpeg", metadata="all"))
    assert "xmp" not in Image.open(io.BytesIO(made.data)).info
    assert made.warnings == ("compressed XMP was dropped: it is damaged or too large",) * (b"brob" in behind)


def coded(image: Image.Image) -> bytes:
    image.save(file := io.BytesIO(), "PNG")
    return file.getvalue()
