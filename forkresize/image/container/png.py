"""Replaces the metadata of a PNG (W3C, third edition)."""

import io
import zlib
from collections.abc import Iterator

from forkresize.formats.metadata import EXIF_HEADER
from forkresize.formats.png import SIGNATURE, XMP_KEYWORD, chunks, make_chunk
from forkresize.formats.spec import UnsupportedContainerError
from forkresize.image import metadata
from forkresize.image.container import check_orientation
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.metadata import MetadataBlocks

Part = tuple[bytes, bytes]
"""Name and content of a chunk."""

_KEPT = frozenset(b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP mDCV cLLI sBIT bKGD pHYs acTL fcTL fdAT".split())
"""The chunks that make pixels, colors and frames."""

_ANCILLARY = 0x20
"""Set in the first byte of the names of chunks that decoding does not need."""

_XMP = XMP_KEYWORD.encode()
_MAY_TURN = frozenset({_XMP, b"Raw profile type exif", b"Raw profile type xmp"})

_TEXTS = {b"tEXt": b"", b"zTXt": b"\0", b"iTXt": b"\1\0"}
"""What follows the keyword of a compressed text, by chunk; the languages of an iTXt come after that."""

_DEFLATE = b"\0"
"""The compression method of a profile."""

_MAX_INFLATED = 1 << 20
"""Bytes of a profile or text that Pillow decompresses."""


def rewrite(data: bytes, blocks: MetadataBlocks) -> bytes:
    """Return a PNG with other metadata.

    Raises:
        UnsupportedContainerError: it is damaged, turned by its metadata in another way, or hides whether it is.
        struct.error: it ends too early.
    """
    parts = list(_checked_chunks(data))
    if parts[0][0] != b"IHDR":
        raise UnsupportedContainerError
    check_orientation(_metadata_of(parts), blocks)
    header, *others = [_chunk(*part) for part in parts if _is_kept(*part)]
    return b"".join([SIGNATURE, header, *_embed(blocks), *others])


def _checked_chunks(data: bytes) -> Iterator[Part]:
    """Yield the chunks up to the end of the image."""
    if not data.startswith(SIGNATURE):
        raise UnsupportedContainerError
    file = io.BytesIO(data)
    for name, length in chunks(file):
        content = file.read(length)
        if file.read(4) != zlib.crc32(name + content).to_bytes(4):
            raise UnsupportedContainerError
        yield name, content
        if name == b"IEND":
            return
    raise UnsupportedContainerError


def _metadata_of(parts: list[Part]) -> dict[str, bytes | str]:
    """Return the metadata that can hold the orientation, as Pillow reads it."""
    info: dict[str, bytes | str] = {}
    for name, content in parts:
        key, _zero, text = content.partition(b"\0")
        if name == b"eXIf":
            info["exif"] = content
        elif name == b"iTXt" and key == _XMP and text.startswith(b"\0"):
            info["xmp"] = text
        elif name in _TEXTS and key in _MAY_TURN:
            plain = text if name == b"tEXt" else _inflate_text(text, _TEXTS[name])
            if key == _XMP:
                info["xmp"] = plain
            else:
                info[key.decode()] = plain.decode("latin-1")
    return info


def _inflate_text(text: bytes, header: bytes) -> bytes:
    """Return a compressed text.

    Args:
        text: what follows its keyword.
        header: how that begins.

    Raises:
        UnsupportedContainerError: it is damaged, or too long.
    """
    if not text.startswith(header):
        raise UnsupportedContainerError
    coded = text.removeprefix(header)
    if len(header) > 1:
        coded = coded.split(b"\0", 2)[-1]
    plain = _inflate(coded)
    if plain is None:
        raise UnsupportedContainerError
    return plain


def _inflate(coded: bytes) -> bytes | None:
    """Return what zlib compressed; None if it is damaged, or longer than Pillow accepts."""
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(coded, _MAX_INFLATED)
    except zlib.error:
        return None
    return plain if stream.eof else None


def _is_kept(name: bytes, content: bytes) -> bool:
    if name not in _KEPT and not name[0] & _ANCILLARY:
        raise UnsupportedContainerError
    if name == b"iCCP":
        # Pillow does not open a file with a damaged profile, and the reader ignored it.
        _name, _zero, profile = content.partition(b"\0")
        return profile.startswith(_DEFLATE) and bool(_inflate(profile.removeprefix(_DEFLATE)))
    return name in _KEPT


def _chunk(name: bytes, content: bytes) -> bytes:
    """Return a chunk, without the name of a profile."""
    if name == b"iCCP":
        # That is free text.
        _name, _zero, profile = content.partition(b"\0")
        content = b"ICC profile\0" + profile
    return make_chunk(name, content)


def _embed(blocks: MetadataBlocks) -> Iterator[bytes]:
    options = metadata.save_options(blocks, "png", Diagnostics())
    if "exif" in options:
        yield _chunk(b"eXIf", options["exif"].removeprefix(EXIF_HEADER))
    if "pnginfo" in options:
        for name, content, _after in options["pnginfo"].chunks:
            yield _chunk(name, _compress_text(content))


def _compress_text(content: bytes) -> bytes:
    """Return the content of an iTXt without languages, its text compressed if that takes fewer bytes.

    XMP stays as it is, so that programs find it that know no PNG (XMP, part 3, 1.1.5).
    """
    key, _zero, rest = content.partition(b"\0")
    text = rest.removeprefix(bytes(4))
    packed = key + b"\0\1\0\0\0" + zlib.compress(text, 9)
    is_better = key != _XMP and len(packed) < len(content) and len(text) < _MAX_INFLATED
    return packed if is_better else content
