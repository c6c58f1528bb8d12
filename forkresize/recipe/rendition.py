"""One output of a picture: how large, in which format, how well. Knows nothing of steps."""

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import fields, force_setattr

from forkresize.errors import FieldError
from forkresize.formats import APPLIES_TO, DEFAULT_QUALITY, Format
from forkresize.recipe.enums import Subsampling, check_int, check_number, coerce_enums
from forkresize.recipe.size import Size

MAX_EFFORT = 10
MAX_COLORS = 256
MAX_BYTES = 10**15


class Rendition(Struct, frozen=True, kw_only=True):
    """One output of a picture.

    Attributes:
        size: how large it is to be.
        format: its format; None keeps the source's.
        quality: 1 to 100 for every format that has one, or a mapping from format to that.
        lossless: encode without loss where the format offers both.
        progressive: make a JPEG that shows coarsely at first.
        subsampling: at what resolution a JPEG or AVIF stores colors.
        effort: 1 is fastest and 10 makes the smallest file; None is what each format does best with.
        palette: reduce to so many colors, 2 to 256.
        max_bytes: lower the quality, then the size, until the file has no more bytes.
        ssim: the lowest quality whose structural similarity with the picture before encoding is at least this.

    Raises:
        FieldError: a value is out of its range, or contradicts another.
    """

    size: Size = field(default_factory=Size)
    format: Format | None = None
    quality: Mapping[str, int] | int | None = None
    lossless: bool = False
    progressive: bool = False
    subsampling: Subsampling = Subsampling.AUTO
    effort: int | None = None
    palette: int | None = None
    max_bytes: int | None = None
    ssim: float | None = None

    def __post_init__(self) -> None:
        coerce_enums(self, {"format": Format, "subsampling": Subsampling})
        check_int("effort", self.effort, 1, MAX_EFFORT)
        check_int("palette", self.palette, 2, MAX_COLORS)
        check_int("max_bytes", self.max_bytes, 1, MAX_BYTES)
        check_number("ssim", self.ssim, 0.01, 0.9999)
        qualities = _qualities(self.quality)
        force_setattr(self, "quality", qualities)
        if qualities and self.format is not None and self.format not in qualities:
            if self.format not in DEFAULT_QUALITY:
                raise FieldError("quality", f"{self.format} has none; {', '.join(DEFAULT_QUALITY)} have")
            raise FieldError("quality", f"none of {', '.join(qualities)} is the format of the output, {self.format}")
        self._refuse_contradictions()

    def quality_for(self, output: str) -> int | None:
        """The quality, 1 to 100, for an output in this format; None where the format has none or it is lossless."""
        if self.lossless and output in APPLIES_TO["lossless"]:
            return None
        asked = self.quality if isinstance(self.quality, Mapping) else {}
        return asked.get(output) or DEFAULT_QUALITY.get(output)

    def _refuse_contradictions(self) -> None:
        for name, formats in APPLIES_TO.items():
            if self.format is not None and self.format not in formats and getattr(self, name) != _DEFAULTS[name]:
                raise FieldError(name, f"means nothing to {self.format}; it is for {', '.join(sorted(formats))}")
        for one, other in (("ssim", "max_bytes"), ("ssim", "lossless"), ("max_bytes", "lossless")):
            if getattr(self, one) and getattr(self, other):
                raise FieldError(one, f"contradicts {other}: both would decide on the quality")


_DEFAULTS = {field.name: field.default for field in fields(Rendition)}


def _qualities(asked: int | Mapping[str, int] | None) -> dict[Format, int]:
    if asked is None:
        return {}
    each: Mapping[str, int] = asked if isinstance(asked, Mapping) else dict.fromkeys(DEFAULT_QUALITY, asked)
    for output, value in each.items():
        if output not in DEFAULT_QUALITY:
            raise FieldError("quality", f"{output!r} has no quality; {', '.join(DEFAULT_QUALITY)} have")
        check_int("quality", value, 1, 100)
    return {Format(output): each[output] for output in sorted(each)}
