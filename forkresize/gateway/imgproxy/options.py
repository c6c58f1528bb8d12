"""What the options of a URL ask for: Options."""

from collections.abc import Mapping

from msgspec import Struct

from forkresize.formats import Format
from forkresize.gateway.imgproxy.arguments import RGB, GravityArgument
from forkresize.recipe import Gravity, Resample

AUTO = "auto"
"""The format that ``Accept`` decides on."""

SIZE_TYPES = ("fit", "fill", "fill-down", "force", "auto")

GRAVITIES: Mapping[str, Gravity] = {
    "ce": Gravity.CENTER,
    "no": Gravity.NORTH,
    "so": Gravity.SOUTH,
    "ea": Gravity.EAST,
    "we": Gravity.WEST,
    "noea": Gravity.NORTH_EAST,
    "nowe": Gravity.NORTH_WEST,
    "soea": Gravity.SOUTH_EAST,
    "sowe": Gravity.SOUTH_WEST,
    "sm": Gravity.ATTENTION,
}


class CropArguments(Struct, frozen=True):
    """An area of the source: sides in pixels, below 1 as a share, 0 for all; without a gravity, that of the options."""

    width: float
    height: float = 0.0
    gravity: GravityArgument | None = None


class WatermarkArguments(Struct, frozen=True):
    """A watermark: its opacity, place (None for everywhere), offsets, and its size as a share of the output's."""

    opacity: float
    place: Gravity | None = Gravity.CENTER
    x: float = 0.0
    y: float = 0.0
    scale: float = 0.0


class Options(Struct, kw_only=True):
    """What the options of a URL ask for; None stands for what a URL does not say.

    Attributes:
        preset: the recipe that the others change; empty for the default.
        width: of the box in pixels; 0 for any.
        height: of the box in pixels; 0 for any.
        size_type: how a picture gets into the box, one of ``SIZE_TYPES``.
        enlarge: whether smaller pictures are enlarged.
        extend: whether the rest of the box is padded.
        extend_place: where the picture lies in the padded box.
        gravity: which part of the picture is kept.
        crop: the area of the source that is used.
        dpr: factor of the box, and of the padding.
        zoom: factor of the box.
        trim: how far a channel of a uniform border may differ; a negative one for no trimming.
        padding: pixels on each side.
        rotate: degrees, clockwise.
        flip: whether the picture is mirrored from left to right, and from top to bottom.
        format: a format, or ``AUTO``.
        quality: 1 to 100.
        qualities: the same, by format.
        background: a color; empty for none.
        expires: seconds since the epoch; 0 for never.
    """

    preset: str = ""
    width: int | None = None
    height: int | None = None
    size_type: str | None = None
    enlarge: bool | None = None
    extend: bool | None = None
    extend_place: GravityArgument = GravityArgument()
    gravity: GravityArgument | None = None
    crop: CropArguments | None = None
    dpr: float = 1.0
    zoom: float = 1.0
    trim: float | None = None
    padding: int | None = None
    auto_rotate: bool | None = None
    rotate: int | None = None
    flip: tuple[bool, bool] | None = None
    background: RGB | tuple[()] | None = None
    blur: float | None = None
    sharpen: float | None = None
    watermark: WatermarkArguments | None = None
    resample: Resample | None = None
    still: bool | None = None
    strip_metadata: bool | None = None
    keep_copyright: bool | None = None
    strip_profile: bool | None = None
    format: Format | str | None = None
    quality: int | None = None
    qualities: Mapping[Format, int] = {}
    max_bytes: int | None = None
    cachebuster: str = ""
    expires: int = 0
    filename: str = ""
    attachment: bool = False
