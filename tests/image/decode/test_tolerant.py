"""What is damaged beside the pixels."""

import gc
import io
import struct
import tracemalloc
import warnings
import weakref
import zlib
from collections.abc import Callable

import pytest
from PIL import AvifImagePlugin, Image, ImageFile, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError

from forkresize.image.decode.tolerant import accept_truncated, open_image
from forkresize.outcome import Failed, Outcome, Reason, Written

Scene = Callable[..., Image.Image]
Make = Callable[..., Image.Image]
Render = Callable[..., Outcome]

BLOATED = zlib.compress(bytes(5 << 20))
TOO_LARGE = "Decompressed data too large for PngImagePlugin.MAX_TEXT_CHUNK"


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(image: Image.Image, *chunks: bytes, behind: bool = False) -> bytes:
    """Return a PNG with further chunks before its pixels, or behind them."""
    image.save(file := io.BytesIO(), "PNG")
    before, name, after = file.getvalue().partition(b"\0\0\0\0IEND") if behind else _split(file.getvalue())
    return before + b"".join(chunks) + name + after


def _split(data: bytes) -> tuple[bytes, bytes, bytes]:
    place = data.index(b"IDAT") - 4
    return data[:place], b"", data[place:]


def tiff(images: list[Image.Image], tag: int, kind: int, value: object) -> bytes:
    """Return a TIFF whose pages have a tag of some type."""
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    directory.tagtype[tag] = kind
    directory[tag] = value
    for image in images:
        image.encoderinfo = {"tiffinfo": directory}
    images[0].save(file := io.BytesIO(), "TIFF", tiffinfo=directory, save_all=True, append_images=images[1:])
    return file.getvalue()


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (b"zTXt", b"Comment\0\0" + BLOATED, TOO_LARGE),
        (b"iTXt", b"Comment\0\1\0\0\0" + BLOATED, TOO_LARGE),
        (b"iCCP", b"p\0\0" + BLOATED, TOO_LARGE),
        (b"iCCP", b"p\0\7" + BLOATED, "Unknown compression method 7 in iCCP chunk"),
        (b"iCCP", b"p\0", "index out of range"),
        (b"pHYs", b"123", "Truncated pHYs chunk"),
        (b"gAMA", b"", "Truncated gAMA chunk"),
    ],
)
def test_a_damaged_ancillary_chunk_is_dropped_with_a_warning(
    name: bytes, content: bytes, expected: str, behind: bool, scene: Scene, result: Render
) -> None:
    sound = chunk(b"tEXt", b"Title\0sound")
    outcome = result(png(scene(), chunk(name, content), sound, behind=behind), metadata="all", width=60)
    assert isinstance(outcome.detail, Written)
    assert outcome.warnings == (f"damaged {name.decode()} was dropped: {expected}",)
    assert outcome.destination is not None
    with Image.open(outcome.destination) as image:
        image.load()
        assert image.info["Title"] == "sound"
        assert "Comment" not in image.info
        small = scene().resize(image.size, Image.Resampling.LANCZOS)
        assert image.getpixel((5, 5)) == pytest.approx(small.getpixel((5, 5)), abs=3)


def test_a_damaged_critical_chunk_is_an_error(scene: Scene, result: Render) -> None:
    outcome = result(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(5)) + png(scene())[33:], width=60)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.DAMAGED


@pytest.mark.parametrize("behind", [False, True])
def test_endless_texts_are_dropped_and_take_no_memory(scene: Scene, result: Render, behind: bool) -> None:
    megabyte = zlib.compress(bytes(1 << 20))
    texts = (chunk(b"zTXt", b"%d\0\0" % number + megabyte) for number in range(100))
    picture = png(scene(), *texts, behind=behind)
    tracemalloc.start()
    try:
        outcome = result(picture, width=60)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(outcome.detail, Written)
    assert "zTXt was dropped: more than 8388608 characters of text" in outcome.warnings
    assert peak < 32 << 20


FRAME = struct.pack(">IIIIIHHBB", 7, 1 << 20, 9, 0, 0, 1, 1, 9, 9)


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize(
    ("name", "content"), [(b"fcTL", FRAME), (b"fcTL", b"short"), (b"fdAT", b"x" * 99), (b"fdAT", b"")]
)
def test_damaged_frame_chunks_do_not_affect_a_still_picture(
    scene: Scene, result: Render, name: bytes, content: bytes, behind: bool
) -> None:
    outcome = result(png(scene(), chunk(name, content), behind=behind), width=60)
    assert isinstance(outcome.detail, Written)
    assert f"damaged {name.decode()} was dropped" in outcome.warnings[0]


def test_a_frame_chunk_may_precede_the_animation_chunk(scene: Scene, make: Make) -> None:
    scene().save(file := io.BytesIO(), "PNG", save_all=True, append_images=[scene().rotate(9)], duration=90)
    data = file.getvalue()
    several = data[data.index(b"acTL") - 4 :][:20]
    first = data[data.index(b"fcTL") - 4 :][:38]
    swapped = data.replace(several + first, first + several)
    assert swapped != data
    assert getattr(make(swapped, width=60), "n_frames", 1) == 2


def test_a_repeated_warning_is_kept_once(scene: Scene, result: Render) -> None:
    picture = png(scene(), *[chunk(b"gAMA", b"")] * 5000)
    outcome = result(picture, width=60)
    assert isinstance(outcome.detail, Written)
    assert outcome.warnings == ("damaged gAMA was dropped: Truncated gAMA chunk",)


@pytest.mark.parametrize("pages", [1, 3])
@pytest.mark.parametrize(("kind", "value", "expected"), [(3, 7, "int"), (2, "<x/>", "str")])
def test_xmp_of_another_type_than_bytes_is_dropped_from_every_page(
    pages: int, kind: int, value: object, expected: str, scene: Scene, result: Render
) -> None:
    outcome = result(tiff([scene() for _ in range(pages)], 700, kind, value), "a.tif", width=60)
    assert isinstance(outcome.detail, Written), outcome
    assert outcome.warnings == (f"damaged XMP was dropped: it is of type {expected}",)
    assert outcome.destination is not None
    with Image.open(outcome.destination) as image:
        assert getattr(image, "n_frames", 1) == pages
        assert "xmp" not in image.info


def test_xmp_in_bytes_is_kept(scene: Scene, result: Render) -> None:
    packet = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
    packet += b"<r:Description xmlns:d='http://purl.org/dc/elements/1.1/' d:source='kept'/></r:RDF></x:xmpmeta>"
    outcome = result(tiff([scene()], 700, 1, packet), "a.tif", width=60, metadata="all")
    assert outcome.warnings == ()
    assert outcome.destination is not None
    with Image.open(outcome.destination) as image:
        assert b"kept" in image.info["xmp"]


def test_a_page_type_that_is_text_does_not_mean_a_thumbnail(scene: Scene, result: Render) -> None:
    outcome = result(tiff([scene()], 254, 2, "A"), "a.tif", width=60)
    assert isinstance(outcome.detail, Written), outcome


@pytest.mark.parametrize("name", [b"tEXt", b"gAMA", b"cHRM", b"sRGB", b"cICP"])
def test_a_wrong_checksum_of_an_ancillary_chunk_is_tolerated(name: bytes, scene: Scene, result: Render) -> None:
    whole = chunk(name, b"")
    wrong = whole[:-1] + bytes([whole[-1] ^ 1])
    for damaged in (whole, wrong):
        outcome = result(png(scene(size=(40, 30)), damaged), width=20)
        assert isinstance(outcome.detail, Written), (damaged, outcome)


@pytest.mark.parametrize("kind", ["ICO", "ICNS"])
def test_a_png_inside_of_an_icon_is_read_as_tolerantly(kind: str, scene: Scene, result: Render) -> None:
    damaged = png(scene("RGBA", (128, 128)), chunk(b"pHYs", b"123"))
    if kind == "ICO":
        data = struct.pack("<HHHBBBBHHII", 0, 1, 1, 128, 128, 0, 0, 1, 32, len(damaged), 22) + damaged
    else:
        data = b"icns" + struct.pack(">I4sI", len(damaged) + 16, b"ic07", len(damaged) + 8) + damaged
    outcome = result(data, f"a.{kind.lower()}", width=60, format="png")
    assert isinstance(outcome.detail, Written), outcome
    assert outcome.warnings == ("damaged pHYs was dropped: Truncated pHYs chunk",)


def test_reading_leaves_pillow_as_it_was(scene: Scene, result: Render) -> None:
    def settings() -> tuple[object, ...]:
        return (
            Image.MAX_IMAGE_PIXELS,
            ImageFile.LOAD_TRUNCATED_IMAGES,
            ImageFile.ImageFile.load,
            PngImagePlugin.PngStream,
            AvifImagePlugin.DEFAULT_MAX_THREADS,
            [Image.OPEN[name] for name in ("PNG", "TIFF", "AVIF", "JPEG")],
            warnings.showwarning,
            list(warnings.filters),
        )

    before = settings()
    damaged = png(scene(), chunk(b"pHYs", b"123"))
    for source, name in ((damaged, "a.png"), (damaged[:-900], "b.png"), (damaged, "c.avif"), (scene(), "d.tif")):
        assert isinstance(result(source, name, width=60, max_pixels=20_000, on_truncated="salvage").detail, Written)
        assert settings() == before


def test_a_reader_of_pillow_itself_does_not_accept_a_truncated_file(scene: Scene) -> None:
    data = png(scene())[:-900]
    image = open_image(io.BytesIO(data), ["PNG"])
    accept_truncated(image)
    image.load()
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(data)).load()


def test_a_file_that_no_reader_accepts_is_not_identified() -> None:
    with pytest.raises(UnidentifiedImageError):
        open_image(io.BytesIO(b"GIF89a"), ["PNG", "GIF"])


def test_reader_that_refuses_a_file_leaves_no_reference_to_it() -> None:
    class Memory(io.BytesIO):
        """Can be referred to weakly."""

    Image.init()
    file = Memory()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    file.seek(0)
    gc.disable()
    try:
        # The first reader accepts any beginning, and then raises.
        open_image(file, ["TGA", "PNG"]).load()
        reference = weakref.ref(file)
        del file
        assert reference() is None
    finally:
        gc.enable()
