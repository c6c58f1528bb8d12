"""Converts the pixel modes of decoders to the few that can be resampled. Knows no embedded profile."""

from msgspec.structs import replace
from PIL.Image import Image

from forkresize.formats.spec import DEEP_COLORS
from forkresize.image.color import convert
from forkresize.image.deep_image import MAX_LEVEL, DeepImage, to_8_bit_gray, to_eight_bits
from forkresize.image.errors import PictureError
from forkresize.image.picture import Picture
from forkresize.outcome import Reason

_RESAMPLED = frozenset({"L", "LA", "RGB", "RGBA", "CMYK"})

_CONVERTED = {"1": "L", "P": "RGB", "PA": "RGBA", "La": "LA", "RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB"}

_TRANSPARENT = {"1": "LA", "L": "LA", "P": "RGBA", "RGB": "RGBA"}
"""What modes are converted to if one of their colors is declared transparent."""


def normalize_mode(picture: Picture, held: frozenset[str]) -> Picture:
    """Convert to L, LA, RGB, RGBA or CMYK, or to a mode of more than 8 bits per channel if the output holds it.

    Args:
        picture: in any mode.
        held: the modes that an output can hold.

    Raises:
        PictureError: the mode is unknown, or its values have no agreed range.
    """
    image = picture.image
    has_transparent_color = "transparency" in image.info
    if image.mode in _RESAMPLED and not has_transparent_color:
        return picture
    if has_transparent_color and image.mode in _TRANSPARENT:
        return replace(picture, image=image.convert("LA" if _is_gray(picture) else _TRANSPARENT[image.mode]))
    if _is_gray(picture):
        return replace(picture, image=image.convert("L"))
    if image.mode == "P" and image.palette is not None and image.palette.mode == "RGBA":
        return replace(picture, image=image.convert("RGBA"))
    if image.mode in _CONVERTED:
        return replace(picture, image=image.convert(_CONVERTED[image.mode]))
    if image.mode == "LAB":
        # Its a and b wrap around at zero, so that they can't be resampled.
        return replace(picture, image=convert.lab_to_srgb(image), profile=None)
    deep = _deep(image, held, has_profile=picture.profile is not None)
    if deep.mode not in convert.DEEP | DEEP_COLORS:
        depth = "32-bit float" if image.mode == "F" else "16"
        picture.diagnostics.warn(f"reduced from {depth} to 8 bits per channel: the format holds no more")
    return replace(picture, image=deep)


def _is_gray(picture: Picture) -> bool:
    """Whether a palette holds nothing but grays; with a profile, which is for colors, it stays in color."""
    palette = picture.image.palette
    if picture.image.mode != "P" or palette is None or palette.mode != "RGB" or picture.profile:
        return False
    red, green, blue = (bytes(palette.palette[channel::3]) for channel in range(3))
    return red == green == blue


def _deep(image: Image, held: frozenset[str], *, has_profile: bool) -> Image:
    if isinstance(image, DeepImage):
        if image.mode == "LA;16" and image.mode not in held and "RGBA;16" in held and not has_profile:
            return image.to_color()
        return image if image.mode in held else image.convert()
    if image.mode.startswith("I;16"):
        return _sixteen_bit(image.convert("I"), image.info.get("transparency"), held)
    if image.mode == "I":
        return _integer(image, held)
    if image.mode == "F":
        return _float(image, held)
    raise PictureError(Reason.UNSUPPORTED, f"pixels of mode {image.mode} can't be resized")


def _sixteen_bit(image: Image, transparent: int | None, held: frozenset[str]) -> Image:
    """Return an image of mode I with 16-bit values as I;16, or scaled to 8 bits if the output holds no more.

    I;16 has no alpha channel, so an image with a transparent value is scaled as well.
    """
    if transparent is None and "I;16" in held:
        return image.convert("I;16")
    scaled = image.point(to_eight_bits(), "L")
    if transparent is not None:
        alpha = [255] * (MAX_LEVEL + 1)
        alpha[transparent] = 0
        scaled.putalpha(image.point(alpha, "L"))
        del scaled.info["transparency"]
    return scaled


def to_8_bit(picture: Picture) -> Picture:
    """Return the picture at 8 bits per channel, for steps that support no more.

    Raises:
        PictureError: its values have no agreed range.
    """
    if picture.image.mode not in convert.DEEP | DEEP_COLORS:
        return picture
    if picture.image.mode in convert.RANGELESS:
        raise PictureError(
            Reason.NOT_APPLICABLE, f"pixels of mode {picture.image.mode} can only be cropped, turned and resized"
        )
    picture.diagnostics.warn("reduced from 16 to 8 bits per channel: an operation supports only 8")
    return replace(picture, image=round_to_8_bit(picture.image))


def round_to_8_bit(image: Image) -> Image:
    """Return an image of 16 bits per channel at 8 bits; any other as it is."""
    if isinstance(image, DeepImage):
        return image.convert()
    return to_8_bit_gray(image) if image.mode == "I;16" else image


def stretch(image: Image) -> Image:
    """Return an image of mode I;16, I or F as mode L, with its range of values spread from black to white."""
    image = image.convert("F")
    least, most = _extrema(image)
    by = 255 / ((most - least) or 1)
    return image.point(lambda level: level * by + -least * by).convert("L")


def _integer(image: Image, held: frozenset[str]) -> Image:
    least, most = _extrema(image)
    if least >= 0 and most <= MAX_LEVEL:
        return _sixteen_bit(image, None, held)
    if "I" in held:
        return image
    raise _no_range("32-bit integer", least, most)


def _float(image: Image, held: frozenset[str]) -> Image:
    if "F" in held:
        return image
    least, most = _extrema(image)
    if least >= 0 and most <= 1:
        # Converting cuts off the fraction.
        return image.point(lambda value: value * 255 + 0.5).convert("L")
    raise _no_range("32-bit float", least, most)


def _extrema(image: Image) -> tuple[float, float]:
    least, most = image.getextrema()
    assert isinstance(least, (int, float))  # noqa: S101 -- a tuple is for several channels; these modes have one.
    assert isinstance(most, (int, float))  # noqa: S101
    return least, most


def _no_range(kind: str, least: float, most: float) -> PictureError:
    return PictureError(
        Reason.UNSUPPORTED,
        f"{kind} pixels from {least:g} to {most:g} have no agreed range: choose TIFF as the output format, which keeps "
        "them",
    )
