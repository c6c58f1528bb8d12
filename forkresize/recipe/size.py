"""How large an output is: Size, and mogrify's notation for it."""

import re
from typing import Annotated, Any

from msgspec import Meta
from msgspec.structs import force_setattr

from forkresize.errors import ConflictError, FieldError
from forkresize.recipe.declaration import Declared, Shorthand, format_value, notation, option
from forkresize.recipe.enums import Fit
from forkresize.recipe.notations import PERCENT

MAX_SIDE = 100_000
"""The longest side in pixels; no output format holds a longer one."""

SIZE_MODES = (("width", "height"), ("long_edge",), ("short_edge",), ("scale",), ("megapixels",))
"""The ways to specify a size; they exclude each other."""

Side = Annotated[int, Meta(ge=1, le=MAX_SIDE)]
_Percent = Annotated[float, Meta(ge=0.001, le=10_000)]
_Megapixels = Annotated[float, Meta(ge=1e-6, le=MAX_SIDE * MAX_SIDE // 10**6)]

_WHOLE = 100.0

_FITS = {"!": Fit.FILL, "^": Fit.OUTSIDE}

_GEOMETRY = r"(?:(\d{1,12}(?:\.\d{1,12})?)(%)?)?(?:[xX](?:(\d{1,12}(?:\.\d{1,12})?)(%)?)?)?([%!<>^@]*)"

_EXPECTED = "a geometry such as 800x600, 800x, x600, 50%, 2000000@ or 800x600!"

_HELP = (
    "Size in mogrify's notation: 800x600 (box), 800x or x600 (one side), 50%, 2000000@ (area). After a box, ! "
    "stretches to it, ^ encloses it, > only shrinks and < only enlarges."
)


class Size(Declared, frozen=True, kw_only=True):
    """How large an output is; by default it has the size of the source.

    Raises:
        FieldError: a value is out of range, or the size is specified in two ways.
    """

    shorthand = Shorthand(
        _HELP,
        "GEOMETRY",
        notation=notation(_EXPECTED, lambda text: Size.parse(text)),  # noqa: PLW0108 (not defined yet)
    )
    group = "Size"

    width: Annotated[
        Side | None, option("Width of the target box; several make several outputs.", "PX", "-w", several=True)
    ] = None
    height: Annotated[
        Side | None, option("Height of the target box. One side alone keeps the aspect ratio.", "PX", several=True)
    ] = None
    long_edge: Annotated[Side | None, option("Length of the longer side.", "PX")] = None
    short_edge: Annotated[Side | None, option("Length of the shorter side.", "PX")] = None
    scale: Annotated[
        tuple[_Percent, _Percent] | None, PERCENT, option("Percentage of the source's width and height.", "PERCENT")
    ] = None
    megapixels: Annotated[_Megapixels | None, option("Area in millions of pixels.", "MP")] = None
    fit: Annotated[Fit | None, Meta(description="Overrides the fit of the resize step.")] = None
    enlarge: Annotated[bool | None, Meta(description="Overrides enlarge of the resize step.")] = None
    shrink: Annotated[bool, Meta(description="Whether to shrink larger images.")] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        modes = [names for names in SIZE_MODES if any(getattr(self, name) is not None for name in names)]
        if len(modes) > 1:
            first, second = (next(name for name in mode if getattr(self, name) is not None) for mode in modes[:2])
            raise ConflictError(second, first)
        if self.enlarge is None and self.scale and max(self.scale) > _WHOLE:
            force_setattr(self, "enlarge", True)

    @classmethod
    def parse(cls, text: str) -> "Size":
        """Return the size that mogrify's notation specifies.

        ``800x600`` is a box that the image fits within, ``800x``, ``800`` and ``x600`` are one side of it, ``50%`` and
        ``50%x25%`` a scale, ``2000000@`` an area in pixels. After a box, ``!`` stretches to it, ``^`` encloses it,
        ``>`` only shrinks and ``<`` only enlarges.

        Raises:
            FieldError: the text does not have this notation.
        """
        found = re.fullmatch(_GEOMETRY, text.strip(), re.ASCII)
        try:
            size = _from_notation(found) if found else None
        except FieldError as error:
            raise FieldError("size", f"invalid size {text!r}: {error}") from None
        if size is None:
            raise FieldError("size", f"invalid size {format_value(text)}: use {_EXPECTED}")
        return size


def _from_notation(found: re.Match[str]) -> Size | None:
    across, _, down, _, suffix = found.groups()
    flags = set(suffix)
    if len(flags) < len(suffix) or {"!", "^"} <= flags or {"<", ">"} <= flags or not (across or down):
        return None
    limits: dict[str, Any] = {"shrink": "<" not in flags, "enlarge": "<" in flags if flags & {"<", ">"} else None}
    fits = flags & _FITS.keys()
    if "%" in found[0]:
        scale = float(across or down), float(down or across)
        return None if flags - {"%", "!", "<", ">"} else Size(scale=scale, **limits)
    if "@" in flags:
        return None if "x" in found[0].lower() or fits else Size(megapixels=float(across) / 1e6, **limits)
    if "." in found[0]:
        return None
    width, height = (int(side) if side else None for side in (across, down))
    return Size(width=width, height=height, fit=_FITS[fits.pop()] if fits else None, **limits)
