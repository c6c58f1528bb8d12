"""The decoder of the libwebp that Pillow has loaded, called without the canvases on which Pillow composes animations.

The structures are those of ``webp/decode.h``, whose layout is the same in all of version 1.
"""

import ctypes
import mmap
import os
from contextlib import suppress
from ctypes import POINTER, Structure, Union, addressof, byref, c_char_p, c_int, c_size_t, c_ubyte, c_uint32, c_void_p
from functools import cache
from importlib import import_module
from typing import ClassVar

_INTERFACE = 0x0209
"""The version of the header's interface (WEBP_DECODER_ABI_VERSION); the library refuses another upper byte."""

_MAJOR = 1
"""The version of the library, whose number has a byte for each part."""

_OK = 0
_RGBA = 1
"""A status, and a color space: of VP8StatusCode, and of WEBP_CSP_MODE."""

CHANNELS = 4

_UNTOUCHED = b"\xaa"


class _Features(Structure):
    _fields_: ClassVar = [
        *((name, c_int) for name in ("width", "height", "has_alpha", "has_animation", "format")),
        ("pad", c_uint32 * 5),
    ]


class _InterleavedBuffer(Structure):
    _fields_: ClassVar = [("pixels", c_void_p), ("stride", c_int), ("size", c_size_t)]


class _PlanarBuffer(Structure):
    _fields_: ClassVar = [
        *((name, c_void_p) for name in "yuva"),
        *((f"{name}_stride", c_int) for name in "yuva"),
        *((f"{name}_size", c_size_t) for name in "yuva"),
    ]


class _AnyBuffer(Union):
    _fields_: ClassVar = [("interleaved", _InterleavedBuffer), ("planar", _PlanarBuffer)]


class _Output(Structure):
    _fields_: ClassVar = [
        *((name, c_int) for name in ("colorspace", "width", "height", "is_external")),
        ("buffer", _AnyBuffer),
        ("pad", c_uint32 * 4),
        ("private", c_void_p),
    ]


class _Options(Structure):
    # All are zero, as Pillow has them: none of the 14, from the first on, is set by name.
    _fields_: ClassVar = [("options", c_int * 14), ("pad", c_uint32 * 5)]


class _Config(Structure):
    _fields_: ClassVar = [("input", _Features), ("output", _Output), ("options", _Options)]


class LibWebP:
    """The functions that decode.

    Raises:
        OSError: the library is not loaded.
        AttributeError: it does not show its functions, as part of another library.
        ValueError: its version or its structures are others.
    """

    def __init__(self, path: str) -> None:
        # Only what is loaded is found: a worker opens no libraries.
        library = ctypes.CDLL(path, mode=os.RTLD_NOW | os.RTLD_NOLOAD)
        self._initialize = library.WebPInitDecoderConfigInternal
        self._initialize.argtypes = [c_void_p, c_int]
        self._read_features = library.WebPGetFeaturesInternal
        self._read_features.argtypes = [c_char_p, c_size_t, POINTER(_Features), c_int]
        self._decode = library.WebPDecode
        self._decode.argtypes = [c_char_p, c_size_t, POINTER(_Config)]
        if library.WebPGetDecoderVersion() >> 16 != _MAJOR or not self._has_known_structures():
            raise ValueError("the version of libwebp is not known")

    def decode(self, data: bytes, size: tuple[int, int], *, alpha: bool) -> mmap.mmap | None:
        """Return the pixels of a still picture, each of four bytes, row by row without gaps; None if it refuses.

        Args:
            data: the chunk with its pixels, and that of its transparency before it. What comes behind them in a file
                would be read as well if they are damaged.
            size: width and height that it has to have.
            alpha: whether it may have transparency; without any, the fourth bytes are 255.

        Raises:
            OSError: there is no memory for the pixels.
        """
        config, (width, height) = _Config(), size
        if not self._initialize(byref(config), _INTERFACE):
            return None
        status = self._read_features(data, len(data), byref(config.input), _INTERFACE)
        found = config.input
        if status != _OK or (found.width, found.height) != size or (found.has_alpha and not alpha):
            return None
        pixels = _allocate(width * height * CHANNELS)
        # Not an array, whose type ctypes would make anew for each size, and which only a garbage collection frees.
        first = c_ubyte.from_buffer(pixels)
        output = config.output
        output.colorspace, output.is_external = _RGBA, 1
        interleaved = output.buffer.interleaved
        interleaved.pixels, interleaved.stride, interleaved.size = addressof(first), width * CHANNELS, len(pixels)
        return pixels if self._decode(data, len(data), byref(config)) == _OK else None

    def _has_known_structures(self) -> bool:
        """Return whether the library clears as many bytes as the structure has here, which it does to initialize it."""
        size = ctypes.sizeof(_Config)
        buffer = (c_ubyte * (2 * size)).from_buffer_copy(_UNTOUCHED * (2 * size))
        return bool(self._initialize(buffer, _INTERFACE)) and bytes(buffer) == bytes(size) + _UNTOUCHED * size


@cache
def find_libwebp() -> LibWebP | None:
    """Return the library that Pillow has loaded to read WebP; None if it is not one that is known here."""
    # Pillow's module finds the functions of the libraries that it depends on.
    path = import_module("PIL._webp").__file__
    try:
        return LibWebP(path) if path else None
    except (OSError, AttributeError, ValueError):
        return None


def _allocate(size: int) -> mmap.mmap:
    """Return memory of zeros, in large pages where the system has them: to get one takes longer than to fill it."""
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):
            memory.madvise(mmap.MADV_HUGEPAGE)
    return memory
