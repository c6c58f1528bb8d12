"""The store of derivatives, and the stores of the destinations in it: DestinationStores."""

import os

from forkresize.gateway.derivatives.places import destination_of
from forkresize.store import LocalStore, OutputStore
from forkresize.store.objects import StoreOptions, open_store
from forkresize.urls import is_url


class DestinationStores:
    """A store, and the destinations of batches in it.

    Args:
        url: of the store, or a local path.
        options: limits of the requests to object stores.

    Attributes:
        url: of the store, or an absolute path.
        whole: the store.

    Raises:
        UsageError: the URL is invalid, or the libraries or credentials for it are missing.
    """

    def __init__(self, url: str, options: StoreOptions) -> None:
        self.url = url if is_url(url) else os.path.abspath(url)
        self._options = options
        self.whole = self._open(self.url)

    def open(self, folder: str) -> OutputStore:
        """Return the store of a destination."""
        return self._open(destination_of(self.url, folder))

    def _open(self, url: str) -> OutputStore:
        return open_store(url, self._options) if is_url(url) else LocalStore(url)
