"""How large an output is to be: Size, and mogrify's notation of it. Knows no picture."""

import re
from typing import TypedDict

from msgspec import Struct
from msgspec.structs import force_setattr

from forkresize.errors import FieldError
from forkresize.recipe.enums import Fit, check_int, check_number, check_pair, coerce_enums

MAX_SIDE = 100_000
"""No format that can be written holds a longer side, in pixels."""

_WHOLE = 100.0
_MAX_PERCENT = 10_000.0
_MAX_MEGAPIXELS = MAX_SIDE * MAX_SIDE / 1e6

_NOTATIONS = (("width", "height"), ("long_edge",), ("short_edge",), ("scale",), ("megapixels",))
"""The ways to say a size; one excludes the others."""

_FITS = {"!": Fit.FILL, "^": Fit.OUTSIDE}

_GEOMETRY = re.compile(
    r"(?:(\d{1,12}(?:\.\d{1,12})?)(%)?)?(?:[xX](?:(\d{1,12}(?:\.\d{1,12})?)(%)?)?)?([%!<>^@]*)", re.ASCII
)


class _Limits(TypedDict):
    enlarge: bool | None
    shrink: bool


class Size(Struct, frozen=True, kw_only=True):
    """How large an output is to be; nothing said leaves the size as it is.

    Attributes:
        width: width of the target box in pixels; None leaves it to the height and the picture's ratio.
        height: height of the target box in pixels; None leaves it to the width likewise.
        long_edge: the longer side in pixels.
        short_edge: the shorter side in pixels.
        scale: width and height in per cent of the source's.
        megapixels: the area in millions of pixels.
        fit: how the picture meets the box where this size says so itself; None leaves it to the step that resizes.
        enlarge: whether a smaller picture is made larger where this size says so itself; None leaves it likewise, but
            whoever says 150 % has said it.
        shrink: whether a larger picture is made smaller.

    Raises:
        FieldError: a value is out of its range, or the size is said in two ways.
    """

    width: int | None = None
    height: int | None = None
    long_edge: int | None = None
    short_edge: int | None = None
    scale: tuple[float, float] | None = None
    megapixels: float | None = None
    fit: Fit | None = None
    enlarge: bool | None = None
    shrink: bool = True

    def __post_init__(self) -> None:
        coerce_enums(self, {"fit": Fit})
        for field in ("width", "height", "long_edge", "short_edge"):
            check_int(field, getattr(self, field), 1, MAX_SIDE)
        check_pair(self, "scale", 0.001, _MAX_PERCENT)
        check_number("megapixels", self.megapixels, 1e-6, _MAX_MEGAPIXELS)
        said = [names for names in _NOTATIONS if any(getattr(self, name) is not None for name in names)]
        if len(said) > 1:
            first, second = (" and ".join(names) for names in said[:2])
            raise FieldError(said[1][0], f"the size is said in two ways, by {first} and by {second}")
        if self.enlarge is None and self.scale and max(self.scale) > _WHOLE:
            force_setattr(self, "enlarge", True)

    @property
    def is_set(self) -> bool:
        """Whether it says anything."""
        return any(getattr(self, name) is not None for names in _NOTATIONS for name in names)

    @classmethod
    def parse(cls, text: str) -> "Size":
        """Return the size that mogrify's notation stands for.

        ``800x600`` is a box that the picture is brought inside, ``800x`` or ``800`` and ``x600`` one side of it,
        ``50%`` and ``50%x25%`` a scale, ``2000000@`` an area in pixels. Behind a box, ``!`` stretches to fill it,
        ``^`` is just outside it, ``>`` only makes smaller and ``<`` only larger.

        Raises:
            FieldError: it is no such notation.
        """
        found = _GEOMETRY.fullmatch(text.strip())
        try:
            size = _from_notation(found) if found else None
        except FieldError as error:
            raise FieldError("size", f"{text!r}: {error}") from None
        if size is None:
            raise FieldError("size", f"{text!r} is no geometry; 800x600, 800x, x600, 50%, 2000000@ are, and 800x600!")
        return size


def _from_notation(found: re.Match[str]) -> Size | None:
    across, _, down, _, suffix = found.groups()
    flags = set(suffix)
    if len(flags) < len(suffix) or {"!", "^"} <= flags or {"<", ">"} <= flags or not (across or down):
        return None
    if "%" in found[0]:
        return _percent(found, flags)
    if "@" in flags:
        return (
            Size(megapixels=float(across) / 1e6, **_limits(flags))
            if "x" not in found[0].lower() and not flags & _FITS.keys()
            else None
        )
    if "." in found[0]:
        return None
    fit = next((_FITS[flag] for flag in flags & _FITS.keys()), None)
    return Size(width=_pixels(across), height=_pixels(down), fit=fit, **_limits(flags))


def _percent(found: re.Match[str], flags: set[str]) -> Size | None:
    across, _, down, _, _ = found.groups()
    if flags - {"%", "!", "<", ">"}:
        return None
    return Size(scale=(float(across or down), float(down or across)), **_limits(flags))


def _pixels(text: str | None) -> int | None:
    return int(text) if text else None


def _limits(flags: set[str]) -> "_Limits":
    if "<" in flags:
        return {"enlarge": True, "shrink": False}
    return {"enlarge": False, "shrink": True} if ">" in flags else {"enlarge": None, "shrink": True}
