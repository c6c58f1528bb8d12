"""From the options of a URL to a recipe."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from forkresize.errors import FieldError
from forkresize.formats import DEFAULT_QUALITY, Format
from forkresize.gateway.imgproxy.arguments import SMART, GravityArgument
from forkresize.gateway.imgproxy.box import box_values
from forkresize.gateway.imgproxy.geometry import SourceSize, crop_area
from forkresize.gateway.imgproxy.options import Options
from forkresize.gateway.imgproxy.presets import DEFAULT
from forkresize.recipe import Animation, Axis, Color, Crop, Metadata, Recipe, Sharpen, Trim

_OPAQUE = 255
_TRANSPARENT = (255, 255, 255, 0)
_PERCENT = 100
_MIN_RADIUS = 0.1

PLAIN = Recipe(metadata=Metadata.COPYRIGHT)
"""What is made of pictures whose URL names no preset, as with the defaults of imgproxy."""


class WatermarkFile(Struct, frozen=True):
    """The watermark of a gateway.

    Attributes:
        path: of its picture.
        opacity: 0 to 1; the opacity in a URL is a share of it.
        scale: its size in percent of the shorter side of an output, unless a URL says it.
    """

    path: str
    opacity: float = 1.0
    scale: float = 15.0


class Recipes:
    """Makes recipes of the options of URLs.

    Args:
        presets: by name.
        watermark: that of the option ``watermark``; None if it is not accepted.
    """

    def __init__(self, presets: Mapping[str, Recipe] = {}, watermark: WatermarkFile | None = None) -> None:
        self.presets = presets
        self.watermark = watermark

    @staticmethod
    def needs_size(options: Options) -> bool:
        """Return whether the recipe depends on the size of the source."""
        return options.crop is not None or options.size_type == "auto"

    def base(self, options: Options) -> Recipe:
        """Return the recipe that options change."""
        return self.presets[options.preset] if options.preset else self.presets.get(DEFAULT, PLAIN)

    def make(self, options: Options, output: Format | None, size: SourceSize | None = None) -> Recipe:
        """Return the recipe of a picture.

        Args:
            options: of its URL.
            output: the format; None for that of the options, or of the source.
            size: of the source, if ``needs_size``.

        Raises:
            FieldError: values contradict each other or are out of range; names the option.
        """
        base = self.base(options)
        turned = None if size is None else size.rotate(options.rotate or 0)
        area = _area(options, turned)
        values = {
            **_orientation(options),
            **({} if area is None else {"crop": None if (area.width, area.height) == turned else area}),
            **box_values(options, base, turned if area is None else SourceSize(area.width, area.height)),
            **_surroundings(options),
            **_filters(options),
            **_retention(options),
            **self._mark(options),
            **_encoding(options, base, output or _chosen(options)),
        }
        return base.override(values, effective=()) if values else base

    def _mark(self, options: Options) -> dict[str, Any]:
        given = options.watermark
        if given is None:
            return {}
        if given.opacity == 0:
            return {"watermark": None}
        if self.watermark is None:
            raise FieldError("watermark", "this gateway has no watermark")
        return {
            "watermark": self.watermark.path,
            "watermark_gravity": given.place,
            "watermark_opacity": given.opacity * self.watermark.opacity,
            "watermark_scale": given.scale * _PERCENT if given.scale else self.watermark.scale,
            "watermark_margin": given.x * _PERCENT,
        }


def _chosen(options: Options) -> Format | None:
    return options.format if isinstance(options.format, Format) else None


def _orientation(options: Options) -> dict[str, Any]:
    """Return auto-orientation, rotation and flip; mirrored in both directions is a rotation by 180 degrees."""
    values: dict[str, Any] = {} if options.auto_rotate is None else {"auto_orient": options.auto_rotate}
    across, down = options.flip or (False, False)
    degrees = ((options.rotate or 0) + 180 * (across and down)) % 360
    if options.rotate is not None or (across and down):
        values["rotate"] = degrees or None
    if options.flip is not None:
        values["flip"] = None if across == down else Axis.HORIZONTAL if across else Axis.VERTICAL
    return values


def _area(options: Options, size: SourceSize | None) -> Crop | None:
    """Return the area of the source that is used; None for all of it.

    Raises:
        FieldError: it would depend on the content.
    """
    if options.crop is None:
        return None
    gravity = options.crop.gravity or options.gravity or GravityArgument()
    if gravity.kind == SMART:
        raise FieldError("crop", "needs a gravity other than sm, for example crop:300:200:ce")
    assert size is not None  # noqa: S101  The recipe depends on it.
    return crop_area(options.crop, gravity, size)


def _surroundings(options: Options) -> dict[str, Any]:
    """Return trimming, border and background."""
    values: dict[str, Any] = {}
    if options.trim is not None:
        values["trim"] = Trim(tolerance=round(options.trim)) if options.trim >= 0 else False
    if options.padding is not None:
        values["border"] = round(options.padding * options.dpr) or None
    if options.background is not None:
        values["background"] = (*options.background, _OPAQUE) if options.background else _TRANSPARENT
    elif options.padding or options.extend:
        values["background"] = _TRANSPARENT
    return values


def _filters(options: Options) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if options.blur is not None:
        values["blur"] = options.blur if options.blur >= _MIN_RADIUS else None
    if options.sharpen is not None:
        values["sharpen"] = Sharpen(radius=options.sharpen) if options.sharpen >= _MIN_RADIUS else None
    return values


def _retention(options: Options) -> dict[str, Any]:
    """Return what is kept of colors, frames and metadata."""
    values = _metadata(options)
    if options.strip_profile is not None:
        values["color"] = Color.SRGB if options.strip_profile else Color.KEEP
    if options.still is not None:
        values["animation"] = Animation.FIRST if options.still else Animation.KEEP
    return values


def _metadata(options: Options) -> dict[str, Any]:
    if options.strip_metadata is None and options.keep_copyright is None:
        return {}
    if options.strip_metadata is False:
        return {"metadata": Metadata.ALL}
    return {"metadata": Metadata.NONE if options.keep_copyright is False else Metadata.COPYRIGHT}


def _encoding(options: Options, base: Recipe, output: Format | None) -> dict[str, Any]:
    """Return format, quality and size in bytes. A quality does not count for a format that has none."""
    values: dict[str, Any] = {} if output is None else {"format": output}
    if options.max_bytes is not None:
        values["max_bytes"] = options.max_bytes or None
    made = output or base.renditions[0].format
    general = dict.fromkeys(map(Format, DEFAULT_QUALITY), options.quality) if options.quality else {}
    qualities = {**general, **options.qualities}
    if made is not None:
        qualities = {made: qualities[made]} if made in qualities else {}
    if qualities:
        same = set(qualities.values())
        values["quality"] = same.pop() if len(same) == 1 and options.quality else qualities
    return values
