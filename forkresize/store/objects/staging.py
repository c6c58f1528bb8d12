"""Staged objects in the memory of this process, for stores without directories."""

import secrets
from typing import TYPE_CHECKING, Self

from forkresize.store.base import StagedError

if TYPE_CHECKING:
    from forkresize.store.base import OutputStore

Staged = dict[str, bytes]


class MemoryStaging:
    """Outputs of workers of this process until they are put; see ``Staging``.

    Args:
        store: where they are put.
        staged: they themselves, by their staged keys.
    """

    location = ""

    def __init__(self, store: "OutputStore", staged: Staged) -> None:
        self._store = store
        self._staged = staged

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._staged.clear()

    def new_key(self) -> str:
        """Return a key that is not in use."""
        return secrets.token_hex(8)

    def check(self, staged: str, size: int) -> None:
        """Check that an object was staged, with this size."""
        if staged not in self._staged:
            raise StagedError("worker reported an output that it did not write")
        if len(self._staged[staged]) != size:
            raise StagedError(f"worker reported an output of {size} bytes, and wrote {len(self._staged[staged])}")

    def adopt(self, staged: str, key: str, *, keep_attributes: bool = False) -> bool:  # noqa: ARG002 -- objects have none.
        """Put a staged object into the store."""
        self._store.put(key, self._staged[staged])
        del self._staged[staged]
        return False

    def discard(self, staged: str) -> None:
        """Remove a staged object if it exists."""
        self._staged.pop(staged, None)
