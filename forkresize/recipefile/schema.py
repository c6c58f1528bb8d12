"""Every key of a recipe file, with the kind of its value: one list for reading and for writing. Reads nothing."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from forkresize.recipe import (
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
from forkresize.recipefile.value_types import (
    BYTES,
    COLOR,
    CROP,
    FILE,
    FLAG,
    FOCUS,
    FORMAT,
    GEOMETRY,
    MASK,
    MEGAPIXELS,
    NUMBER,
    PLACE,
    QUALITY,
    SCALE,
    TABLES,
    TEXT,
    WHOLE,
    WORD,
    ValueType,
)

Keys = Mapping[str, ValueType]
"""What a table may hold: the fields by name, which keys spell with hyphens."""


class StepSyntax(Struct, frozen=True):
    """How a step is written.

    Attributes:
        step: what it is.
        keys: what its table may hold.
        sole: the field that a value which is no table is for.
        notation: a text that stands for the whole of it, or for None where that is no step at all.
        bare: the value that stands for the step with nothing further said.
    """

    step: type[Step]
    keys: Keys
    sole: str | None = None
    notation: ValueType | None = None
    bare: bool | str | None = None


RECIPE: Keys = {
    "auto_orient": FLAG,
    "color": WORD,
    "metadata": WORD,
    "background": COLOR,
    "animation": WORD,
    "on_truncated": WORD,
    "if_larger": WORD,
    "max_pixels": MEGAPIXELS,
    "max_frames": WHOLE,
    "max_file_size": BYTES,
}

TOP: Keys = {**RECIPE, "steps": TABLES, "renditions": TABLES}

SIZE: Keys = {
    "width": WHOLE,
    "height": WHOLE,
    "long_edge": WHOLE,
    "short_edge": WHOLE,
    "scale": SCALE,
    "megapixels": NUMBER,
    "fit": WORD,
    "enlarge": FLAG,
    "shrink": FLAG,
}

OUTPUT: Keys = {
    "format": FORMAT,
    "quality": QUALITY,
    "lossless": FLAG,
    "progressive": FLAG,
    "subsampling": WORD,
    "effort": WHOLE,
    "palette": WHOLE,
    "max_bytes": BYTES,
    "ssim": NUMBER,
}

RENDITION: Keys = {"size": GEOMETRY, **SIZE, **OUTPUT}

_PART = {"width": WHOLE, "height": WHOLE, "left": WHOLE, "top": WHOLE}
_RESIZE = {"fit": WORD, "gravity": WORD, "focus": FOCUS, "enlarge": FLAG, "resample": WORD, "linear": FLAG}
_MASK = {"radius": NUMBER, "percent": WHOLE, "threshold": WHOLE}
_WATERMARK = {
    "image": FILE,
    "text": TEXT,
    "gravity": PLACE,
    "scale": NUMBER,
    "opacity": NUMBER,
    "margin": NUMBER,
    "font": FILE,
}

STEPS: Mapping[str, StepSyntax] = {
    "rotate": StepSyntax(Rotate, {"degrees": NUMBER}, sole="degrees"),
    "flip": StepSyntax(Flip, {"axis": WORD}, sole="axis"),
    "crop": StepSyntax(Crop, _PART, notation=CROP),
    "trim": StepSyntax(Trim, {"tolerance": WHOLE}, bare=True),
    "resize": StepSyntax(Resize, _RESIZE),
    "grayscale": StepSyntax(Grayscale, {}, bare=True),
    "blur": StepSyntax(Blur, {"radius": NUMBER}, sole="radius"),
    "sharpen": StepSyntax(Sharpen, _MASK, notation=MASK, bare="auto"),
    "border": StepSyntax(Border, {"width": WHOLE}, sole="width"),
    "watermark": StepSyntax(Watermark, _WATERMARK, sole="image"),
}


def key_name(field: str) -> str:
    """Return how a field is spelled in a file."""
    return field.replace("_", "-")


def field_name(key: str) -> str:
    """Return the field that a key stands for, with hyphens or underscores."""
    return key.replace("-", "_")


def section_for(field: str) -> str | None:
    """Return where a file says what a field is about, to end a sentence with; None where there is no such field."""
    homes: dict[str, Any] = {
        "at the top of the file, above all [[steps]] and [[renditions]]": TOP,
        "in [[steps]]": STEPS,
        "in [[renditions]]": RENDITION,
        "in the resize of [[steps]]": _RESIZE,
    }
    return next((home for home, fields in homes.items() if field in fields), None)
