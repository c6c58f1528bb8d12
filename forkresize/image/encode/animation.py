"""How each format is told of several frames: times, repetitions, what is cleared in between. Encodes nothing."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from PIL import ImageChops
from PIL.Image import Image

from forkresize.image.frames import Frames
from forkresize.recipe import Format

_FOR_EVER = 0
_ONCE = 1

_MOST_16_BIT = 65_535
_MOST_24_BIT = (1 << 24) - 1
_MOST_31_BIT = (1 << 31) - 1

_LEAVE, _CLEAR, _RESTORE = 1, 2, 3
"""What a GIF says is done before the next frame is drawn (GIF89a, 23.c.iv)."""

_GRAYS = [level for level in range(256) for _channel in "RGB"]

_CENTISECOND = 10
_SHOWN_AS_IT_IS = 20
"""Milliseconds; browsers take a GIF's frames of 10 and less for 100."""


def sequence_options(frames: Frames, output: str) -> dict[str, Any]:
    """Return keyword arguments of the first frame's ``save`` that add the others.

    Args:
        frames: several, in the modes that will be written; a GIF's share a palette.
        output: the format, in Pillow's lower-case name; holds several.
    """
    return {"save_all": True, "append_images": frames.images[1:]} | _OPTIONS[output](frames)


def _gif(frames: Frames) -> dict[str, Any]:
    images, durations = _merged(frames.images, in_centiseconds(frames.durations))
    if len(images) == 1:
        return {"append_images": []}
    loop = _ONCE if frames.loop is None else frames.loop
    return {
        "append_images": images[1:],
        "duration": [min(duration, _MOST_16_BIT * _CENTISECOND) for duration in durations],
        "disposal": _disposals(images),
        "palette": bytes(images[0].getpalette() or _GRAYS),
        # What did not change is left out of a frame by way of the transparent index, if there is one.
        "optimize": "transparency" in images[0].info,
        # The format counts repetitions; Pillow writes none if there is no number.
        "loop": {_FOR_EVER: 0, _ONCE: None}.get(loop, min(loop - 1, _MOST_16_BIT)),
    }


def _png(frames: Frames) -> dict[str, Any]:
    # The format counts times that it is shown, and holds seconds as a fraction of two 16-bit numbers.
    durations = [
        each if each <= _MOST_16_BIT else min(round(each, -3), _MOST_16_BIT * 1000) for each in frames.durations
    ]
    return {"duration": durations, "loop": _ONCE if frames.loop is None else frames.loop}


def _webp(frames: Frames) -> dict[str, Any]:
    loop = _ONCE if frames.loop is None else frames.loop
    # A frame's time has 24 bits in the format, and the time since the start has 31 in the encoder.
    most = min(_MOST_24_BIT, _MOST_31_BIT // len(frames.durations))
    return {"duration": [min(each, most) for each in _at_least_one(frames.durations)], "loop": min(loop, _MOST_16_BIT)}


def _avif(frames: Frames) -> dict[str, Any]:
    return {"duration": _at_least_one(frames.durations)}


def _tiff(_frames: Frames) -> dict[str, Any]:
    return {}


_OPTIONS: Mapping[str, Callable[[Frames], dict[str, Any]]] = {
    Format.GIF: _gif,
    Format.PNG: _png,
    Format.WEBP: _webp,
    Format.AVIF: _avif,
    Format.TIFF: _tiff,
}


def in_centiseconds(durations: tuple[int, ...]) -> list[int]:
    """Return durations as a GIF can hold them, in milliseconds; what is rounded off one is made up for by the next.

    None of more than 10 falls below 20, which browsers would show as 100.
    """
    rounded, owed = [], 0
    for duration in durations:
        least = min(-(-duration // _CENTISECOND) * _CENTISECOND, _SHOWN_AS_IT_IS)
        exact = duration + owed
        nearest = max(least, (exact + _CENTISECOND // 2) // _CENTISECOND * _CENTISECOND)
        rounded.append(nearest)
        owed = exact - nearest
    return rounded


def _at_least_one(durations: tuple[int, ...]) -> list[int]:
    """Return durations without zeros, at which encoders leave frames out; players show both for the same time."""
    return [max(1, duration) for duration in durations]


def _merged(images: tuple[Image, ...], durations: list[int]) -> tuple[list[Image], list[int]]:
    """Return frames of which none equals the one before, which is shown for longer instead."""
    kept, times = [images[0]], [durations[0]]
    for image, duration in zip(images[1:], durations[1:], strict=True):
        if image.tobytes() == kept[-1].tobytes():
            times[-1] += duration
        else:
            kept.append(image)
            times.append(duration)
    return kept, times


def _disposals(images: list[Image]) -> list[int]:
    """Return what is done before each next frame.

    Frames are drawn over one another unless a hole opens somewhere; then each is cleared away. Pillow writes a damaged
    file where a frame without any pixel follows one that is cleared; restoring what was before comes to the same.
    """
    holes = [_holes(image) for image in images]
    if not any(ImageChops.subtract(after, before).getbbox() for before, after in pairwise(holes)):
        return [_LEAVE] * len(images)
    is_blank = [ImageChops.invert(hole).getbbox() is None for hole in holes]
    return [_RESTORE if blank else _CLEAR for blank in (*is_blank[1:], False)]


def _holes(image: Image) -> Image:
    transparent = image.info.get("transparency")
    return image.point([255 * (index == transparent) for index in range(256)], "L")
