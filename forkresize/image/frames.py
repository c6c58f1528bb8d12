"""What one output is made of: a still picture, an animation, or the pages of a document. Encodes nothing."""

from msgspec import Struct, field
from PIL.Image import Image

from forkresize.image.diagnostics import Diagnostics


class Frames(Struct, frozen=True, kw_only=True):
    """The complete pictures of one output, in their order, all steps done.

    Attributes:
        images: one for a still picture; several of one size for an animation; several of any size for pages.
        durations: how long each is shown, in milliseconds; empty for a still picture and for pages.
        loop: how often the animation is shown; 0 is for ever, None is not said, which means once.
        diagnostics: collects warnings about encoding.
    """

    images: tuple[Image, ...]
    durations: tuple[int, ...] = ()
    loop: int | None = None
    diagnostics: Diagnostics = field(default_factory=Diagnostics)
