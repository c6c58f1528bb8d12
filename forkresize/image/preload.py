"""What is loaded before the first picture, so that workers forked afterwards share it."""

from importlib import import_module

from forkresize.formats import SPECS, source_name
from forkresize.formats.registry import recognize
from forkresize.formats.spec import THOROUGH_EFFORT
from forkresize.image.color.convert import load_srgb
from forkresize.image.container import load_rewriters
from forkresize.image.decode.identify import load_encoders
from forkresize.image.decode.plugins import load_plugins
from forkresize.image.resample import kernel
from forkresize.image.steps.registry import operation_of
from forkresize.recipe import IfLarger, Recipe

_RARELY_NEEDED = (
    *("analyze.smartcrop", "color.deep_convert", "color.peak", "decode.jpeg_scans", "decode.libwebp", "encode.deep"),
    *("encode.palette", "encode.png_photograph", "encode.targets", "gainmap.output", "metadata.xmp", "resample.deep"),
    "resample.linear",
)
"""Modules that few pictures need, which import them when they do."""


def preload(recipe: Recipe, head: bytes = b"") -> None:
    """Load all that rendering needs, so that workers forked afterwards share it.

    Args:
        recipe: what to make of pictures.
        head: the first ``SIGNATURE_LENGTH`` bytes of the only picture; what others need is loaded when it is needed.

    Raises:
        FieldError: the recipe names a watermark or a font that cannot be used, or a format whose package is missing.
    """
    only = recognize(head)
    load_plugins(None if only is None else [only])
    _load_packers(recipe, source_name(only) if only else None)
    for name in _RARELY_NEEDED if only is None else ():
        import_module(f"forkresize.image.{name}")
    kernel.simd()
    load_srgb()
    validate(recipe)


def _load_packers(recipe: Recipe, source: str | None) -> None:
    """Load what makes files smaller at high effort and without loss, and what copies coded pixels, if it is asked for.

    Args:
        recipe: what to make of pictures.
        source: the name of their format, one of ``SPECS``; None if they may have several.
    """
    for rendition in recipe.renditions:
        name = rendition.format or source
        if rendition.lossless or recipe.if_larger is not IfLarger.WRITE:
            load_rewriters(name)
        if rendition.lossless or (rendition.effort or 0) >= THOROUGH_EFFORT:
            for spec in SPECS.values() if name is None else [SPECS[name]]:
                for package in filter(None, (spec.packer, spec.encoder)):
                    package.load()


def validate(recipe: Recipe) -> None:
    """Check the formats and files that a recipe names, load the encoders of optional packages, and what the files hold.

    Raises:
        FieldError: the recipe names a watermark or a font that cannot be used, or a format whose package is missing.
    """
    load_encoders(recipe)
    for step in recipe.steps:
        operation_of(step).prepare(step)
