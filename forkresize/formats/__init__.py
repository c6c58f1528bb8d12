"""The file formats, a file each. Holds what is known of them without a picture, and loads no Pillow."""

from collections.abc import Mapping
from importlib import import_module

from forkresize.formats.others import OTHERS
from forkresize.formats.package import OptionalPackage
from forkresize.formats.spec import EncodeRequest, FormatSpec, OutputSpec
from forkresize.words import WordEnum

__all__ = [
    "APPLIES_TO",
    "DEFAULT_QUALITY",
    "EXTRAS",
    "OUTPUT_FORMATS",
    "SPECS",
    "SUBSTITUTES",
    "EncodeRequest",
    "Format",
    "FormatSpec",
    "OutputSpec",
    "media_type",
    "source_name",
    "source_spec",
    "writable_formats",
]


class Format(WordEnum):
    """The formats that an output can be asked for in, each declared by a module of its name or in ``others``.

    A format is also found by a file name suffix, such as ``jpg``.
    """

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    AVIF = "avif"
    JXL = "jxl"
    GIF = "gif"
    TIFF = "tiff"

    @classmethod
    def _missing_(cls, value: object) -> "Format | None":
        name = value.lower() if isinstance(value, str) else ""
        return next((each for each in cls if name == each or f".{name}" in SPECS[each].suffixes), None)

    @property
    def suffix(self) -> str:
        """The usual file name suffix, with its dot."""
        return SPECS[self].suffixes[0]


_OTHERS = {each.name: each for each in OTHERS}

SPECS: Mapping[str, FormatSpec] = {
    name: _OTHERS[name] if name in _OTHERS else import_module(f"{__name__}.{name}").SPEC for name in [*Format, *_OTHERS]
}
"""All formats by name, in the order in which a file is tried for them."""

OUTPUT_FORMATS: Mapping[str, OutputSpec] = {name: each.output for name, each in SPECS.items() if each.output}
"""The formats that can be written."""

DEFAULT_QUALITY: Mapping[str, int] = {
    name: OUTPUT_FORMATS[name].quality or 0 for name in Format if OUTPUT_FORMATS[name].quality
}
"""The formats that have a quality, with their defaults."""

APPLIES_TO: Mapping[str, frozenset[Format]] = {
    field: frozenset(name for name in Format if field in OUTPUT_FORMATS[name].applies)
    for field in ("lossless", "progressive", "subsampling", "palette", "ssim")
}
"""The fields of a rendition that have a meaning for some formats only."""


SUBSTITUTES: Mapping[str, Format] = {
    suffix: Format(each.substitute) for each in SPECS.values() if each.substitute for suffix in each.suffixes
}
"""The format of an output that keeps the format of its source, by suffixes of formats that cannot be written."""

EXTRAS: Mapping[str, OptionalPackage] = {
    package.extra: package
    for package in sorted(
        (
            package
            for each in SPECS.values()
            for package in (each.decoder, each.accelerator, each.packer, each.encoder)
            if package
        ),
        key=lambda package: package.extra,
    )
}
"""The packages that can be installed in addition, by extra."""


def writable_formats() -> list[Format]:
    """Return the formats of outputs that can be written here: some need a package."""
    packages = {name: SPECS[name].decoder for name in Format}
    return [name for name, package in packages.items() if package is None or package.is_installed]


def source_name(pillow_format: str | None) -> str:
    """Return the name of the format of an opened image, given in Pillow's terms; an MPO counts as a JPEG."""
    return "jpeg" if pillow_format == "MPO" else str(pillow_format).lower()


def source_spec(pillow_format: str | None) -> FormatSpec:
    """Return the format of an opened image, given in Pillow's terms."""
    return SPECS[source_name(pillow_format)]


def media_type(name: str) -> str:
    """Return the MIME type of a format."""
    return SPECS[name].media_type if name in SPECS else f"image/{name}"
