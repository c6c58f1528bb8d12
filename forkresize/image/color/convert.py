"""Converts pixels to sRGB and to Display P3. Knows no file format."""

import io
from functools import cache, lru_cache

from msgspec.structs import replace
from PIL import ImageChops, ImageCms
from PIL.Image import Image, frombytes, merge

from forkresize.formats.spec import DEEP_COLORS
from forkresize.image.color import icc
from forkresize.image.color.cicp import BT709, DISPLAY_P3, srgb_curve
from forkresize.image.deep_image import DeepImage
from forkresize.image.picture import Picture

_SPACES = {"L": "GRAY", "LA": "GRAY", "CMYK": "CMYK", **dict.fromkeys(("RGB", "RGBA", *DEEP_COLORS), "RGB ")}
"""The color space of profiles for pixels of each mode, as ICC.1 spells it."""

DEEP = frozenset({"I;16", "I", "F", "LA;16"})
"""The modes of gray with more than 8 bits per channel; littleCMS does not convert them."""

RANGELESS = frozenset({"I", "F"})
"""Those whose values have no agreed range."""

_PRECISION = {
    "RGB": ImageCms.Flags.HIGHRESPRECALC,
    "RGBA": ImageCms.Flags.HIGHRESPRECALC,
    "CMYK": ImageCms.Flags.NOOPTIMIZE,
}
"""How littleCMS may optimize: not for CMYK, since its tables are too coarse for dark inks."""

_VISIBLE = 1
"""Differences of up to this many levels out of 255 are invisible."""

_CACHED = 16
"""Cached transforms; the pictures of a folder have few profiles."""


def to_srgb(picture: Picture) -> Picture:
    """Convert to sRGB by the embedded profile, which is removed; convert CMYK even without a profile.

    Relative colorimetric with black point compensation. Gray stays gray. A profile that can't be used causes a warning
    and is ignored. CMYK without a profile is converted as most programs do, by ``(1 - C) * (1 - K)`` and so on. Gray
    with more than 8 bits per channel keeps its color space and its profile, and so do such colors if their profile has
    no matrix.
    """
    image, profile = picture.image, picture.profile
    if image.mode in DEEP:
        return _deep_to_srgb(picture)
    if isinstance(image, DeepImage):
        return _deep_colors_to_srgb(picture, image)
    if profile:
        image = _by_embedded_profile(picture, profile)
    if image.mode == "CMYK":
        image = image.convert("RGB")
    return replace(picture, image=image, profile=None)


def to_p3(picture: Picture) -> Picture:
    """Convert colors to Display P3 and attach its profile; gray stays as it is.

    From the embedded profile, or from sRGB if there is none or it can't be used, which causes a warning; see
    ``to_srgb``.
    """
    image, profile, own = picture.image, picture.profile, p3_profile()
    if isinstance(image, DeepImage) and image.mode in DEEP_COLORS:
        from forkresize.image.color.deep_convert import convert_deep

        made = convert_deep(image, profile or srgb_profile(), own)
        return replace(picture, image=made, profile=own) if made else picture
    if image.mode not in {"RGB", "RGBA", "CMYK"}:
        return picture
    if image.mode == "CMYK" and not profile:
        image = image.convert("RGB")
    try:
        transform = _cached_transform_to_p3(profile, image.mode)
    except ImageCms.PyCMSError as error:
        _warn_of_profile(picture, error)
        image = image.convert("RGB") if image.mode == "CMYK" else image
        transform = _cached_transform_to_p3(None, image.mode)
    return replace(picture, image=_apply(transform, image) if transform else image, profile=own)


@cache
def p3_profile() -> bytes:
    """Return the profile of Display P3: the primaries of SMPTE RP 431-2, the white of D65 and the curve of sRGB."""
    return icc.color_profile(DISPLAY_P3, srgb_curve(), "Display P3")


@cache
def srgb_profile() -> bytes:
    """Return a profile of sRGB with a matrix and a curve."""
    return icc.color_profile(BT709, srgb_curve(), "sRGB")


@lru_cache(maxsize=_CACHED)
def _cached_transform_to_p3(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform from a profile, or from sRGB, to Display P3; None if the difference is invisible."""
    source = _parse(profile) if profile else _srgb()
    transform = _transform(source, mode, _PRECISION[mode], _parse(p3_profile()))
    return None if _is_idle(transform, mode) else transform


def is_for(profile: bytes, mode: str) -> bool:
    """Whether a profile is for pixels of a mode, so that it can be embedded with them."""
    try:
        return _space(profile) == ("GRAY" if mode in DEEP else _SPACES.get(mode))
    except ImageCms.PyCMSError:
        return False


def lab_to_srgb(image: Image) -> Image:
    """Convert from CIE L*a*b* with the white of D50, as TIFF defines it."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    return _apply(_transform(lab, "LAB", ImageCms.Flags.NOOPTIMIZE), image)


def load_srgb() -> None:
    """Build the profile of sRGB ahead of its first use."""
    _srgb()


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    """Return the profile of sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _deep_to_srgb(picture: Picture) -> Picture:
    """Drop a profile that makes no visible difference, or that can't be used."""
    profile, mode = picture.profile, picture.image.mode
    if not profile or is_for(profile, mode):
        return picture
    is_colors = is_for(profile, "RGB")
    if is_colors and _cached_transform(profile, "RGB") is None:
        return replace(picture, profile=None)
    if is_colors and mode not in RANGELESS:
        return picture
    picture.diagnostics.warn("dropped the color profile: it is not for gray")
    return replace(picture, profile=None)


def _deep_colors_to_srgb(picture: Picture, image: DeepImage) -> Picture:
    """Convert by the profile; keep it if that takes its tables, for which there is a conversion at 8 bits alone."""
    profile = picture.profile
    if not profile:
        return picture
    try:
        if _cached_transform(profile, "RGB") is None:
            return replace(picture, profile=None)
    except ImageCms.PyCMSError as error:
        _warn_of_profile(picture, error)
        return replace(picture, profile=None)
    from forkresize.image.color.deep_convert import convert_deep

    made = convert_deep(image, profile, srgb_profile())
    return replace(picture, image=made, profile=None) if made else picture


def _by_embedded_profile(picture: Picture, profile: bytes) -> Image:
    try:
        return _by_profile(picture.image, profile)
    except ImageCms.PyCMSError as error:
        _warn_of_profile(picture, error)
        return picture.image


def _warn_of_profile(picture: Picture, error: ImageCms.PyCMSError) -> None:
    picture.diagnostics.warn(f"assuming sRGB: cannot use the color profile: {error}")


def _by_profile(image: Image, profile: bytes) -> Image:
    if image.mode == "LA":
        return merge("LA", (_by_profile(image.getchannel("L"), profile), image.getchannel("A")))
    if image.mode == "L":
        levels = _cached_levels(profile)
        return image.point(levels) if levels else image
    transform = _cached_transform(profile, image.mode)
    return _apply(transform, image) if transform else image


@lru_cache(maxsize=_CACHED)
def _cached_levels(profile: bytes) -> list[int] | None:
    """Return the 256 grays of a profile in sRGB; None if the difference is invisible.

    The profile can be for RGB, if the grays were made from colors.
    """
    mode = "RGB" if _space(profile) == _SPACES["RGB"] else "L"
    grays = frombytes("L", (256, 1), bytes(range(256)))
    transform = _transform(_parse(profile), mode, ImageCms.Flags.NOOPTIMIZE)
    levels = list(_apply(transform, grays.convert(mode)).convert("L").tobytes())
    return levels if any(abs(level - gray) > _VISIBLE for gray, level in enumerate(levels)) else None


@lru_cache(maxsize=_CACHED)
def _space(profile: bytes) -> str:
    return str(_parse(profile).profile.xcolor_space)


def _parse(profile: bytes) -> ImageCms.ImageCmsProfile:
    """Parse a profile; raise PyCMSError if it can't be read."""
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except (OSError, TypeError, ValueError) as error:
        raise ImageCms.PyCMSError(error) from error


@lru_cache(maxsize=_CACHED)
def _cached_transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform from a profile to sRGB; None if the difference is invisible."""
    transform = _transform(_parse(profile), mode, _PRECISION[mode])
    return None if _is_idle(transform, mode) else transform


def _transform(
    profile: ImageCms.ImageCmsProfile,
    mode: str,
    precision: ImageCms.Flags = ImageCms.Flags.NONE,
    output: ImageCms.ImageCmsProfile | None = None,
) -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(
        profile,
        output or _srgb(),
        mode,
        "RGBA" if mode == "RGBA" else "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION | precision,
    )


def _is_idle(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    if mode == "CMYK":
        return False
    patches = _patches().convert(mode)
    difference = ImageChops.difference(_apply(transform, patches).convert("RGB"), patches.convert("RGB"))
    return not any(difference.histogram()[level] for level in range(768) if level % 256 > _VISIBLE)


@cache
def _patches() -> Image:
    """Return a grid of colors through the color cube, and all grays."""
    steps = range(0, 256, 51)
    colors = [bytes((red, green, blue)) for red in steps for green in steps for blue in steps]
    grays = [bytes((value,) * 3) for value in range(256)]
    return frombytes("RGB", (len(colors) + len(grays), 1), b"".join(colors + grays))


def _apply(transform: ImageCms.ImageCmsTransform, image: Image) -> Image:
    converted = transform.apply(image)
    # littleCMS attaches sRGB's profile, which every reader assumes anyway.
    converted.info.clear()
    return converted
