"""Blurs by a Gaussian. Knows no other kernel."""

from PIL.Image import Image
from PIL.ImageFilter import GaussianBlur

from forkresize.image.steps.alpha import premultiplied, straight
from forkresize.recipe import RGBA, Blur


def blur(image: Image, step: Blur, _background: RGBA) -> Image:
    """Return the image blurred; beyond its edges it counts as going on with the pixels it ends with.

    Pillow approximates the Gaussian by three extended box blurs (P. Gwosdek et al., "Theoretical Foundations of
    Gaussian Convolution by Extended Box Filtering", 2011), so that the time it takes does not grow with the radius.
    """
    return straight(premultiplied(image).filter(GaussianBlur(step.radius)))
