"""Requests to S3: bytes by obstore, listings and unusual keys by boto3."""

import errno
import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from forkresize.store.info import ObjectInfo, PutOptions
from forkresize.store.objects.boto_client import BotoClient
from forkresize.store.objects.client import ObjectClient, delete_singly
from forkresize.store.objects.obstore_client import ObstoreClient, supports

_NOT_XML = re.compile(r"[\x00-\x1f\x7f\ufffe\uffff]")
"""Characters that the request for many objects cannot name."""


class S3Client:
    """Requests to a bucket; see ``ObjectClient``. obstore takes a tenth of the time, but cannot express every key."""

    def __init__(self, fast: ObstoreClient, general: BotoClient) -> None:
        self._fast = fast
        self._general = general
        self._removes_many = True

    def get(self, name: str, file: BinaryIO, expected: ObjectInfo | None) -> ObjectInfo:
        """Write an object into a file."""
        return self._choose(name).get(name, file, expected)

    def head(self, name: str) -> ObjectInfo | None:
        """Return the metadata of an object; None if it does not exist."""
        return self._choose(name).head(name)

    def put(self, name: str, data: bytes | memoryview, options: PutOptions) -> ObjectInfo:
        """Create or replace an object."""
        return self._choose(name).put(name, data, options)

    def delete(self, name: str) -> None:
        """Remove an object if it exists; obstore would ask for a removal of many, which not all servers support."""
        self._general.delete(name)

    def delete_many(self, names: Sequence[str]) -> dict[str, OSError]:
        """Remove objects with one request, or with one for each where the server does not support that."""
        batch = [name for name in names if not _NOT_XML.search(name)] if self._removes_many else []
        failed: dict[str, OSError] = {}
        try:
            if batch:
                failed = self._general.delete_many(batch)
        except OSError as error:
            if error.errno not in {errno.EOPNOTSUPP, errno.EINVAL}:
                raise
            self._removes_many, batch = False, []
        done = set(batch)
        return failed | delete_singly(self.delete, [name for name in names if name not in done])

    def list_pages(self, prefix: str, after: str) -> Iterator[list[ObjectInfo]]:
        """Yield the objects whose names start with a prefix, in the order of their bytes."""
        return self._general.list_pages(prefix, after)

    def _choose(self, name: str) -> ObjectClient:
        return self._fast if supports(name) else self._general
