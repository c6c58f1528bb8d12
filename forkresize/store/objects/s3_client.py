"""Requests to S3: bytes by obstore, listings and unusual keys by boto3."""

from collections.abc import Iterator
from typing import BinaryIO

from forkresize.store.info import ObjectInfo, PutOptions
from forkresize.store.objects.boto_client import BotoClient
from forkresize.store.objects.client import ObjectClient
from forkresize.store.objects.obstore_client import ObstoreClient, supports


class S3Client:
    """Requests to a bucket; see ``ObjectClient``. obstore takes a tenth of the time, but cannot express every key."""

    def __init__(self, fast: ObstoreClient, general: BotoClient) -> None:
        self._fast = fast
        self._general = general

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

    def list_pages(self, prefix: str, after: str) -> Iterator[list[ObjectInfo]]:
        """Yield the objects whose names start with a prefix, in the order of their bytes."""
        return self._general.list_pages(prefix, after)

    def _choose(self, name: str) -> ObjectClient:
        return self._fast if supports(name) else self._general
