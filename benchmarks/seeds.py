"""Small pictures of every format and kind that can be read, drawn from a seed, as bytes."""

import io
import struct
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from random import Random
from typing import Any

from PIL import Image, ImageCms, PngImagePlugin, features

from benchmarks.rare import RARE
from forkresize.image.color.convert import p3_profile
from forkresize.image.deep_image import DeepImage
from forkresize.image.encode.deep import save_deep
from forkresize.image.gainmap.description import Description
from forkresize.image.gainmap.embed import announce_in_xmp, describe_map, embed_map

SIZE = 37, 23
"""Width and height of each in pixels: numbers that do not occur elsewhere in a header."""

FRAMES = 3

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/jpeg"><dc:creator><rdf:Seq>'
    b"<rdf:li>Ada</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF></x:xmpmeta>"
)
IPTC = b"\x1c\x02\x00\x00\x02\x00\x04\x1c\x02\x50\x00\x03Ada\x1c\x02\x74\x00\x05(c) A"
_TEXT = "a text of some length, which is a comment "

_TIFF = {
    "raw": "1 L LA P RGB RGBA CMYK LAB YCbCr I;16 I F",
    "tiff_lzw": "L RGB RGBA I;16",
    "tiff_adobe_deflate": "1 RGB CMYK F",
    "packbits": "L P RGB",
    "jpeg": "L RGB",
    "group3": "1",
    "group4": "1",
    "zstd": "RGB",
    "lzma": "RGB",
}
"""The modes that each compression of libtiff supports."""

_PLAIN = {
    "bmp": ("BMP", "1 L P RGB RGBA"),
    "dib": ("DIB", "L RGB"),
    "ico": ("ICO", "P RGB RGBA"),
    "jp2": ("JPEG2000", "L LA RGB RGBA I;16"),
    "j2k": ("JPEG2000", "RGB"),
    "ppm": ("PPM", "1 L RGB I;16 F"),
    "qoi": ("QOI", "RGB RGBA"),
    "dds": ("DDS", "L LA RGB RGBA"),
    "blp": ("BLP", "P"),
    "sgi": ("SGI", "L RGB RGBA"),
    "tga": ("TGA", "1 L LA P RGB RGBA"),
    "pcx": ("PCX", "1 L P RGB"),
    "msp": ("MSP", "1"),
    "xbm": ("XBM", "1"),
    "spider": ("SPIDER", "F"),
}
"""Formats saved without options: suffix, Pillow's name of the format, and modes."""


def scene(mode: str = "RGB", seed: int = 0) -> Image.Image:
    """Draw smooth patches, transparent in part if the mode has alpha."""
    patches = Image.frombytes("RGB", (6, 6), Random(seed).randbytes(108)).resize(SIZE, Image.Resampling.BICUBIC)
    if mode in {"LA", "RGBA"}:
        patches = patches.convert(mode)
        patches.putalpha(patches.getchannel(0))
        return patches
    if mode == "LAB":
        return Image.merge("LAB", patches.split())
    if mode == "I;16":
        return patches.convert("I").point(lambda value: value * 257).convert("I;16")
    if mode == "F":
        return patches.convert("F").point(lambda value: value / 255 + 0)
    return patches.convert(mode)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Encode a picture with Pillow."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def seeds() -> Mapping[str, bytes]:
    """Return all files by name; the name ends in a suffix of the format."""
    kinds = (_jpegs, _pngs, _webps, _avifs, _gifs, _tiffs, _deep, _plain, _extras, _gain_maps)
    return {**{name: data for kind in kinds for name, data in kind()}, **RARE}


def _blocks() -> dict[str, Any]:
    exif = Image.Exif()
    exif.update({0x0112: 6, 0x013B: "Ada", 0x8298: "(c) Ada", 0x010F: "Maker"})
    exif.get_ifd(0x8769).update({0x9003: "2026:01:01 00:00:00", 0x829A: 0.01, 0x927C: b"maker note " * 9})
    exif.get_ifd(0x8825).update({1: "N", 2: (1.0, 2.0, 3.0)})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return {"exif": exif, "icc_profile": profile, "xmp": XMP}


def _further(mode: str) -> dict[str, Any]:
    frames = [scene(mode, seed) for seed in range(1, FRAMES)]
    return {"save_all": True, "append_images": frames}


def _jpegs() -> Iterator[tuple[str, bytes]]:
    for mode in ("L", "RGB", "CMYK"):
        yield f"{mode}.jpg", encoded(scene(mode), "JPEG", quality=90)
    yield "progressive.jpg", encoded(scene(), "JPEG", progressive=True, subsampling=1, restart_marker_rows=1)
    segment = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC + b"\0" * (len(IPTC) % 2)
    extra = struct.pack(">HH", 0xFFED, len(segment) + 2) + segment
    yield "metadata.jpg", encoded(scene(), "JPEG", comment=_TEXT, extra=extra, **_blocks())
    yield "views.mpo", encoded(scene(), "MPO", **_further("RGB"))


def _pngs() -> Iterator[tuple[str, bytes]]:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        yield f"{mode}.png", encoded(scene(mode), "PNG")
    yield "key.png", encoded(scene("P"), "PNG", transparency=3, bits=8)
    yield "animated.png", encoded(scene("RGBA"), "PNG", duration=40, loop=2, **_further("RGBA"))
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", "Ada")
    texts.add_text("Comment", _TEXT * 20, zip=True)
    texts.add_itxt("Copyright", "(c) Ada", zip=True)
    texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
    for name, content in (
        (b"cICP", b"\x09\x10\0\1"),
        (b"gAMA", b"\0\0\xb1\x8f"),
        (b"cHRM", struct.pack(">8I", *range(9, 1, -1))),
    ):
        texts.add(name, content)
        blocks = _blocks()
        yield f"{name.decode()}.png", encoded(scene(), "PNG", pnginfo=texts, exif=blocks["exif"])
    yield "profile.png", encoded(scene(), "PNG", icc_profile=_blocks()["icc_profile"])


def _webps() -> Iterator[tuple[str, bytes]]:
    for mode in ("RGB", "RGBA"):
        yield f"{mode}.webp", encoded(scene(mode), "WEBP", method=0)
        yield f"lossless-{mode}.webp", encoded(scene(mode), "WEBP", lossless=True, method=0)
        yield f"animated-{mode}.webp", encoded(scene(mode), "WEBP", duration=40, method=0, **_further(mode))
    yield "metadata.webp", encoded(scene("RGBA"), "WEBP", method=0, **_blocks())


def _avifs() -> Iterator[tuple[str, bytes]]:
    if not features.check("avif"):
        return
    for mode in ("L", "RGB", "RGBA"):
        yield f"{mode}.avif", encoded(scene(mode), "AVIF", speed=10)
    yield "animated.avif", encoded(scene("RGBA"), "AVIF", speed=10, duration=40, **_further("RGBA"))
    yield "metadata.avif", encoded(scene(), "AVIF", speed=10, **_blocks())


def _gifs() -> Iterator[tuple[str, bytes]]:
    for mode in ("1", "L", "P"):
        yield f"{mode}.gif", encoded(scene(mode), "GIF", comment=_TEXT)
    for disposal in (1, 2, 3):
        options = {"duration": 40, "loop": 3, "disposal": disposal, **_further("RGBA")}
        yield f"animated-{disposal}.gif", encoded(scene("RGBA"), "GIF", **options)


def _tiffs() -> Iterator[tuple[str, bytes]]:
    for compression, modes in _TIFF.items():
        for mode in modes.split():
            yield f"{compression}-{mode}.tiff", encoded(scene(mode), "TIFF", compression=compression)
    yield "pages.tiff", encoded(scene(), "TIFF", compression="tiff_lzw", **_further("L"))
    yield "big.tiff", encoded(scene(), "TIFF", big_tiff=True, **_further("RGB"))
    blocks = _blocks()
    tags = {33723: IPTC, 700: XMP, 0x013B: "Ada", 270: _TEXT}
    yield "metadata.tiff", encoded(scene(), "TIFF", tiffinfo=tags, icc_profile=blocks["icc_profile"])


def _deep() -> Iterator[tuple[str, bytes]]:
    """Yield pictures of 16 bits per channel in color or with alpha, which Pillow does not write."""
    wide = p3_profile()
    for mode in ("LA", "RGB", "RGBA"):
        image = DeepImage(scene("I;16", number) for number in range(len(mode)))
        for output in ("png", "tiff"):
            yield f"deep-{mode}.{output}", save_deep([image], output, {"icc_profile": wide} if mode == "RGB" else {})
    pages = [DeepImage(scene("I;16", number) for number in range(3)), scene("RGB")]
    yield "deep-pages.tiff", save_deep(pages, "tiff", {"compression": "tiff_deflate"})


def _plain() -> Iterator[tuple[str, bytes]]:
    for suffix, (kind, modes) in _PLAIN.items():
        for mode in modes.split():
            yield f"{mode}.{suffix}", encoded(scene(mode), kind)
    yield "rle.tga", encoded(scene(), "TGA", compression="tga_rle")
    for pixel_format in ("DXT1", "DXT3", "DXT5", "BC5"):
        yield (
            f"{pixel_format}.dds",
            encoded(scene("RGBA" if "D" in pixel_format else "RGB"), "DDS", pixel_format=pixel_format),
        )
    icon = encoded(scene("RGBA").resize((128, 128)), "PNG")
    yield "RGBA.icns", b"icns" + struct.pack(">I4sI", len(icon) + 16, b"ic07", len(icon) + 8) + icon
    # A cursor is an icon of another type.
    yield "RGBA.cur", b"\0\0\2\0" + encoded(scene("RGBA"), "ICO", bitmap_format="bmp")[4:]


def _extras() -> Iterator[tuple[str, bytes]]:
    plugins: dict[str, tuple[str, Callable[[], bytes]]] = {
        "RGBA.heic": ("pillow_heif", lambda: _heif(scene("RGBA"))),
        "metadata.heic": ("pillow_heif", lambda: _heif(scene(), exif=_blocks()["exif"].tobytes())),
        "RGB.jxl": ("pillow_jxl", lambda: _jxl(scene())),
        "RGBA.jxl": ("pillow_jxl", lambda: _jxl(scene("RGBA"))),
        "metadata.jxl": ("pillow_jxl", lambda: _jxl(scene(), xmp=XMP, use_container=True)),
    }
    for name, (plugin, make) in plugins.items():
        if find_spec(plugin):
            yield name, make()


def _gain_maps() -> Iterator[tuple[str, bytes]]:
    numbers = dict.fromkeys(("GainMapMin", "GainMapMax", "HDRCapacityMin", "HDRCapacityMax"), ("1.0",))
    iso = struct.pack(">HHB14I", 0, 0, 0, *[1] * 14)
    for name, description in {
        "xmp": Description(numbers, b""),
        "iso": Description({}, iso),
        "both": Description(numbers, iso),
    }.items():
        other = describe_map(encoded(scene("L").resize((24, 16)), "JPEG"), description)
        packet = announce_in_xmp(b"", description, len(other))
        yield f"hdr-{name}.jpg", embed_map(encoded(scene(), "JPEG", xmp=packet), other, description)


def _heif(image: Image.Image, **options: Any) -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener()
    return encoded(image, "HEIF", **options)


def _jxl(image: Image.Image, **options: Any) -> bytes:
    import pillow_jxl  # noqa: F401 -- registers itself.

    return encoded(image, "JXL", effort=1, **options)
