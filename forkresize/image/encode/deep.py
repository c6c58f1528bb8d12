"""Encoders of 16 bits per channel in color or with alpha, by format."""

from collections.abc import Mapping, Sequence
from typing import Any

from PIL.Image import Image

from forkresize.image.deep_image import DeepImage
from forkresize.image.encode.deep_png import save_png
from forkresize.image.encode.deep_tiff import save_tiff


def save_deep(images: Sequence[Image], output: str, options: Mapping[str, Any]) -> bytes:
    """Return a file of pictures, at least one of them a DeepImage.

    Args:
        images: one, or several for a format that holds pages.
        output: the format's name.
        options: as for Pillow's ``Image.save``.
    """
    if output == "tiff":
        return save_tiff(images, options)
    (image,) = images
    assert isinstance(image, DeepImage)  # noqa: S101 -- no other format holds one.
    return save_png(image, options)
