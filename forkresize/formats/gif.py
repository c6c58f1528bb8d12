"""GIF (CompuServe, 89a)."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from forkresize.formats import spec
from forkresize.formats.metadata import COMMENT, MetadataBlocks

if TYPE_CHECKING:
    from PIL.Image import Image

_FOREVER, _ONCE = 0, 1
_MAX_16_BIT = 65_535

_LEAVE, _CLEAR, _RESTORE = 1, 2, 3
"""Disposal methods: what happens before the next frame is drawn (GIF89a, 23.c.iv)."""

_GRAYS = [level for level in range(256) for _channel in "RGB"]

_CENTISECOND = 10
_SHORTEST_EXACT = 20
"""Milliseconds; browsers show frames of 10 and less for 100."""


def _sequence_options(frames: spec.Images, request: spec.EncodeRequest) -> spec.Options:
    images, durations = _merge_equal(frames, in_centiseconds(request.durations))
    if len(images) == 1:
        return {"append_images": []}
    loop = _ONCE if request.loop is None else request.loop
    return {
        "append_images": images[1:],
        "duration": [min(duration, _MAX_16_BIT * _CENTISECOND) for duration in durations],
        "disposal": _disposals(images),
        "palette": bytes(images[0].getpalette() or _GRAYS),
        # Unchanged pixels are left out of a frame by means of the transparent index, if there is one.
        "optimize": "transparency" in images[0].info,
        # The format counts repetitions; Pillow writes none if there is no number.
        "loop": {_FOREVER: 0, _ONCE: None}.get(loop, min(loop - 1, _MAX_16_BIT)),
    }


def in_centiseconds(durations: Sequence[int]) -> list[int]:
    """Round durations in milliseconds to centiseconds; each rounding error is made up for by the next frame.

    Durations above 10 never fall below 20, which browsers would show as 100.
    """
    rounded, owed = [], 0
    for duration in durations:
        least = min(-(-duration // _CENTISECOND) * _CENTISECOND, _SHORTEST_EXACT)
        exact = duration + owed
        nearest = max(least, (exact + _CENTISECOND // 2) // _CENTISECOND * _CENTISECOND)
        rounded.append(nearest)
        owed = exact - nearest
    return rounded


def _merge_equal(images: spec.Images, durations: list[int]) -> "tuple[list[Image], list[int]]":
    """Drop each frame that equals the one before, which is shown longer instead."""
    kept, times = [images[0]], [durations[0]]
    for image, duration in zip(images[1:], durations[1:], strict=True):
        if image.tobytes() == kept[-1].tobytes():
            times[-1] += duration
        else:
            kept.append(image)
            times.append(duration)
    return kept, times


def _disposals(images: spec.Images) -> list[int]:
    """Return the disposal method of each frame.

    Frames are drawn over one another unless a hole opens somewhere; then each is cleared. Pillow writes a damaged file
    if a frame without any pixel follows a cleared one; restoring what was before has the same effect.
    """
    from PIL import ImageChops

    holes = [_holes(image) for image in images]
    if not any(ImageChops.subtract(after, before).getbbox() for before, after in pairwise(holes)):
        return [_LEAVE] * len(images)
    is_blank = [ImageChops.invert(hole).getbbox() is None for hole in holes]
    return [_RESTORE if blank else _CLEAR for blank in (*is_blank[1:], False)]


def _holes(image: "Image") -> "Image":
    transparent = image.info.get("transparency")
    return image.point([255 * (index == transparent) for index in range(256)], "L")


def _metadata(blocks: MetadataBlocks, _warn: spec.Warn) -> spec.Options:
    return {"comment": blocks.texts.get(COMMENT, "").encode()}


def _loop(info: Mapping[Any, Any]) -> int | None:
    """Return how often an animation plays; the file stores how often it is repeated."""
    loop: int | None = info.get("loop")
    return loop + 1 if loop else loop


SPEC = spec.FormatSpec(
    name="gif",
    suffixes=(".gif",),
    plugin="Gif",
    signature=rb"GIF8[79]a",
    decoder_memory=spec.buffer_file(9),
    animated=True,
    stores_frame_count=False,
    loop=_loop,
    output=spec.OutputSpec(
        modes=frozenset({"L", "RGB", "RGBA"}),
        max_side=65_535,
        animated=True,
        applies=frozenset({"lossless", "palette"}),
        browsers=spec.Browsers(all=True, rank=3),
        palette_only=True,
        stores=frozenset({spec.Block.COMMENT}),
        memory=spec.EncodingMemory(plain=(4, 15, 20), frame=14),
        sequence_options=_sequence_options,
        metadata=_metadata,
    ),
)
