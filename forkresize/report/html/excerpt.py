"""Pictures that the page shows: whole ones, reduced, and parts of others at their own size."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct


class Excerpt(Struct, frozen=True):
    """A picture, or a part of one.

    Attributes:
        path: its file.
        box: left edge, upper edge, width and height of the part, in pixels of the upright picture; None for all of it,
            reduced.
        size: width and height in pixels that the part is resized to; None to keep its own.
    """

    path: str
    box: tuple[int, int, int, int] | None = None
    size: tuple[int, int] | None = None


DrawExcerpts = Callable[[Sequence[Excerpt]], Mapping[Excerpt, bytes]]
"""Returns a WebP file of each; those that cannot be made are missing. Parts are without loss."""
