"""What to make of every image: a Recipe, its steps and its renditions. Touches no file and no pixel."""

from forkresize.formats import DEFAULT_QUALITY, Format
from forkresize.recipe.color import RGBA
from forkresize.recipe.enums import (
    Animation,
    Axis,
    Color,
    Fit,
    Gravity,
    IfLarger,
    Metadata,
    OnTruncated,
    Resample,
    Subsampling,
    parse_enum,
)
from forkresize.recipe.recipe import OPTIONS, Recipe
from forkresize.recipe.rendition import MAX_COLORS, Rendition
from forkresize.recipe.serialize import from_bytes, to_bytes
from forkresize.recipe.size import MAX_SIDE, Size
from forkresize.recipe.steps import (
    STEPS,
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

__all__ = [
    "DEFAULT_QUALITY",
    "MAX_COLORS",
    "MAX_SIDE",
    "OPTIONS",
    "RGBA",
    "STEPS",
    "Animation",
    "Axis",
    "Blur",
    "Border",
    "Color",
    "Crop",
    "Fit",
    "Flip",
    "Format",
    "Gravity",
    "Grayscale",
    "IfLarger",
    "Metadata",
    "OnTruncated",
    "Recipe",
    "Rendition",
    "Resample",
    "Resize",
    "Rotate",
    "Sharpen",
    "Size",
    "Step",
    "Subsampling",
    "Trim",
    "Watermark",
    "from_bytes",
    "parse_enum",
    "to_bytes",
]
