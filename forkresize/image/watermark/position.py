"""Computes the positions of watermarks."""

from collections.abc import Iterator

from forkresize.image.geometry.region import Dimensions
from forkresize.recipe import Gravity


def place(size: Dimensions, mark: Dimensions, gravity: Gravity, margin: int) -> Dimensions:
    """Return the position of a mark's left upper corner.

    Args:
        size: width and height of the picture in pixels.
        mark: width and height of the mark.
        gravity: one of the directions, or the center.
        margin: distance from the edges that the direction names.
    """
    across = (size[0] - mark[0]) // 2
    down = (size[1] - mark[1]) // 2
    if "west" in gravity:
        across = margin
    elif "east" in gravity:
        across = size[0] - mark[0] - margin
    if "north" in gravity:
        down = margin
    elif "south" in gravity:
        down = size[1] - mark[1] - margin
    return across, down


def tiles(size: Dimensions, mark: Dimensions, margin: int) -> Iterator[Dimensions]:
    """Yield the left upper corners of marks that cover a picture like bricks, one of them at its center.

    Args:
        size: width and height of the picture in pixels.
        mark: width and height of the mark.
        margin: distance between marks, across and down.
    """
    across, down = place(size, mark, Gravity.CENTER, margin)
    pitch_across, pitch_down = mark[0] + margin, mark[1] + margin
    for top in _covering(down, pitch_down, size[1]):
        is_shifted = (down - top) // pitch_down % 2
        for left in _covering(across + is_shifted * pitch_across // 2, pitch_across, size[0]):
            yield left, top


def _covering(start: int, pitch: int, extent: int) -> range:
    """Return all positions at multiples of a pitch from a start at which marks are visible."""
    return range(start % pitch - pitch, extent, pitch)
