"""Tables of what each output format keeps, made by rendering small pictures and by reading what came out."""

import io
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image, PngImagePlugin

from benchmarks.seeds import IPTC, XMP, encoded, scene
from docs.generate.tables import make_table
from forkresize.formats import Format
from forkresize.formats.spec import Block
from forkresize.image import metadata
from forkresize.image.color.convert import p3_profile
from forkresize.image.deep_image import DeepImage
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.encode.deep import save_deep
from forkresize.image.metadata import held_blocks
from forkresize.image.transform import Rendered, transform
from forkresize.recipe import Metadata, Recipe

_DPI = 300, 300
_IPTC_TAG, _XMP_TAG, _BITS_TAG, _COPYRIGHT_TAG = 33_723, 700, 258, 33_432
_IPTC_RESOURCE = 0x0404

_PNG_DEPTH = slice(24, 25)
_SIXTEEN = 16


def sources() -> Mapping[str, tuple[bytes, str]]:
    """Return pictures of every kind, with the mode that an output needs to keep it."""
    deep = {mode: DeepImage(scene("I;16", seed) for seed in range(len(mode))) for mode in ("RGB", "RGBA", "LA")}
    frames = [scene("RGB", seed).quantize(32) for seed in range(3)]
    return {
        "gray": (encoded(scene("L"), "PNG"), "L"),
        "gray with alpha": (encoded(scene("LA"), "PNG"), "LA"),
        "color": (encoded(scene("RGB"), "PNG"), "RGB"),
        "color with alpha": (encoded(scene("RGBA"), "PNG"), "RGBA"),
        "32 colors": (encoded(scene("RGB").quantize(32), "PNG"), "P"),
        "Display P3": (encoded(scene("RGB"), "PNG", icc_profile=p3_profile()), "RGB"),
        "CMYK": (encoded(scene("CMYK"), "TIFF"), "RGB"),
        "color with a channel without a meaning": (encoded(scene("RGB").convert("RGBX"), "TIFF"), "RGB"),
        "16-bit gray": (encoded(scene("I;16"), "PNG"), "I;16"),
        "16-bit gray with alpha": (save_deep([deep["LA"]], "png", {}), "LA;16"),
        "16-bit color": (save_deep([deep["RGB"]], "png", {}), "RGB;16"),
        "16-bit color with alpha": (save_deep([deep["RGBA"]], "tiff", {}), "RGBA;16"),
        "10-bit HEIC": (_ten_bit_heic("RGB"), "RGB;16"),
        "10-bit HEIC with alpha": (_ten_bit_heic("RGBA"), "RGBA;16"),
        "floating point": (encoded(scene("F"), "TIFF"), "F"),
        "animation": (encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=80), "frames"),
        "pages": (encoded(scene("RGB"), "TIFF", save_all=True, append_images=[scene("L")]), "frames"),
    }


def _ten_bit_heic(bands: str) -> bytes:
    from pillow_heif import from_bytes

    image = DeepImage(scene("I;16", seed) for seed in range(len(bands)))
    heif = from_bytes(f"{bands};16", image.size, image.tobytes())
    heif.save(file := io.BytesIO())
    return file.getvalue()


def mode_table() -> str:
    """Return the table of kinds of pictures by format, in Markdown.

    Raises:
        AssertionError: something was lost without a warning.
    """
    rows = [
        (f"**{kind}**", *(_mode_cell(kind, data, mode, output) for output in Format))
        for kind, (data, mode) in sources().items()
    ]
    return make_table(("", *Format), rows)


def _mode_cell(kind: str, data: bytes, mode: str, output: Format) -> str:
    [made] = transform(data, Recipe.of(format=output), name=kind)
    if made.warnings:
        return "; ".join(made.warnings)
    with Image.open(io.BytesIO(made.data)) as image:
        lost = _lost(image, made.data, mode)
    assert not lost, f"{kind} as {output} lost its {lost} without a warning"  # noqa: S101 -- it is what this is for.
    return "converted to sRGB" if kind in {"CMYK", "Display P3"} else "kept"


def _lost(image: Image.Image, data: bytes, mode: str) -> str:
    """Return what an output lacks."""
    if mode == "frames":
        return "" if getattr(image, "n_frames", 1) > 1 else "frames"
    if "A" in mode and not image.has_transparency_data:
        return "alpha"
    if mode == "F":
        return "" if image.mode == "F" else "depth"
    bits = getattr(image, "tag_v2", {}).get(_BITS_TAG, ()) if image.format == "TIFF" else data[_PNG_DEPTH]
    is_deep = image.mode == "I;16" or _SIXTEEN in bits
    return "depth" if mode.endswith(";16") and not is_deep else ""


def metadata_table() -> str:
    """Return the table of kinds of metadata by format and policy, in Markdown.

    Raises:
        AssertionError: something was lost without a warning.
    """
    rows = [
        (f"**{output}** {policy}", *_metadata_cells(output, policy))
        for output in Format
        for policy in (Metadata.ALL, Metadata.SAFE, Metadata.COPYRIGHT, Metadata.NONE)
    ]
    return make_table(("", *Block), rows)


def _metadata_cells(output: Format, policy: Metadata) -> Iterator[str]:
    jpeg, png = _with_metadata()
    for block in Block:
        source = png if block is Block.TEXTS else jpeg
        [made] = transform(source, Recipe.of(format=output, metadata=policy))
        with Image.open(io.BytesIO(made.data)) as image:
            is_kept = _has(image, block) or _has_box(made, block)
        with Image.open(io.BytesIO(source)) as image:
            image.load()
            is_dropped = block not in held_blocks(metadata.extract(image, policy, Diagnostics()))
        yield "kept" if is_kept else _explain(made, block, is_dropped=is_dropped, policy=policy)


def _explain(made: Rendered, block: Block, *, is_dropped: bool, policy: Metadata) -> str:
    """Return why an output lacks a kind of metadata."""
    if is_dropped:
        return "not kept"
    if any(block in warning.partition(":")[0] for warning in made.warnings if warning.startswith("dropped")):
        return "warning"
    if any("cannot store the creator" in warning for warning in made.warnings):
        return "warning"
    assert policy is Metadata.COPYRIGHT, f"{made.format} lost its {block} without a warning"  # noqa: S101 -- see above.
    return "in EXIF"


def _with_metadata() -> tuple[bytes, bytes]:
    """Return a JPEG with all that it can have, and a PNG with texts."""
    exif = Image.Exif()
    exif.update({0x013B: "Ada", 0x8298: "(c) Ada", 0x010F: "Maker"})
    segment = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC + b"\0" * (len(IPTC) % 2)
    extra = struct.pack(">HH", 0xFFED, len(segment) + 2) + segment
    options: dict[str, Any] = {"exif": exif, "xmp": XMP, "extra": extra, "comment": "a remark", "dpi": _DPI}
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Title", "A title")
    return encoded(scene(), "JPEG", **options), encoded(scene(), "PNG", pnginfo=texts)


def _has_box(made: Rendered, block: Block) -> bool:
    """Return whether a JPEG XL has XMP, which its reader does not read (ISO/IEC 18181-2)."""
    return made.format == "jxl" and block is Block.XMP and b"xml " in made.data


def _has(image: Image.Image, block: Block) -> bool:
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
    texts: Mapping[str, str] = getattr(image, "text", {})
    match block:
        case Block.EXIF:
            return _COPYRIGHT_TAG in image.getexif()
        case Block.XMP:
            return bool(image.info.get("xmp")) or "XML:com.adobe.xmp" in texts or _XMP_TAG in tags
        case Block.IPTC:
            return _IPTC_TAG in tags or _IPTC_RESOURCE in image.info.get("photoshop", {})
        case Block.COMMENT:
            return bool(image.info.get("comment") or texts.get("Comment"))
        case Block.TEXTS:
            return "Title" in texts
    return abs(float(image.info.get("dpi", (0, 0))[0]) - _DPI[0]) < 1
