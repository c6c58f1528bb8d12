"""One output of an image: its size, its format and how it is encoded."""

import contextlib
from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, field
from msgspec.structs import force_setattr

from forkresize.errors import ConflictError, FieldError
from forkresize.formats import APPLIES_TO, DEFAULT_QUALITY, Format
from forkresize.formats.spec import MAX_EFFORT
from forkresize.recipe.declaration import Declared, option
from forkresize.recipe.enums import SsimMetric, Subsampling
from forkresize.recipe.notations import BYTES, FORMAT, KEEP, QUALITY
from forkresize.recipe.size import Size

MAX_COLORS = 256

EXCLUSIVE = (("ssim", "max_bytes"), ("ssim", "lossless"), ("max_bytes", "lossless"))
"""Each of two would decide on the quality."""

_Quality = Annotated[int, Meta(ge=1, le=100)]
_Effort = Annotated[int, Meta(ge=1, le=MAX_EFFORT)]
_Colors = Annotated[int, Meta(ge=2, le=MAX_COLORS)]
_Bytes = Annotated[int, Meta(ge=1, le=10**15)]
_Similarity = Annotated[float, Meta(ge=0.01, le=0.9999)]

_DEFAULT_QUALITY = ",".join(f"{name}={quality}" for name, quality in DEFAULT_QUALITY.items())


class Rendition(Declared, frozen=True, kw_only=True):
    """One output of an image.

    Raises:
        FieldError: a value is out of range, or contradicts another.
    """

    size: Annotated[Size, Meta(description="How large the output is.")] = field(default_factory=Size)
    format: Annotated[
        Format | None,
        FORMAT,
        option(
            "Output format; several make several outputs. keep: that of the source.",
            "FORMAT",
            "-f",
            default=KEEP,
            several=True,
        ),
    ] = None
    quality: Annotated[
        Mapping[str, _Quality] | _Quality | None,
        QUALITY,
        option("1 to 100, for all formats or for each.", "N|FORMAT=N,…", "-q", default=_DEFAULT_QUALITY),
    ] = None
    lossless: Annotated[
        bool,
        option(
            "Lossless compression, for formats that have it (WebP, AVIF, JPEG XL). A JPEG, or another picture that is "
            "coded with loss, keeps its coded pixels, if its format stays and no step changes it: the quality has no "
            "effect on it, and a JPEG may become progressive."
        ),
    ] = False
    progressive: Annotated[bool, option("Write progressive JPEGs.", off="baseline")] = False
    subsampling: Annotated[Subsampling, option("Resolution of the colors in JPEG and AVIF.")] = Subsampling.AUTO
    effort: Annotated[
        _Effort | None, option("Encoder effort, 1 (fast) to 10 (small).", "N", default="depends on the format")
    ] = None
    palette: Annotated[_Colors | None, option("Reduce PNG or GIF to N colors, 2 to 256.", "N")] = None
    max_bytes: Annotated[
        _Bytes | None, BYTES, option("Largest output: lower the quality first, then the dimensions.", "SIZE")
    ] = None
    ssim: Annotated[
        _Similarity | None,
        option("Find the lowest quality with at least this similarity to the image before encoding.", "0..1"),
    ] = None
    ssim_metric: Annotated[SsimMetric, option("How similarity is measured.")] = SsimMetric.COLOR

    def __post_init__(self) -> None:
        super().__post_init__()
        force_setattr(self, "quality", qualities_by_format(self.quality))
        if self.format is not None:
            self._check_format(self.format)
        for one, other in EXCLUSIVE:
            if getattr(self, one) and getattr(self, other):
                raise ConflictError(one, other)

    def quality_for(self, output: str) -> int | None:
        """Return the quality, 1 to 100, in an output format; None if the format has none or the output is lossless."""
        if self.lossless and output in APPLIES_TO["lossless"]:
            return None
        by_format = self.quality if isinstance(self.quality, Mapping) else {}
        return by_format.get(output) or DEFAULT_QUALITY.get(output)

    def _check_format(self, output: Format) -> None:
        if isinstance(self.quality, Mapping) and self.quality and output not in self.quality:
            names = ", ".join(self.quality if output in DEFAULT_QUALITY else DEFAULT_QUALITY)
            raise FieldError("quality", f"does not apply to {output}, only to {names}")
        for name, formats in APPLIES_TO.items():
            if output not in formats and getattr(self, name) != getattr(_DEFAULTS, name):
                raise FieldError(name, f"does not apply to {output}, only to {', '.join(sorted(formats))}")


def qualities_by_format(quality: int | Mapping[str, int] | None) -> dict[Format, int]:
    """Return the quality for each format, in the order of their names.

    Args:
        quality: one for all formats that have one, or one for each of some formats.

    Raises:
        FieldError: a format has no quality, or is named twice.
    """
    if quality is None:
        return {}
    by_name: Mapping[str, int] = quality if isinstance(quality, Mapping) else dict.fromkeys(DEFAULT_QUALITY, quality)
    by_format = {_with_quality(name): number for name, number in by_name.items()}
    if len(by_format) < len(by_name):
        raise FieldError("quality", "contains the same format twice")
    return {output: by_format[output] for output in sorted(by_format)}


def _with_quality(name: str) -> Format:
    with contextlib.suppress(ValueError):
        output = Format(name)
        if output in DEFAULT_QUALITY:
            return output
    raise FieldError("quality", f"{name!r} has no quality: use {', '.join(DEFAULT_QUALITY)}")


_DEFAULTS = Rendition()
