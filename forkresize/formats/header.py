"""What is known of an image file without decoding its pixels."""

from typing import Protocol


class Header(Protocol):
    """The header of an image file."""

    @property
    def width(self) -> int:
        """In pixels."""

    @property
    def height(self) -> int:
        """In pixels."""

    @property
    def format(self) -> str:
        """Pillow's name in lower case."""

    @property
    def bytes(self) -> int:
        """Size of the file."""
