"""Reads the fields of a box, one after the other."""

from collections.abc import Iterator

from forkresize.formats.boxes import boxes
from forkresize.formats.spec import UnsupportedContainerError


class Fields:
    """The content of a box.

    Attributes:
        data: the file.
        position: where the next field begins in it.
        end: where the content ends.
    """

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self.data = data
        self.position = start
        self.end = end

    def take(self, size: int) -> bytes:
        """Return the next bytes.

        Raises:
            UnsupportedContainerError: there are less.
        """
        if size > self.end - self.position:
            raise UnsupportedContainerError
        self.position += size
        return self.data[self.position - size : self.position]

    def number(self, size: int) -> int:
        """Return a number of so many bytes; 0 if there are none.

        Raises:
            UnsupportedContainerError: the box ends in it.
        """
        return int.from_bytes(self.take(size))

    def version(self) -> tuple[int, int]:
        """Return the version and the flags with which a full box begins."""
        return self.number(1), self.number(3)

    def boxes(self, name: bytes) -> Iterator["Fields"]:
        """Yield the content of each box of a type in the rest of this one."""
        for found, inner, stop in boxes(self.data, self.position, self.end):
            if found == name:
                yield Fields(self.data, inner, stop)
