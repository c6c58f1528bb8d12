"""The formats that are only read, or that are written only if the source has them and the output keeps its format.

Left out on purpose are formats whose decoder starts another program or opens embedded files (EPS, WMF, IPTC), unpacks
without a limit (FITS), or only identifies (GRIB, BUFR, HDF5, MPEG), that need another package (FPX, MIC), and that
Pillow is about to drop, or that are out of use (IM, IMT).
"""

from typing import Any

from forkresize.formats import heif, raw, spec

_COLORS = frozenset({"L", "RGB"})
_COLORS_ALPHA = frozenset({"RGB", "RGBA"})
_ALL_8_BIT = frozenset({"L", "LA", "RGB", "RGBA"})

_MAX_16_BIT = 65_535


def _ico_options(request: spec.EncodeRequest) -> spec.Options:
    return {"sizes": [request.size]}


def _jpeg2000_memory(_image: Any, pixels: float, channels: int, _file_size: int) -> float:
    """Return the bytes of decoding to 32 bits a value, and of a transformed copy."""
    return pixels * 5.5 * channels


OTHERS = (
    spec.FormatSpec(
        name="bmp",
        suffixes=(".bmp",),
        plugin="Bmp",
        signature=rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0",  # by the sizes that its second header can have
        decoder_memory=spec.in_place,
        output=spec.OutputSpec(
            modes=_COLORS,
            browsers=spec.Browsers(all=True, rank=4),
            stores=frozenset({spec.Block.RESOLUTION}),
            metadata=lambda blocks, _warn: {"dpi": blocks.resolution},
        ),
    ),
    spec.FormatSpec(
        name="jpeg2000",
        suffixes=(".jp2", ".j2k", ".jpc", ".jpf", ".jpx", ".j2c"),
        media_type="image/jp2",
        plugin="Jpeg2K",
        signature=rb"\0\0\0\x0cjP {2}\r\n\x87\n|\xff\x4f\xff\x51",  # boxed and bare
        decoder_memory=_jpeg2000_memory,
        output=spec.OutputSpec(modes=_ALL_8_BIT | {"I;16"}),
    ),
    spec.FormatSpec(
        name="ico",
        suffixes=(".ico",),
        media_type="image/vnd.microsoft.icon",
        plugin="Ico",
        signature=rb"\0\0\x01\0[\x01-\x40]\0...\0",  # with a first entry
        output=spec.OutputSpec(
            modes=frozenset({"RGBA"}), max_side=256, browsers=spec.Browsers(all=True, rank=5), options=_ico_options
        ),
    ),
    spec.FormatSpec(name="cur", suffixes=(".cur",), plugin="Cur", signature=rb"\0\0\x02\0[\x01-\x40]\0...\0"),
    spec.FormatSpec(name="icns", suffixes=(".icns",), plugin="Icns", signature=rb"icns"),
    spec.FormatSpec(
        name="ppm",
        suffixes=(".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
        media_type="image/x-portable-anymap",
        plugin="Ppm",
        signature=rb"P[1-6fF]\s+(#|\d+\s+\d+\s)",
        weak_signature=rb"P[1-6fFy]",
        decoder_memory=spec.in_place,
        output=spec.OutputSpec(modes=_COLORS | {"I;16", "F"}),
    ),
    spec.FormatSpec(
        name="qoi", suffixes=(".qoi",), plugin="Qoi", signature=rb"qoif", output=spec.OutputSpec(modes=_COLORS_ALPHA)
    ),
    spec.FormatSpec(name="psd", suffixes=(".psd",), plugin="Psd", signature=rb"8BPS\0\x01"),
    spec.FormatSpec(
        name="dds",
        suffixes=(".dds",),
        media_type="image/vnd.ms-dds",
        plugin="Dds",
        signature=rb"DDS ",
        output=spec.OutputSpec(modes=_ALL_8_BIT),
    ),
    spec.FormatSpec(name="blp", suffixes=(".blp",), plugin="Blp", signature=rb"BLP[12]"),
    spec.FormatSpec(name="ftex", suffixes=(".ftc", ".ftu"), plugin="Ftex", weak_signature=rb"FTEX"),
    spec.FormatSpec(
        name="sgi",
        suffixes=(".sgi", ".rgb", ".rgba", ".bw"),
        plugin="Sgi",
        weak_signature=rb"\x01\xda",
        output=spec.OutputSpec(modes=_COLORS | {"RGBA"}, max_side=_MAX_16_BIT),
    ),
    spec.FormatSpec(name="sun", suffixes=(".ras",), plugin="Sun", weak_signature=rb"\x59\xa6\x6a\x95"),
    spec.FormatSpec(name="dcx", suffixes=(".dcx",), plugin="Dcx", weak_signature=rb"\xb1\x68\xde\x3a"),
    spec.FormatSpec(
        name="fli", suffixes=(".fli", ".flc"), plugin="Fli", weak_signature=rb"....[\x11\x12]\xaf", animated=True
    ),
    spec.FormatSpec(name="msp", suffixes=(".msp",), plugin="Msp", weak_signature=rb"DanM|LinS"),
    spec.FormatSpec(name="pixar", suffixes=(".pxr",), plugin="Pixar", weak_signature=rb"\x80\xe8\0\0"),
    spec.FormatSpec(name="xbm", suffixes=(".xbm",), plugin="Xbm", weak_signature=rb"\s*#define\s+\S*width\s"),
    spec.FormatSpec(name="xpm", suffixes=(".xpm",), plugin="Xpm", weak_signature=rb"/\* XPM \*/"),
    spec.FormatSpec(name="pcd", suffixes=(".pcd",), plugin="Pcd"),  # its signature comes after 2,048 bytes
    spec.FormatSpec(name="xvthumb", plugin="XVThumb", weak_signature=rb"P7"),
    spec.FormatSpec(name="mcidas", plugin="McIdas", weak_signature=rb"\0{7}\x04"),
    spec.FormatSpec(
        name="dib",
        suffixes=(".dib",),
        media_type="image/bmp",
        plugin="Bmp",
        by_suffix=True,
        decoder_memory=spec.in_place,
        output=spec.OutputSpec(modes=_COLORS),
    ),
    spec.FormatSpec(
        name="pcx",
        suffixes=(".pcx",),
        media_type="image/vnd.zbrush.pcx",
        plugin="Pcx",
        by_suffix=True,
        decoder_memory=spec.in_place,
        output=spec.OutputSpec(modes=_COLORS, max_side=_MAX_16_BIT),
    ),
    spec.FormatSpec(
        name="tga",
        suffixes=(".tga", ".icb", ".vda", ".vst"),
        media_type="image/x-tga",
        plugin="Tga",
        by_suffix=True,
        decoder_memory=spec.in_place,
        output=spec.OutputSpec(modes=_ALL_8_BIT, max_side=_MAX_16_BIT),
    ),
    spec.FormatSpec(name="gbr", suffixes=(".gbr",), plugin="Gbr", by_suffix=True),
    spec.FormatSpec(name="spider", suffixes=(".spi", ".spider"), plugin="Spider", by_suffix=True),
    heif.SPEC,
    raw.SPEC,
    spec.FormatSpec(name="postscript", label="PostScript", signature=rb"%!PS|\xc5\xd0\xd3\xc6"),
)
"""In the order in which Pillow tries them, after those that an output can be asked for in."""
