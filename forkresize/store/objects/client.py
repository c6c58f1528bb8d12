"""What a client library does for an object store: requests for full names, within one bucket."""

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Protocol

from forkresize.store.info import ObjectInfo, PutOptions
from forkresize.store.objects.errors import is_transient


class ObjectClient(Protocol):
    """Requests to one bucket. Keys in results and arguments are full names; requests are not repeated.

    Errors are ``OSError`` with an ``errno``, a text that says what to do, and no file name.
    """

    def get(self, name: str, file: BinaryIO, expected: ObjectInfo | None) -> ObjectInfo:
        """Write an object into a file; raises ChangedError before that if it is not the expected one."""

    def head(self, name: str) -> ObjectInfo | None:
        """Return the metadata of an object; None if it does not exist."""

    def put(self, name: str, data: bytes | memoryview, options: PutOptions) -> ObjectInfo:
        """Create or replace an object. The conditions are checked by the store only."""

    def delete(self, name: str) -> None:
        """Remove an object if it exists."""

    def delete_many(self, names: Sequence[str]) -> dict[str, OSError]:
        """Remove up to a thousand objects that exist or do not; return those that stay, with the reason.

        Raises:
            OSError: that may pass, or concerns all of them.
        """

    def list_pages(self, prefix: str, after: str) -> Iterator[list[ObjectInfo]]:
        """Yield the objects whose names start with a prefix and sort after a name, in groups."""


def delete_singly(delete: Callable[[str], object], names: Sequence[str]) -> dict[str, OSError]:
    """Remove objects with a request for each; see ``ObjectClient.delete_many``.

    Args:
        delete: removes one.
        names: of the objects.

    Raises:
        OSError: that may pass.
    """
    failed = {}
    for name in names:
        try:
            delete(name)
        except OSError as error:
            if is_transient(error):
                raise
            failed[name] = error
    return failed
