"""JPEG (ITU-T T.81), and MPO, a JPEG with more pictures behind the first (CIPA DC-007)."""

import struct
from functools import cache
from types import ModuleType
from typing import Any

from forkresize.formats import jpegli, spec
from forkresize.formats.jpeg_segments import MAX_SEGMENT, make_segment
from forkresize.formats.metadata import COMMENT, IPTC_RESOURCE, Credit, MetadataBlocks
from forkresize.formats.package import OptionalPackage

XMP_NAME = b"http://ns.adobe.com/xap/1.0/\0"
"""The name of the segment that holds XMP."""

_APP13 = 0xED
_IPTC_NAME = b"Photoshop 3.0\0" + IPTC_RESOURCE

_FAST = 2
"""The highest effort at which ready-made Huffman tables are used."""

_MOZJPEG = OptionalPackage("mozjpeg", "mozjpeg-lossless-optimization", "mozjpeg_lossless_optimization")

_ARTIST, _COPYRIGHT = 0x013B, 0x8298
"""EXIF's tags of the credit."""


def _options(request: spec.EncodeRequest) -> spec.Options:
    options = {
        "quality": request.quality,
        "optimize": request.effort is None or request.effort > _FAST,
        "progressive": request.progressive,
    }
    return options if request.mode == "L" else {**options, "subsampling": request.chroma}


def _variants(request: spec.EncodeRequest) -> list[spec.Options]:
    return [{}, {"progressive": True}] if request.effort == spec.MAX_EFFORT else [{}]


def _repack(data: bytes, request: spec.EncodeRequest) -> bytes:
    """Return the same coefficients in fewer bytes by mozjpeg's search for scans, at the highest effort or without loss.

    They are unchanged without the package, and if it does not support how they are coded.
    """
    is_fast = request.lossless and request.effort is not None and request.effort <= _FAST
    module = mozjpeg() if (request.lossless or request.effort == spec.MAX_EFFORT) and not is_fast else None
    if module is None:
        return data
    try:
        packed: bytes = module.optimize(data, copy=module.COPY_MARKERS.ALL)
    except ValueError:
        return data
    return min(data, packed, key=len)


@cache
def mozjpeg() -> ModuleType | None:
    """Return the optional package, loaded on the first call; None if it is not installed."""
    return _MOZJPEG.load()


def _metadata(blocks: MetadataBlocks, warn: spec.Warn) -> spec.Options:
    def fitting(name: str, block: bytes, header: int = 0) -> bytes:
        if header + len(block) <= MAX_SEGMENT:
            return block
        warn(f"dropped {len(block)} bytes of {name}: too large for a JPEG")
        return b""

    return {
        "exif": fitting("EXIF", blocks.exif) or fitting("credit", _credit_block(blocks.credit)),
        "xmp": fitting("XMP", blocks.xmp, len(XMP_NAME)),
        "extra": _iptc_segment(fitting("IPTC", blocks.iptc, len(_IPTC_NAME) + 5)),
        "comment": fitting("comment", blocks.texts.get(COMMENT, "").encode()),
        "dpi": blocks.resolution,
    }


def _credit_block(credit: Credit) -> bytes:
    """Return an EXIF block of nothing but the credit; empty for none."""
    if not (credit.creator or credit.copyright):
        return b""
    from PIL.Image import Exif

    exif = Exif()
    exif.update(
        {tag: text.encode() for tag, text in ((_ARTIST, credit.creator), (_COPYRIGHT, credit.copyright)) if text}
    )
    return exif.tobytes()


def _iptc_segment(block: bytes) -> bytes:
    if not block:
        return b""
    resource = _IPTC_NAME + struct.pack(">I", len(block)) + block + b"\0" * (len(block) % 2)
    return make_segment(_APP13, resource)


def _decoder_memory(image: Any, _pixels: float, _channels: int, file_size: int) -> float:
    """Return the bytes of a progressive file's coefficients, 16 bits each, which are kept until the last scan.

    At the smallest scale, a file of several scans is read whole.
    """
    layers = getattr(image, "layer", ())
    if not image.info.get("progressive") or not layers:
        return 0
    width, height = image.size
    most = max(across * down for _, across, down, _ in layers)
    return float(2 * width * height * sum(across * down for _, across, down, _ in layers) / most) + file_size


def _takes_more_memory(request: spec.EncodeRequest) -> bool:
    """Whether colors are kept at full resolution, or jpegli gets a copy of the pixels."""
    is_full = request.subsampling in {"444", "422"} or (request.quality or 0) >= spec.FULL_CHROMA_QUALITY
    return request.lossless or is_full or jpegli.uses_jpegli(request)


SPEC = spec.FormatSpec(
    name="jpeg",
    suffixes=(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    plugin="Jpeg",
    signature=rb"\xff\xd8\xff",
    decoder_memory=_decoder_memory,
    shrinks_on_load=True,
    frame_noun="pictures",
    packer=_MOZJPEG,
    encoder=jpegli.JPEGLI,
    output=spec.OutputSpec(
        modes=frozenset({"L", "RGB", "CMYK"}),
        max_side=65_500,  # libjpeg's limit
        profile=True,
        quality=80,
        applies=frozenset({"progressive", "subsampling", "ssim"}),
        browsers=spec.Browsers(all=True, rank=1),
        stores=frozenset({spec.Block.EXIF, spec.Block.XMP, spec.Block.IPTC, spec.Block.COMMENT, spec.Block.RESOLUTION}),
        # All coefficients are kept, to make tables that fit them.
        memory=spec.EncodingMemory(plain=(3, 5, 5), thorough=(3, 8, 8), is_thorough=_takes_more_memory),
        options=_options,
        variants=_variants,
        encode_otherwise=jpegli.encode,
        repack=_repack,
        metadata=_metadata,
        rewriter="forkresize.image.container.jpeg:rewrite",
        is_coded_with_loss=lambda _data: True,
    ),
)
