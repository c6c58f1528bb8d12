"""What to make of every picture: a Recipe, its steps and its renditions. Touches no file and no pixel."""

from forkresize.formats import DEFAULT_QUALITY, Format
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
from forkresize.recipe.options import Options
from forkresize.recipe.recipe import RGBA, Recipe
from forkresize.recipe.rendition import MAX_COLORS, MAX_EFFORT, Rendition
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
    "MAX_EFFORT",
    "MAX_SIDE",
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
    "Options",
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
    "parse_enum",
]
