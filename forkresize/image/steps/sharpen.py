"""Sharpens by an unsharp mask. Touches no alpha."""

from PIL import Image, ImageChops
from PIL.ImageFilter import UnsharpMask

from forkresize.image.color.alpha import has_alpha
from forkresize.image.steps.blur import blur
from forkresize.image.steps.operation import ColorNeed, Operation, on_image
from forkresize.recipe import Blur, Sharpen


def sharpen(image: Image.Image, step: Sharpen) -> Image.Image:
    """Return the image with the differences to its blurred self amplified."""
    if not has_alpha(image):
        return image.filter(UnsharpMask(step.radius, step.percent, step.threshold))
    return _unsharp_mask(image, blur(image, Blur(radius=step.radius)), step)


def _unsharp_mask(image: Image.Image, blurred: Image.Image, step: Sharpen) -> Image.Image:
    """Do what Pillow's UnsharpMask does, with a blur that ignored the colors of transparent pixels."""
    stronger = Image.blend(blurred, image, 1 + step.percent / 100)
    levels = [255 if level > step.threshold else 0 for level in range(256)]
    chosen = ImageChops.difference(image, blurred).point(levels * len(image.getbands()))
    bands = [
        Image.composite(*channels) for channels in zip(stronger.split(), image.split(), chosen.split(), strict=True)
    ]
    return Image.merge(image.mode, [*bands[:-1], image.getchannel("A")])


OPERATION = Operation(apply=on_image(sharpen), color=ColorNeed.NOT_INK)
