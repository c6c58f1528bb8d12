"""The pictures of the store that were asked for last, in memory: HotDerivatives."""

from collections import OrderedDict
from collections.abc import Hashable

from msgspec import Struct

Identity = tuple[str, int, int, str | None, str | None, bytes]
"""Size, time, ETag and version of a source, and the fingerprint of what is made of it."""

_LARGEST_SHARE = 16
"""A picture that takes more than this fraction of the memory is not kept in it."""


class Derivative(Struct, frozen=True):
    """A picture that was made: the bytes of its file, and their media type."""

    data: bytes
    media_type: str


class HotDerivatives:
    """The pictures that were asked for last, within a number of bytes.

    They cannot be out of date: each belongs to one version of its source, and to one recipe.

    Args:
        limit: bytes of all of them together.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._found: OrderedDict[Hashable, tuple[Identity, Derivative]] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes of the pictures."""
        return self._size

    def find(self, place: Hashable, identity: Identity) -> Derivative | None:
        """Return the picture of a place; None if it is not here, or was made of something else."""
        entry = self._found.get(place)
        if entry is None or entry[0] != identity:
            return None
        self._found.move_to_end(place)
        return entry[1]

    def add(self, place: Hashable, identity: Identity, derivative: Derivative) -> None:
        """Add a picture, in place of what was here for its place and of those that were not asked for lately."""
        if len(derivative.data) * _LARGEST_SHARE > self._limit:
            return
        former = self._found.pop(place, None)
        self._size += len(derivative.data) - (len(former[1].data) if former else 0)
        self._found[place] = identity, derivative
        while self._size > self._limit:
            _, (_, oldest) = self._found.popitem(last=False)
            self._size -= len(oldest.data)
