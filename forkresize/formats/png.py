"""PNG and APNG (W3C, third edition)."""

import io
import os
import struct
from collections.abc import Iterator, Sequence
from functools import cache
from types import ModuleType
from typing import IO, Any

from forkresize.formats import spec
from forkresize.formats.metadata import AUTHOR, COPYRIGHT, MetadataBlocks
from forkresize.formats.package import OptionalPackage

SIGNATURE = b"\x89PNG\r\n\x1a\n"

XMP_KEYWORD = "XML:com.adobe.xmp"
"""The keyword of the text chunk that holds XMP."""

FAST_DECODER = OptionalPackage("png", "micro-reader-codecs", "micro_reader_codecs", changes_output=False)
"""The Rust crate ``png``, which takes half of the time of Pillow."""

FAST_MODES = {"L": 1, "RGB": 2, "RGBA": 4}
"""Pillow's modes, and raw modes, of the pixels that the fast decoder reads, with the bytes a pixel that it takes."""

_CHUNK = struct.Struct(">I4s")
"""Length and name of a chunk."""

_CHECKSUM = 4

_PHOTO_RATIO = 0.4
"""Bytes of a small PNG, as a share of its pixels' bytes, that drawings stay below."""

_DRAWING_RATIO = 0.15
"""Bytes of a PNG, as a share of its pixels' bytes, that photographs are above."""

_SAMPLES, _SAMPLE_ROWS = 3, 16
"""How many parts of a picture are compressed to compare strategies, and the fewest rows of each."""

_WINDOW = 1 << 15
"""Bytes in which zlib looks for repetitions: each part has as many, so that those of narrow pictures are found."""

_SAMPLE_NAME = "sample.png"

_SAMPLED = frozenset({"L", "LA", "RGB", "RGBA"})
"""Modes of pictures that are sampled."""

_BETTER = 0.97
"""Bytes of these parts with run-length encoding, as a share of those with zlib's default, at which it is better."""

_LEVEL = 4
"""zlib's last cheap level: 6 takes more than twice the time for 1 % of the bytes of photographs."""

_DEFAULT, _FILTERED, _RUN_LENGTH = 0, 1, 3
"""zlib's strategies (``deflateInit2``); which is best depends on the picture."""

_FUTILE = 1.08
"""How much larger a file is than with run-length encoding if a longer search makes it no smaller than that."""

_HASTY_EFFORT = 3
"""The highest effort at which time counts more than bytes; it does by default."""

_OXIPNG = OptionalPackage("oxipng", "pyoxipng", "oxipng")

_OXIPNG_LEVELS = {7: 1, 8: 2, 9: 3, 10: 4}
"""The levels of oxipng by effort: each takes about twice the time of the one before."""

_THREADS = "RAYON_NUM_THREADS"
"""The environment variable with the number of threads of oxipng: the pictures are spread over the CPUs already."""

_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010100000000376ef9240000000a49444154789c63600000000200"
    "0148afa4710000000049454e44ae426082"
)
"""A PNG of one pixel."""

_MAX_16_BIT = 65_535


def chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """Yield the name and the length of each chunk of a PNG; the file then stands at the chunk's content."""
    position = file.seek(len(SIGNATURE))
    while len(head := file.read(_CHUNK.size)) == _CHUNK.size:
        length, name = _CHUNK.unpack(head)
        yield name, length
        position += _CHUNK.size + length + _CHECKSUM
        file.seek(position)


def make_chunk(name: bytes, content: bytes) -> bytes:
    """Return a chunk with its checksum."""
    # Pillow writes most files.
    from zlib import crc32

    return _CHUNK.pack(len(content), name) + content + struct.pack(">I", crc32(content, crc32(name)))


def _options(request: spec.EncodeRequest) -> spec.Options:
    return {"compress_level": request.scale_effort(1, 9, default=_LEVEL)}


def _variants(request: spec.EncodeRequest) -> list[spec.Options]:
    run_length = {"compress_level": _LEVEL, "compress_type": _RUN_LENGTH}
    default = {"compress_level": _LEVEL, "compress_type": _DEFAULT}
    if request.effort is None or _HASTY_EFFORT < request.effort < spec.THOROUGH_EFFORT:
        return [run_length, default | _options(request)] if request.frames == 1 and not request.palette else [{}]
    if request.effort <= _HASTY_EFFORT:
        return [{}]
    if oxipng() is not None:
        return [run_length]
    return [run_length, default, {"compress_type": _DEFAULT}, {"compress_type": _FILTERED}]


def _is_hasty(request: spec.EncodeRequest) -> bool:
    """Return whether a photograph may take a few percent more bytes than Pillow makes of it, in half of the time."""
    is_low = request.effort is None or request.effort <= _HASTY_EFFORT
    return is_low and not request.lossless and request.max_bytes is None


def _are_good_enough(files: Sequence[bytes], images: spec.Images, request: spec.EncodeRequest) -> bool:
    """Return whether other strategies, or a longer search for repetitions, only take time.

    In photographs, hardly anything repeats: on those of 800 pixels, run-length encoding alone takes 3 % less bytes and
    a quarter of the time of zlib's usual level 6; on drawings it takes up to four times the bytes.
    """
    if (request.effort or 0) >= spec.THOROUGH_EFFORT:
        return len(files) > 1 and len(files[1]) > _FUTILE * len(files[0])
    if request.max_bytes is not None:
        return False
    width, height = request.size
    channels, _, bits = request.mode.partition(";")
    raw = width * height * len(channels) * (2 if bits else 1)
    ratio = _coded_bytes(files[-1]) / raw
    if not _has_samples(images[0]):
        return ratio > _PHOTO_RATIO
    return ratio > _DRAWING_RATIO and _is_smooth(images[0])


def _has_samples(image: Any) -> bool:
    """Return whether a picture is large enough that looking at parts of it takes less time than compressing it."""
    return image.mode in _SAMPLED and image.height >= 2 * _SAMPLES * _sample_rows(image)


def _sample_rows(image: Any) -> int:
    length: int = image.width * len(image.mode)
    return max(_SAMPLE_ROWS, _WINDOW // length)


def _is_smooth(image: Any) -> bool:
    """Return whether run-length encoding is better than zlib's default for parts of a picture, as for photographs."""
    (width, height), rows = image.size, _sample_rows(image)
    sample = image.crop((0, 0, width, _SAMPLES * rows))
    for number in range(_SAMPLES):
        top = (2 * number + 1) * height // (2 * _SAMPLES) - rows // 2
        sample.paste(image.crop((0, top, width, top + rows)), (0, number * rows))
    run_length, default = (_sampled_bytes(sample, strategy) for strategy in (_RUN_LENGTH, _DEFAULT))
    return run_length < _BETTER * default


def _sampled_bytes(sample: Any, strategy: int) -> int:
    file = io.BytesIO()
    # Given the format by its name, Pillow would load the plug-ins of four others.
    file.name = _SAMPLE_NAME
    sample.save(file, compress_level=_LEVEL, compress_type=strategy)
    return _coded_bytes(file.getvalue())


def _uses_oxipng(request: spec.EncodeRequest) -> bool:
    return (request.lossless or (request.effort or 0) >= spec.THOROUGH_EFFORT) and _OXIPNG.is_installed


def _repack(data: bytes, request: spec.EncodeRequest) -> bytes:
    """Return the same pixels in fewer bytes by oxipng's search for filters; unchanged without the package."""
    level = _OXIPNG_LEVELS.get(request.effort or 0)
    module = oxipng() if level else None
    if module is None:
        return data
    # 16 bits stay 16 bits, even if 8 would do.
    keeps_depth = request.mode.endswith(";16")
    try:
        packed: bytes = module.optimize_from_memory(data, level=level, bit_depth_reduction=not keeps_depth)
    except module.PngError:
        # Pillow reads some files that it does not.
        return data
    return min(data, packed, key=len)


@cache
def oxipng() -> ModuleType | None:
    """Return the optional package, loaded on the first call, with one thread; None if it is not installed."""
    module = _OXIPNG.load()
    if module is not None:
        before = os.environ.get(_THREADS)
        os.environ[_THREADS] = "1"
        # Its threads start with its first picture.
        module.optimize_from_memory(_PIXEL, level=0)
        if before is None:
            del os.environ[_THREADS]
        else:
            os.environ[_THREADS] = before
    return module


def _coded_bytes(png: bytes) -> int:
    """Return how many bytes of a PNG are pixels; metadata of a small picture may be many more."""
    return sum(length for name, length in chunks(io.BytesIO(png)) if name == b"IDAT")


def _sequence_options(_images: spec.Images, request: spec.EncodeRequest) -> spec.Options:
    # The format holds seconds as a fraction of two 16-bit numbers.
    durations = [
        each if each <= _MAX_16_BIT else min(round(each, -3), _MAX_16_BIT * 1000) for each in request.durations
    ]
    return {"duration": durations, "loop": 1 if request.loop is None else request.loop}


def _metadata(blocks: MetadataBlocks, _warn: spec.Warn) -> spec.Options:
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    for key, text in {**blocks.texts, **_credit_texts(blocks)}.items():
        chunks.add_itxt(key, text)
    if blocks.xmp:
        chunks.add_itxt(XMP_KEYWORD, blocks.xmp)
    return {"exif": blocks.exif, "pnginfo": chunks if chunks.chunks else None, "dpi": blocks.resolution}


def _credit_texts(blocks: MetadataBlocks) -> dict[str, str]:
    """Return the texts of the credit that the picture does not bring itself."""
    credit = {AUTHOR: blocks.credit.creator, COPYRIGHT: blocks.credit.copyright}
    return {key: text for key, text in credit.items() if text and not blocks.texts.get(key, "").strip()}


def _decoder_memory(image: Any, pixels: float, _channels: int, file_size: int) -> float:
    """Return the bytes of decoding.

    The fast decoder gets the whole file, decodes into memory of its own, and copies that into ours, from which Pillow
    unpacks the image.
    """
    return file_size + pixels * FAST_MODES[image.mode] if image.mode in FAST_MODES and _has_fast_decoder() else 0


@cache
def _has_fast_decoder() -> bool:
    return FAST_DECODER.is_installed


SPEC = spec.FormatSpec(
    name="png",
    suffixes=(".png", ".apng"),
    plugin="Png",
    signature=rb"\x89PNG",
    accelerator=FAST_DECODER,
    packer=_OXIPNG,
    decoder_memory=_decoder_memory,
    animated=True,
    output=spec.OutputSpec(
        modes=frozenset({"L", "LA", "RGB", "RGBA", "I;16"}) | {"LA;16"} | spec.DEEP_COLORS,
        profile=True,
        animated=True,
        applies=frozenset({"lossless", "palette"}),
        browsers=spec.Browsers(all=True, rank=2),
        stores=frozenset(
            {spec.Block.EXIF, spec.Block.XMP, spec.Block.COMMENT, spec.Block.TEXTS, spec.Block.RESOLUTION}
        ),
        palette_alpha=True,
        memory=spec.EncodingMemory(plain=(1.5, 4, 4), thorough=(18, 24, 28), is_thorough=_uses_oxipng, frame=11),
        options=_options,
        shortcut="forkresize.image.encode.png_photograph:encode",
        is_hasty=_is_hasty,
        variants=_variants,
        are_good_enough=_are_good_enough,
        repack=_repack,
        sequence_options=_sequence_options,
        metadata=_metadata,
        rewriter="forkresize.image.container.png:rewrite",
    ),
)
