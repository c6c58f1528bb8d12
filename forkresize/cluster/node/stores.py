"""The stores of a run, as a node may use them."""

import logging
import threading

from msgspec import Struct

from forkresize.batch.remote.source_stores import SourceStores
from forkresize.cluster.database.values import RunRow
from forkresize.cluster.node.allowed import AllowedUrls, NotAllowedError
from forkresize.cluster.node.recorder import fingerprints_of
from forkresize.cluster.spec import RunSpec
from forkresize.store import OutputStore, SourceStore
from forkresize.store.objects import StoreOptions, open_store

_LOG = logging.getLogger("forkresize.node")

_KEPT = 8
"""Runs whose stores are kept."""


class RunStores(Struct, frozen=True):
    """The stores of a run.

    Attributes:
        sources: where pictures come from.
        destination: where outputs go to.
    """

    sources: tuple[SourceStore, ...]
    destination: OutputStore

    @property
    def locations(self) -> list[str]:
        """What the paths of sources start with."""
        return [store.location("") for store in self.sources]

    @property
    def for_fetching(self) -> SourceStores:
        """The stores of sources, found by path."""
        return SourceStores(self.sources)


def open_stores(spec: RunSpec, allowed: AllowedUrls, options: StoreOptions) -> RunStores:
    """Return the stores of a run; no request is sent.

    Args:
        spec: of the run.
        allowed: what this node may use.
        options: limits of requests.

    Raises:
        NotAllowedError: the run uses something else.
        UsageError: a URL is invalid, or the libraries or credentials for it are missing.
    """
    for url in (*spec.sources, spec.destination):
        allowed.check(url)
    sources = tuple(open_store(url, options) for url in spec.sources)
    return RunStores(sources, open_store(spec.destination, options))


class StoreCache:
    """The stores of the latest runs: to open one takes half a second. May be used by any thread.

    Args:
        allowed: what this node may use.
        options: limits of requests.
    """

    def __init__(self, allowed: AllowedUrls, options: StoreOptions) -> None:
        self._allowed = allowed
        self._options = options
        self._lock = threading.Lock()
        self._stores: dict[tuple[int, str], RunStores | NotAllowedError] = {}

    def get(self, run: RunRow) -> RunStores:
        """Return the stores of a run that this node can work on.

        Raises:
            NotAllowedError: this node may not use them; another node may.
            UsageError: a URL is invalid, the libraries or credentials for it are missing, or this version cannot read
                the recipe.
        """
        fingerprints_of(run.spec)
        key = run.run, run.spec.digest
        with self._lock:
            if key not in self._stores:
                self._stores[key] = self._open(run)
                for former in list(self._stores)[:-_KEPT]:
                    del self._stores[former]
            stores = self._stores[key]
        if isinstance(stores, NotAllowedError):
            raise stores
        return stores

    def _open(self, run: RunRow) -> RunStores | NotAllowedError:
        try:
            return open_stores(run.spec, self._allowed, self._options)
        except NotAllowedError as error:
            _LOG.error("run %s: %s", run.run, error)
            return error
