"""The URLs that a node may read and write below, independent of messages, runs and manifests."""

import os
from collections.abc import Sequence

from forkresize.errors import ForkresizeError
from forkresize.job import Job
from forkresize.store import STATE_DIR
from forkresize.store.base import check_key
from forkresize.urls import StoreUrl, parse_store_url


class NotAllowedError(ForkresizeError):
    """A run asks for something outside the URLs that this node may use."""


class AllowedUrls:
    """The URLs that a node may read and write below.

    Args:
        urls: of stores; for none, nothing is allowed.

    Raises:
        UsageError: one of them is not the URL of a store.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self._allowed = [_resolve(parse_store_url(url)) for url in urls]
        self.urls = [str(url) for url in self._allowed]

    def check(self, url: str) -> None:
        """Check that everything below a URL is allowed.

        Raises:
            NotAllowedError: it is not.
            UsageError: it is not the URL of a store.
        """
        wanted = _resolve(parse_store_url(url))
        if not any(_contains(allowed, wanted) for allowed in self._allowed):
            names = ", ".join(self.urls) or "nothing"
            raise NotAllowedError(f"{wanted} is not allowed on this node, which may use {names}; see --allow")


def check_job(job: Job, locations: Sequence[str]) -> None:
    """Check that a job reads below some locations, and that its outputs are plain keys.

    Args:
        job: from a manifest.
        locations: of the stores of sources, as ``SourceStore.location`` returns them.

    Raises:
        NotAllowedError: it does not, or they are not.
    """
    path = job.source.path
    location = next((each for each in locations if path.startswith(f"{each.rstrip('/')}/")), None)
    if location is None:
        raise NotAllowedError(f"the source {path!r} is not below the sources of its run")
    if "://" not in location:
        _check_local(path, location)
    if job.in_place:
        raise NotAllowedError(f"the source {path!r} would be replaced, which no node does")
    for output in job.outputs:
        try:
            check_key(output.key)
        except OSError as error:
            raise NotAllowedError(f"the output {output.key!r} of {path!r} has an invalid key") from error
        if output.staged or output.key.split("/")[0] == STATE_DIR:
            raise NotAllowedError(f"the output {output.key!r} of {path!r} is not one of a run on a cluster")


def _check_local(path: str, location: str) -> None:
    """Check that a file lies below a directory, also if links lead to it."""
    above = os.path.realpath(location).rstrip("/")
    if not os.path.realpath(path).startswith(f"{above}/"):
        raise NotAllowedError(f"the source {path!r} leads out of {location!r}")


def _resolve(url: StoreUrl) -> StoreUrl:
    return StoreUrl(url.scheme, url.bucket, os.path.realpath(url.prefix)) if url.scheme == "file" else url


def _contains(allowed: StoreUrl, wanted: StoreUrl) -> bool:
    if (allowed.scheme, allowed.bucket) != (wanted.scheme, wanted.bucket):
        return False
    above = allowed.prefix.rstrip("/")
    return not above or wanted.prefix == above or wanted.prefix.startswith(f"{above}/")
