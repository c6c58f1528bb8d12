"""Sharpens by an unsharp mask. Touches no alpha."""

from PIL import Image, ImageChops
from PIL.ImageFilter import UnsharpMask

from forkresize.image.steps.alpha import has_alpha
from forkresize.image.steps.blur import blur
from forkresize.recipe import RGBA, Blur, Sharpen


def sharpen(image: Image.Image, step: Sharpen, background: RGBA) -> Image.Image:
    """Return the image with what sets its colors off from their surroundings made stronger."""
    if not has_alpha(image):
        return image.filter(UnsharpMask(step.radius, step.percent, step.threshold))
    return _sharpened(image, blur(image, Blur(radius=step.radius), background), step)


def _sharpened(image: Image.Image, blurred: Image.Image, step: Sharpen) -> Image.Image:
    """Do as Pillow's UnsharpMask does, from a blur to which hidden colors have added nothing."""
    stronger = Image.blend(blurred, image, 1 + step.percent / 100)
    levels = [255 if level > step.threshold else 0 for level in range(256)]
    chosen = ImageChops.difference(image, blurred).point(levels * len(image.getbands()))
    bands = [
        Image.composite(*channels) for channels in zip(stronger.split(), image.split(), chosen.split(), strict=True)
    ]
    return Image.merge(image.mode, [*bands[:-1], image.getchannel("A")])
