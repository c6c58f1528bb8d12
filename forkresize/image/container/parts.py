"""What the containers have in common: named parts, and what is refused of all. Knows none of them."""

from collections.abc import Mapping
from typing import Any

from PIL import Image

from forkresize.image import metadata

Part = tuple[bytes, bytes]
"""What a container calls one of its parts, and what is in it."""


class UnsupportedContainerError(Exception):
    """The file is damaged, or holds something that it may not do without."""


def refuse_sideways(info: Mapping[str, Any]) -> None:
    """Refuse a picture that its metadata turns.

    Args:
        info: the blocks that tell, under the names that Pillow gives them.

    Raises:
        NotUnderstoodError: it is stored any other way than upright.
    """
    bearer = Image.new("1", (1, 1))
    bearer.info.update(info)
    if metadata.orientation(bearer) != 1:
        raise UnsupportedContainerError
