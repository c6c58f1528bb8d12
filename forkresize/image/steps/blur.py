"""Blurs by a Gaussian."""

from PIL.Image import Image
from PIL.ImageFilter import GaussianBlur

from forkresize.image.color.alpha import premultiply, unpremultiply
from forkresize.image.steps.operation import ColorNeed, Operation, on_image
from forkresize.recipe import Blur


def blur(image: Image, step: Blur) -> Image:
    """Return the blurred image; its edge pixels are repeated beyond its edges.

    Pillow approximates the Gaussian by three extended box blurs (P. Gwosdek et al., "Theoretical Foundations of
    Gaussian Convolution by Extended Box Filtering", 2011), so that the time it takes does not grow with the radius.
    """
    return unpremultiply(premultiply(image).filter(GaussianBlur(step.radius)))


OPERATION = Operation(apply=on_image(blur), color=ColorNeed.NOT_INK)
