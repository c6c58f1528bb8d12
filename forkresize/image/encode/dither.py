"""Pictures in a palette that is given. Makes no palette."""

from collections.abc import Sequence

from PIL import Image
from PIL.Image import Dither


def dither(image: Image.Image, palette: Sequence[int]) -> Image.Image:
    """Return an image of mode P in which the error of each pixel is spread over its neighbors.

    Args:
        image: of mode RGB.
        palette: the levels of red, green and blue of one color after the other.
    """
    with_palette = Image.new("P", (1, 1))
    with_palette.putpalette(palette)
    return image.quantize(palette=with_palette, dither=Dither.FLOYDSTEINBERG)
