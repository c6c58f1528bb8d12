"""Pillow's reader of TIFF, made to say what it does not support, and to read what it would misread."""

import io
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

from PIL import Image, TiffImagePlugin

from forkresize.image.decode.rebind import rebind
from forkresize.image.errors import PictureError
from forkresize.outcome import Reason

_BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _SAMPLES = 258, 259, 262, 266, 277
_OFFSETS, _PLANAR, _EXTRA, _SAMPLE_FORMAT, _WINDOWS_MEDIA = 273, 284, 338, 339, 0xBC01
"""Tags (TIFF 6.0, section 8 and later)."""

_NONE, _WEBP = 1, 50_001

_COMPRESSIONS = {
    6: "old-style JPEG",
    9: "JBIG",
    10: "JBIG",
    32_766: "NeXT",
    32_908: "PixarFilm",
    32_909: "PixarLog",
    33_003: "JPEG 2000",
    33_005: "JPEG 2000",
    34_661: "JBIG",
    34_712: "JPEG 2000",
    34_713: "Nikon NEF",
    34_715: "JBIG2",
    34_887: "LERC",
    34_892: "lossy JPEG of DNG",
    34_933: "PNG",
    34_934: "JPEG XR",
    _WEBP: "WebP",
    50_002: "JPEG XL",
    52_546: "JPEG XL of DNG",
}
"""Names of compressions that Pillow's tables lack, or name as it does not."""

_OPTIONAL = frozenset({"jpeg", "lzma", "zstd", "webp"})
"""Compressions, in Pillow's terms, that libtiff may have been built without."""

_COLORS = {
    0: "gray from white to black",
    1: "gray",
    2: "RGB",
    3: "a palette",
    4: "a mask",
    5: "CMYK",
    6: "YCbCr",
    8: "Lab",
    9: "ICC Lab",
    10: "ITU Lab",
    32_803: "a color filter array",
    32_844: "LogL",
    32_845: "LogLuv",
    34_892: "linear raw",
    51_177: "depth",
}
"""Names of color spaces (PhotometricInterpretation)."""

_WHITE_IS_ZERO, _LAB = 0, 8

_KINDS = {1: "", 2: " signed", 3: " float", 4: "", 5: " complex integer", 6: " complex float"}
"""Names of sample formats."""

_UNSIGNED, _FLOAT = 1, 3

_SEPARATE = 2
"""The planar configuration of channels that are stored one after the other."""

_BYTE, _MAX_16_BIT = 8, 65_535

_II, _MM = TiffImagePlugin.II, TiffImagePlugin.MM

_READ = {
    key: modes
    for key, modes in TiffImagePlugin.OPEN_INFO.items()
    # Their range is not agreed, so they can't be inverted.
    if not (key[1] == _WHITE_IS_ZERO and key[2] == (_FLOAT,))
} | {
    # The upper bytes of Lab at 16 bits are Lab at 8 bits (TIFF 6.0, section 23).
    (_II, _LAB, (1,), 1, (16, 16, 16), ()): ("RGB", "RGB;16L"),
    (_MM, _LAB, (1,), 1, (16, 16, 16), ()): ("RGB", "RGB;16B"),
    (_MM, _WHITE_IS_ZERO, (1,), 1, (16,), ()): ("I;16B", "I;16B"),
    (_MM, 1, (1,), 1, (32,), ()): ("I", "I;32B"),
    (_II, 1, (3,), 1, (64,), ()): ("F", "F;64F"),
    (_MM, 1, (3,), 1, (64,), ()): ("F", "F;64BF"),
}
"""Pillow's mode and raw mode, by byte order, color space, sample format, fill order, bits and further samples."""

_FROM_LIBTIFF = {"I;16BS": "I;16NS", "I;32B": "I;32N", "I;32BS": "I;32NS", "F;32BF": "F;32NF", "F;64BF": "F;64NF"}
"""Raw modes of the native byte order, in which libtiff returns pixels, by those that Pillow expects of it."""

_UNSUPPORTED = "unknown pixel mode", "Invalid value for samples per pixel"
"""What Pillow says of pixels that it does not read."""

Tags = Mapping[int, Any]


class TolerantTiffImageFile(TiffImagePlugin.TiffImageFile):
    """A TIFF without XMP that is stored as numbers or text, which Pillow takes for bytes.

    What Pillow misreads is corrected: 16-bit grays from white to black, big-endian numbers that are signed or floats
    and compressed, and separate channels of more than 8 bits. Lab of 16 bits is read at 8 bits.

    Raises:
        PictureError: the pixels of a page are not supported.
    """

    _setup_by_compression = rebind(TiffImagePlugin.TiffImageFile._setup, OPEN_INFO=_READ)  # noqa: SLF001
    _setup_for_libtiff = rebind(TiffImagePlugin.TiffImageFile._setup, OPEN_INFO=_READ, READ_LIBTIFF=True)  # noqa: SLF001

    def _reload_exif(self) -> None:
        # Pillow calls it for each page right after it has read the XMP and before anything uses it.
        packet = self.info.get("xmp", b"")
        if not isinstance(packet, bytes):
            del self.info["xmp"]
            warnings.warn(f"damaged XMP was dropped: it is of type {type(packet).__name__}", stacklevel=1)
        super()._reload_exif()

    def _setup(self) -> None:
        _check_compression(self.tag_v2)
        is_deep = max(self.tag_v2.get(_BITS, (1,)), default=1) > _BYTE
        try:
            if is_deep and self.tag_v2.get(_PLANAR) == _SEPARATE:
                self._setup_for_libtiff()
            else:
                self._setup_by_compression()
        except SyntaxError as error:
            if str(error) in _UNSUPPORTED or _is_misjudged(self.tag_v2):
                raise _unsupported_pixels(self.tag_v2) from error
            raise
        except IndexError as error:
            # Pillow has raw modes for fewer planes than there are.
            if self.tag_v2.get(_PLANAR) == _SEPARATE:
                raise _unsupported_pixels(self.tag_v2) from error
            raise
        if self.use_load_libtiff:
            (tile,) = self.tile
            assert isinstance(tile.args, tuple)  # noqa: S101 -- libtiff takes several.
            self.tile = [tile._replace(args=(_FROM_LIBTIFF.get(tile.args[0], tile.args[0]), *tile.args[1:]))]
        _warn_of_channels(len(self.tag_v2.get(_EXTRA, ())) - self.mode.upper().endswith("A"))

    def load_end(self) -> None:
        """Correct the pixels that were decoded; see ImageFile."""
        color, decoded = self.tag_v2.get(_PHOTOMETRIC, _WHITE_IS_ZERO), Image.Image()._new(self.im)  # noqa: SLF001
        if color == _WHITE_IS_ZERO and self.mode.startswith("I;16"):
            self._mode = "I;16"
            self.im = decoded.convert("I").point(lambda level: level * -1 + _MAX_16_BIT).convert("I;16").im
        elif color == _LAB and self.mode == "RGB":
            self._mode = "LAB"
            self.im = Image.frombytes("LAB", decoded.size, decoded.tobytes()).im
        elif self.mode == "I" and self.tag_v2.get(_SAMPLE_FORMAT, (1,))[0] == _UNSIGNED and _has_wrapped(decoded):
            raise PictureError(Reason.UNSUPPORTED, "TIFF with 32-bit integers from 2147483648 on is not supported")
        super().load_end()


def _warn_of_channels(number: int) -> None:
    """Warn of channels that are dropped, since they have no meaning (TIFF 6.0, ExtraSamples 0).

    Photoshop stores selections in them, and some programs alpha; libtiff, libvips and ImageMagick take them for alpha.
    """
    if number > 0:
        warnings.warn(f"channels beside the colors were dropped: {number} without a meaning in the file", stacklevel=1)


def _is_misjudged(tags: Tags) -> bool:
    """Return whether Pillow rejects a file although it is whole: one depth for several channels, in separate planes."""
    return tags.get(_PLANAR) == _SEPARATE and len(tags.get(_BITS, (1,))) == 1 and _EXTRA in tags and _OFFSETS in tags


def _has_wrapped(image: Image.Image) -> bool:
    least, _most = image.getextrema()
    return isinstance(least, int | float) and least < 0


def _check_compression(tags: Tags) -> None:
    compression = tags.get(_COMPRESSION, _NONE)
    name = TiffImagePlugin.COMPRESSION_INFO.get(compression)
    if _WINDOWS_MEDIA in tags:
        raise PictureError(Reason.UNSUPPORTED, "Windows Media Photo is not supported")
    if name is None or (name in _OPTIONAL and not _is_available(name)):
        title = _COMPRESSIONS.get(compression, name or compression)
        raise PictureError(Reason.UNSUPPORTED, f"TIFF compression {title} is not supported")


@cache
def _is_available(compression: str) -> bool:
    """Return whether libtiff was built with a compression."""
    try:
        Image.new("RGB", (8, 8)).save(io.BytesIO(), "TIFF", compression=compression)
    except OSError:
        return False
    return True


def _unsupported_pixels(tags: Tags) -> PictureError:
    bits, samples = tags.get(_BITS, (1,)), tags.get(_SAMPLES, 1)
    color, kinds = tags.get(_PHOTOMETRIC, _WHITE_IS_ZERO), dict.fromkeys(tags.get(_SAMPLE_FORMAT, (1,)))
    channels = f"{samples} x " if samples != 1 else ""
    depth = "/".join(str(number) for number in dict.fromkeys(bits))
    kind = "/".join(_KINDS.get(kind, f" format {kind}") for kind in kinds)
    extra = f", extra samples {', '.join(map(str, tags[_EXTRA]))}" if _EXTRA in tags else ""
    order = f", fill order {tags[_FILL_ORDER]}" if tags.get(_FILL_ORDER, 1) != 1 else ""
    pixels = f"{channels}{depth}-bit{kind} as {_COLORS.get(color, f'color space {color}')}{extra}{order}"
    return PictureError(Reason.UNSUPPORTED, f"TIFF with pixels of {pixels} is not supported")
