"""The canvas around a picture: of a box that it does not fill, or of a border. Scales nothing."""

from PIL import Image

from forkresize.image.color.alpha import OPAQUE
from forkresize.image.color.convert import DEEP
from forkresize.image.deep_image import LEVEL_OF_8_BITS, MAX_LEVEL, DeepImage, to_8_bit_gray
from forkresize.image.errors import PictureError
from forkresize.image.geometry.region import Dimensions
from forkresize.image.picture import Picture
from forkresize.image.steps.operation import ColorNeed, Operation
from forkresize.outcome import Reason
from forkresize.recipe import RGBA, Border


def pad(picture: Picture, canvas: Dimensions, offset: Dimensions, background: RGBA) -> Picture:
    """Put the picture onto a canvas that is filled with the background.

    Args:
        picture: upright, in any mode.
        canvas: width and height of the canvas in pixels.
        offset: where the picture lies on it, from the left and from the top.
        background: its alpha must be 255 if the output has none.

    Raises:
        PictureError: the picture's values have no agreed range, so the background has no value.
    """
    if canvas == picture.image.size:
        return picture
    if isinstance(picture.image, DeepImage):
        return picture.showing(_put_deep_on(picture.image, canvas, offset, background))
    image = _with_room_for(background, _with_depth_of(background, picture))
    whole = Image.new(image.mode, canvas, _paint(image.mode, background))
    whole.paste(image, offset)
    return picture.showing(whole)


def add_border(picture: Picture, step: Border, background: RGBA) -> Picture:
    """Put a border of the background around the picture."""
    return pad(picture, _bordered_size(picture.image.size, step), (step.width, step.width), background)


def _bordered_size(size: Dimensions, step: Border) -> Dimensions:
    return size[0] + 2 * step.width, size[1] + 2 * step.width


def _with_depth_of(background: RGBA, picture: Picture) -> Image.Image:
    """Return the image, at 8 bits if it is deeper and the background is colored or translucent.

    Raises:
        PictureError: its values have no agreed range.
    """
    image, (red, green, blue, alpha) = picture.image, background
    if image.mode not in DEEP or (red == green == blue and alpha == OPAQUE):
        return image
    if image.mode != "I;16":
        raise PictureError(Reason.UNSUPPORTED, f"pixels of mode {image.mode} can't lie on a background in color")
    picture.diagnostics.warn("reduced from 16 to 8 bits per channel, for a colored or translucent background")
    return to_8_bit_gray(image)


def _put_deep_on(image: DeepImage, canvas: Dimensions, offset: Dimensions, background: RGBA) -> DeepImage:
    """Return an image of 16 bits per channel on a canvas, in a mode that can show the background as well."""
    red, green, blue, alpha = background
    if not red == green == blue:
        image = image.to_color()
    if image.mode == "RGB;16" and alpha != OPAQUE:
        image = DeepImage((*image.planes, Image.new("I;16", image.size, MAX_LEVEL)))
    paints = {"LA;16": (red, alpha), "RGB;16": (red, green, blue), "RGBA;16": background}
    return image.put_on(canvas, offset, [level * LEVEL_OF_8_BITS for level in paints[image.mode]])


def _with_room_for(background: RGBA, image: Image.Image) -> Image.Image:
    """Return the image in a mode that can show the background as well."""
    red, green, blue, alpha = background
    if image.mode in {"L", "LA"} and not red == green == blue:
        image = image.convert("RGBA" if image.mode == "LA" else "RGB")
    if image.mode in {"L", "RGB"} and alpha != OPAQUE:
        image = image.convert("LA" if image.mode == "L" else "RGBA")
    return image


def _paint(mode: str, background: RGBA) -> float | tuple[int, ...]:
    red, green, blue, alpha = background
    luma = (299 * red + 587 * green + 114 * blue + 500) // 1000
    paints: dict[str, float | tuple[int, ...]] = {
        "LA": (red, alpha),
        "RGB": (red, green, blue),
        "RGBA": background,
        "F": luma / OPAQUE,
        "I;16": luma * LEVEL_OF_8_BITS,
        "I": luma * LEVEL_OF_8_BITS,
    }
    return paints.get(mode, red)


OPERATION = Operation(
    apply=add_border,
    color=ColorNeed.SRGB_IF_COLORED,
    is_deep=True,
    size=_bordered_size,
    size_note="with its border the picture would have",
)
