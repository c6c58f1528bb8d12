"""From the flat options that flags are to the steps and renditions of a recipe. Parses no command line."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypedDict

from forkresize.errors import FieldError
from forkresize.formats import APPLIES_TO, DEFAULT_QUALITY
from forkresize.recipe.rendition import Rendition
from forkresize.recipe.size import Size
from forkresize.recipe.steps import (
    Blur,
    Border,
    Crop,
    Flip,
    Grayscale,
    Resize,
    Rotate,
    Sharpen,
    Step,
    Trim,
    Watermark,
)

KEEP = "keep"
"""Stands for the source's own format."""

TILE = "tile"
"""Stands for a watermark all over the picture."""


class Options(TypedDict, total=False):
    """What flags can say of a recipe, by the flags' names; words may be plain strings."""

    width: int | Sequence[int] | None
    height: int | Sequence[int] | None
    size: Size | str | None
    long_edge: int | None
    short_edge: int | None
    scale: float | None
    megapixels: float | None
    fit: str
    gravity: str
    focus: tuple[float, float] | str | None
    enlarge: bool
    resample: str
    linear: bool
    auto_orient: bool
    rotate: float | None
    flip: str | None
    crop: Crop | str | None
    trim: bool
    grayscale: bool
    blur: float | None
    sharpen: Sharpen | str | None
    border: int | None
    background: tuple[int, int, int, int]
    watermark: str | None
    watermark_text: str | None
    watermark_gravity: str
    watermark_scale: float
    watermark_opacity: float
    watermark_margin: float
    watermark_font: str | None
    format: str | Sequence[str] | None
    quality: int | Mapping[str, int] | None
    lossless: bool
    progressive: bool
    subsampling: str
    effort: int | None
    palette: int | None
    max_bytes: int | None
    ssim: float | None
    if_larger: str
    metadata: str
    color: str
    animation: str
    on_truncated: str
    max_pixels: int
    max_frames: int
    max_file_size: int


_RESIZE = ("fit", "gravity", "enlarge", "resample", "linear")
_SIZE = ("long_edge", "short_edge", "megapixels")
_WATERMARK = ("gravity", "scale", "opacity", "margin", "font")
_RENDITION = ("lossless", "progressive", "subsampling", "effort", "palette", "max_bytes", "ssim")


def steps_of(options: Options) -> tuple[Step, ...]:
    """Return the steps that are asked for, in the order in which flags have them.

    Raises:
        FieldError: a value is out of its range.
    """
    return tuple(step for step in _steps(options) if step is not None)


def renditions_of(options: Options) -> tuple[Rendition, ...]:
    """Return the renditions that are asked for: every size in every format.

    Raises:
        FieldError: a value is out of its range, or contradicts another.
    """
    formats = [None if name in {KEEP, None} else name for name in _several(options.get("format"))] or [None]
    quality = options.get("quality")
    return tuple(
        Rendition(size=size, format=name, quality=_quality(quality, name, formats), **_encoding(options, name, formats))
        for size in _sizes(options)
        for name in formats
    )


def _steps(options: Options) -> Iterator[Step | None]:
    turn, axis, part = options.get("rotate"), options.get("flip"), options.get("crop")
    yield Rotate(degrees=turn) if turn else None
    yield Flip(axis=axis) if axis else None  # type: ignore[arg-type]
    yield Crop.parse(part) if isinstance(part, str) else part
    yield Trim() if options.get("trim") else None
    point = options.get("focus")
    focus = Resize.parse_focus(point) if isinstance(point, str) else point
    yield Resize(focus=focus, **_only(_RESIZE, options))
    yield Grayscale() if options.get("grayscale") else None
    radius, mask, frame = options.get("blur"), options.get("sharpen"), options.get("border")
    yield Blur(radius=radius) if radius is not None else None
    yield Sharpen.parse(mask) if isinstance(mask, str) else mask
    yield Border(width=frame) if frame else None
    yield _watermark(options)


def _watermark(options: Options) -> Watermark | None:
    image, text = options.get("watermark"), options.get("watermark_text")
    if image is None and text is None:
        return None
    how = {name: options[f"watermark_{name}"] for name in _WATERMARK if f"watermark_{name}" in options}  # type: ignore[literal-required]
    if how.get("gravity") == TILE:
        how["gravity"] = None
    return Watermark(image=image, text=text, **how)


def _sizes(options: Options) -> list[Size]:
    widths, heights = _several(options.get("width")), _several(options.get("height"))
    said = options.get("size")
    scale = options.get("scale")
    ways = [way for way in ("size", "scale", *_SIZE) if options.get(way) is not None]
    ways += ["width"] * bool(widths) + ["height"] * (bool(heights) and not widths)
    if len(ways) > 1:
        raise FieldError(ways[1], f"the size is said in two ways, by {ways[0].replace('_', '-')} as well")
    if said is not None:
        return [Size.parse(said) if isinstance(said, str) else said]
    if scale is not None:
        return [Size(scale=(scale, scale))]
    if widths or heights:
        return [Size(width=width, height=height) for width, height in _pairs(widths, heights)]
    return [Size(**_only(_SIZE, options))]


def _pairs(widths: list[Any], heights: list[Any]) -> Iterable[tuple[int | None, int | None]]:
    several = max(len(widths), len(heights))
    for field, values in (("width", widths), ("height", heights)):
        if len(set(values)) < len(values) and not (widths and heights):
            raise FieldError(field, "has one value twice")
        if len(values) not in {0, 1, several}:
            raise FieldError(field, f"has {len(values)} values where the other side has {several}")
    return zip(_stretched(widths, several), _stretched(heights, several), strict=True)


def _stretched(values: list[Any], length: int) -> list[Any]:
    return values if len(values) == length else (values or [None]) * length


def _encoding(options: Options, name: str | None, formats: list[str | None]) -> dict[str, Any]:
    """Return what is asked of the encoder of one of several formats: of the rest, some other makes use."""
    asked = _only(_RENDITION, options)
    known = {field for field, held in APPLIES_TO.items() if name not in held}
    useful = {field for field in known if any(other is None or other in APPLIES_TO[field] for other in formats)}
    return asked if name is None else {field: value for field, value in asked.items() if field not in useful}


def _quality(
    asked: int | Mapping[str, int] | None, name: str | None, formats: list[str | None]
) -> int | Mapping[str, int] | None:
    """Return what of the qualities asked for is for one of several formats; one format alone is held to it."""
    if asked is None or name is None or len(formats) == 1:
        return asked
    each: Mapping[str, int] = asked if isinstance(asked, Mapping) else dict.fromkeys(DEFAULT_QUALITY, asked)
    return {name: each[name]} if name in each else None


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    return [value] if isinstance(value, str | int) else list(value)


def _only(names: Iterable[str], options: Options) -> dict[str, Any]:
    return {name: options[name] for name in names if name in options}  # type: ignore[literal-required]
