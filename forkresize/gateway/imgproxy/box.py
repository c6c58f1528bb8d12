"""From the box that a URL asks for to the size and the resize of a recipe."""

from typing import Any

from forkresize.errors import FieldError
from forkresize.gateway.imgproxy.arguments import FOCUS
from forkresize.gateway.imgproxy.geometry import SourceSize, is_landscape
from forkresize.gateway.imgproxy.options import GRAVITIES, Options
from forkresize.recipe import Fit, Gravity, Recipe, Size

_FITS = {"fit": Fit.INSIDE, "fill": Fit.COVER, "fill-down": Fit.COVER, "force": Fit.FILL}

_WHOLE = 100.0


def box_values(options: Options, base: Recipe, source: SourceSize | None) -> dict[str, Any]:
    """Return the values of a recipe's options for a box, by name.

    Args:
        options: of a URL.
        base: the recipe that they change.
        source: the size of the source after its rotation; needed for the type ``auto``.

    Raises:
        FieldError: the padding of a box is not possible with a type; or sides are out of range.
    """
    values = _sides(options, base.renditions[0].size)
    fit = _fit(options, base, source)
    if fit is not None:
        values["fit"] = fit
    if options.enlarge is not None:
        values["enlarge"] = options.enlarge
    if options.resample is not None:
        values["resample"] = options.resample
    return values | _gravity(options, fit)


def _sides(options: Options, before: Size) -> dict[str, Any]:
    """Return the size, multiplied by ``dpr`` and ``zoom``."""
    factor = options.dpr * options.zoom
    if options.width is None and options.height is None and (before.width or before.height) is None:
        return _scale(before, factor, enlarge=bool(options.enlarge)) if factor != 1 else {}
    if options.width is None and options.height is None and factor == 1:
        return {}
    width = before.width if options.width is None else options.width
    height = before.height if options.height is None else options.height
    return {"width": _multiply(width, factor), "height": _multiply(height, factor)}


def _multiply(side: int | None, factor: float) -> int | None:
    return max(1, round(side * factor)) if side else None


def _scale(before: Size, factor: float, *, enlarge: bool) -> dict[str, Any]:
    """Return a size that is not a box, multiplied by a factor."""
    for name in ("long_edge", "short_edge"):
        if (edge := getattr(before, name)) is not None:
            return {name: _multiply(edge, factor)}
    if before.megapixels is not None:
        return {"megapixels": before.megapixels * factor * factor}
    if before.scale is not None:
        return {"scale": tuple(side * factor for side in before.scale)}
    percent = _WHOLE * (factor if enlarge else min(factor, 1))
    return {"scale": (percent, percent)} if percent != _WHOLE else {}


def _fit(options: Options, base: Recipe, source: SourceSize | None) -> Fit | None:
    """Return the fit; None for that of the recipe.

    Raises:
        FieldError: the box cannot be padded.
    """
    kind = _choose(options, source) if options.size_type == "auto" else options.size_type
    before = base.renditions[0].size.fit or base.resize.fit
    fit = before if kind is None else _FITS[kind]
    if options.extend is False and kind is None and fit is Fit.CONTAIN:
        return Fit.INSIDE
    if not options.extend or not (options.width and options.height):
        return None if kind is None else fit
    if fit in {Fit.INSIDE, Fit.CONTAIN}:
        return Fit.CONTAIN
    if options.enlarge:
        # The picture fills the box in any case.
        return fit
    raise FieldError("extend", "is supported for the resizing type fit, or together with enlarge")


def _choose(options: Options, source: SourceSize | None) -> str:
    """Return what the type ``auto`` stands for."""
    assert source is not None  # noqa: S101  The recipe depends on it.
    width, height = options.width or source.width, options.height or source.height
    return "fill" if is_landscape(*source) == is_landscape(width, height) else "fit"


def _gravity(options: Options, fit: Fit | None) -> dict[str, Any]:
    """Return which part is kept, or where the picture lies in a padded box.

    Raises:
        FieldError: a gravity has offsets.
    """
    if fit is Fit.CONTAIN:
        return {"gravity": GRAVITIES[options.extend_place.kind], "focus": None}
    given = options.gravity
    if given is None:
        return {}
    if given.kind == FOCUS:
        return {"gravity": Gravity.CENTER, "focus": (given.x, given.y)}
    if given.x or given.y:
        if options.crop is not None and options.crop.gravity is None:
            # They are for the crop.
            return {}
        raise FieldError("gravity", "offsets are supported in crop only: use fp:X:Y for a point to keep")
    return {"gravity": GRAVITIES[given.kind], "focus": None}
