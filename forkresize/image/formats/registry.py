"""Which formats are read, how they are told apart, and what each that is written can hold. Tables only.

Left out on purpose are what starts another program or opens whatever is embedded (EPS, WMF, IPTC), what is unpacked
without a limit (FITS), what Pillow can name but not decode (GRIB, BUFR, HDF5, MPEG), what needs another package (FPX,
MIC), and what is on its way out of Pillow or of use to nobody (IM, IMT).
"""

import re

from msgspec import Struct

from forkresize.recipe import Format

# MPO is missing because Pillow comes to it by way of JPEG. The order is that of trying: usual formats first, and those
# without a signature last.
_PLUGINS = {
    "JPEG": ("Jpeg", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo")),
    "PNG": ("Png", (".png", ".apng")),
    "WEBP": ("WebP", (".webp",)),
    "AVIF": ("Avif", (".avif", ".avifs")),
    "GIF": ("Gif", (".gif",)),
    "TIFF": ("Tiff", (".tif", ".tiff")),
    "BMP": ("Bmp", (".bmp",)),
    "JPEG2000": ("Jpeg2K", (".jp2", ".j2k", ".jpc", ".jpf", ".jpx", ".j2c")),
    "ICO": ("Ico", (".ico",)),
    "CUR": ("Cur", (".cur",)),
    "ICNS": ("Icns", (".icns",)),
    "PPM": ("Ppm", (".ppm", ".pgm", ".pbm", ".pnm", ".pfm")),
    "QOI": ("Qoi", (".qoi",)),
    "PSD": ("Psd", (".psd",)),
    "DDS": ("Dds", (".dds",)),
    "BLP": ("Blp", (".blp",)),
    "FTEX": ("Ftex", (".ftc", ".ftu")),
    "SGI": ("Sgi", (".sgi", ".rgb", ".rgba", ".bw")),
    "SUN": ("Sun", (".ras",)),
    "DCX": ("Dcx", (".dcx",)),
    "FLI": ("Fli", (".fli", ".flc")),
    "MSP": ("Msp", (".msp",)),
    "PIXAR": ("Pixar", (".pxr",)),
    "XBM": ("Xbm", (".xbm",)),
    "XPM": ("Xpm", (".xpm",)),
    "PCD": ("Pcd", (".pcd",)),
    "XVTHUMB": ("XVThumb", ()),
    "DIB": ("Bmp", (".dib",)),
    "PCX": ("Pcx", (".pcx",)),
    "TGA": ("Tga", (".tga", ".icb", ".vda", ".vst")),
    "GBR": ("Gbr", (".gbr",)),
    "MCIDAS": ("McIdas", ()),
    "SPIDER": ("Spider", (".spi", ".spider")),
}

WITHOUT_SIGNATURE = frozenset({"DIB", "PCX", "TGA", "GBR", "SPIDER"})
"""Formats without a signature worth the name; a file counts as one only if its suffix says so as well."""

WITH_SIGNATURE = tuple(name for name in _PLUGINS if name not in WITHOUT_SIGNATURE)
"""Pillow's names of the formats that are told by content alone, in the order of trying."""

PLUGINS = tuple(dict.fromkeys(plugin for plugin, _suffixes in _PLUGINS.values()))
"""The modules of Pillow that read and write them, without their common ending."""

SUFFIXES = {suffix: name for name, (_plugin, suffixes) in _PLUGINS.items() for suffix in suffixes}
"""File name suffix to format."""

SIGNATURE = re.compile(
    rb"\xff\xd8\xff"  # JPEG
    rb"|\x89PNG"
    rb"|RIFF....WEBP"
    rb"|....ftypavi[fs]"
    rb"|GIF8[79]a"
    rb"|II\x2a\0|MM\0\x2a|II\x2b\0|MM\0\x2b"  # TIFF, BigTIFF
    rb"|BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0"  # BMP, told by the sizes its second header can have
    rb"|\0\0\0\x0cjP {2}\r\n\x87\n|\xff\x4f\xff\x51"  # JPEG 2000, boxed and bare
    rb"|icns|qoif|8BPS\0\x01|DDS |BLP[12]"
    rb"|\0\0[\1\2]\0[\x01-\x40]\0...\0"  # ICO and CUR, with a first entry
    rb"|P[1-6fF]\s+(#|\d+\s+\d+\s)",  # PPM and its family
    re.DOTALL,
)
"""Beginnings that leave no doubt what a file was meant to be, even if it can't be opened."""

SIGNATURE_LENGTH = 64
"""How many bytes the longest of them needs, names in them included."""

PLAIN_SIGNATURE = re.compile(
    rb"\x01\xda|\x59\xa6\x6a\x95|\xb1\x68\xde\x3a|\x80\xe8\0\0"  # SGI, SUN, DCX, PIXAR
    rb"|....[\x11\x12]\xaf|DanM|LinS|FTEX|\0{7}\x04"  # FLI, MSP, FTEX, MCIDAS
    rb"|/\* XPM \*/|\s*#define\s+\S*width\s"  # XPM, XBM
    rb"|P[1-7fFy]"  # PPM with whatever it is that follows, and XVTHUMB
    rb"|....ftyp(mif1|msf1)",  # AVIF under another brand
    re.DOTALL,
)
"""Beginnings that pictures of rare formats have, and other files as well."""

UNREADABLE = {
    "HEIC": re.compile(rb"....ftyp(hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL),
    "JPEG XL": re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "),
    "PostScript": re.compile(rb"%!PS|\xc5\xd0\xd3\xc6"),
}
"""Beginnings of pictures in formats that are not read, by what the formats are called."""


class FormatCapabilities(Struct, frozen=True):
    """What a format that is written can hold.

    Attributes:
        modes: the pixel modes that survive, in Pillow's words.
        max_side: the longest side, in pixels.
        profile: whether it has a place for a color profile.
        animated: whether it can hold several frames, each for its time.
        paged: whether it can hold several pages.
    """

    modes: frozenset[str]
    max_side: int
    profile: bool = False
    animated: bool = False
    paged: bool = False


_COLORS = frozenset({"L", "RGB"})
_COLORS_ALPHA = frozenset({"RGB", "RGBA"})
_ALL_8_BIT = frozenset({"L", "LA", "RGB", "RGBA"})

OUTPUT_FORMATS = {
    # libjpeg stops at 65,500; libavif's decoder at 32,768.
    Format.JPEG: FormatCapabilities(_COLORS | {"CMYK"}, 65_500, profile=True),
    Format.PNG: FormatCapabilities(_ALL_8_BIT | {"I;16"}, 2**31 - 1, profile=True, animated=True),
    Format.WEBP: FormatCapabilities(_COLORS_ALPHA, 16_383, profile=True, animated=True),
    Format.AVIF: FormatCapabilities(_COLORS | {"RGBA"}, 32_768, profile=True, animated=True),
    Format.GIF: FormatCapabilities(_COLORS | {"RGBA"}, 65_535, animated=True),
    Format.TIFF: FormatCapabilities(_ALL_8_BIT | {"CMYK", "I;16", "I", "F"}, 2**31 - 1, profile=True, paged=True),
    "bmp": FormatCapabilities(_COLORS, 2**31 - 1),
    "dib": FormatCapabilities(_COLORS, 2**31 - 1),
    "dds": FormatCapabilities(_ALL_8_BIT, 2**31 - 1),
    "ico": FormatCapabilities(frozenset({"RGBA"}), 256),
    "jpeg2000": FormatCapabilities(_ALL_8_BIT | {"I;16"}, 2**31 - 1),
    "pcx": FormatCapabilities(_COLORS, 65_535),
    "ppm": FormatCapabilities(_COLORS | {"I;16", "F"}, 2**31 - 1),
    "qoi": FormatCapabilities(_COLORS_ALPHA, 2**31 - 1),
    "sgi": FormatCapabilities(_COLORS | {"RGBA"}, 65_535),
    "tga": FormatCapabilities(_ALL_8_BIT, 65_535),
}
"""The formats that can be written, by Pillow's lower-case name."""
