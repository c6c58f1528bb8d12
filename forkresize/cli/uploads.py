"""Reports, logs and index files that belong at a URL: written to a temporary directory, and uploaded at the end."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click
from msgspec import Struct
from msgspec.structs import replace

from forkresize.cli.arguments import Arguments
from forkresize.cli.options.model import flag
from forkresize.cli.reports import expand
from forkresize.errors import DestinationError, describe
from forkresize.urls import is_url, parse_store_url

if TYPE_CHECKING:
    from forkresize.store import OutputStore

_CONTINUED = ("log_file", "metrics_file")
"""Files that hold something of earlier runs."""

_WRITTEN = ("manifest", "srcset")

_TYPES = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".log": "text/plain",
    ".prom": "text/plain",
}


class Upload(Struct, frozen=True):
    """A file that is uploaded when the command ends.

    Attributes:
        path: where it is written.
        url: where it belongs.
        is_continued: whether the file that is there is continued.
    """

    path: str
    url: str
    is_continued: bool

    def download(self) -> None:
        """Get the file that an earlier run has left, if there is one.

        Raises:
            UsageError: the URL is invalid.
            DestinationError: it cannot be read.
        """
        store, key = self._open()
        try:
            with open(self.path, "w+b") as file:
                store.fetch(key, file)
        except FileNotFoundError:
            os.unlink(self.path)
        except OSError as error:
            raise DestinationError(f"{self.url}: {describe(error)}") from error

    def upload(self) -> None:
        """Upload the file, if the command has written it.

        Raises:
            DestinationError: it cannot be uploaded.
        """
        from forkresize.store import PutOptions

        try:
            with open(self.path, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            return
        store, key = self._open()
        content_type = _TYPES.get(os.path.splitext(key)[1], "application/octet-stream")
        try:
            store.put(key, data, PutOptions(content_type=content_type))
        except OSError as error:
            raise DestinationError(f"{self.url}: {describe(error)}") from error

    def _open(self) -> "tuple[OutputStore, str]":
        from forkresize.store.objects import open_store

        url = parse_store_url(self.url)
        return open_store(str(url.parent)), url.name


@contextmanager
def upload_files(arguments: Arguments) -> Iterator[Arguments]:
    """Yield arguments that name local files only, and upload those that belong at URLs in the end.

    Raises:
        click.UsageError: two options name the same URL.
        UsageError: a URL is invalid.
        DestinationError: a file cannot be read or uploaded; the others are uploaded nevertheless.
    """
    named = _named_urls(arguments)
    if not named:
        yield arguments
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="forkresize-") as folder, ExitStack() as stack:
        uploads = dict(_uploads(named, folder))
        for upload in uploads.values():
            if upload.is_continued:
                upload.download()
        # All are tried, also after an error: a log is most needed then.
        for upload in uploads.values():
            stack.callback(upload.upload)
        yield _with_paths(arguments, {url: upload.path for url, upload in uploads.items()})


def _named_urls(arguments: Arguments) -> dict[str, str]:
    """Return the names of options by the URLs that they name."""
    named: dict[str, str] = {}
    options = [("report", path) for path in arguments.report]
    options += [(name, getattr(arguments, name)) for name in (*_CONTINUED, *_WRITTEN)]
    for name, text in options:
        url = text and expand(text)
        if url and is_url(url) and named.setdefault(url, name) != name:
            raise click.UsageError(f"{flag(name)} and {flag(named[url])} name the same file: {url!r}")
    return named


def _uploads(named: Mapping[str, str], folder: str) -> Iterator[tuple[str, Upload]]:
    for number, (url, name) in enumerate(named.items()):
        parsed = parse_store_url(url)
        if not parsed.name:
            raise click.UsageError(f"{flag(name)}: {url!r} must name a file")
        own = os.path.join(folder, str(number))
        os.mkdir(own)
        yield url, Upload(os.path.join(own, parsed.name), url, is_continued=name in _CONTINUED)


def _with_paths(arguments: Arguments, paths: Mapping[str, str]) -> Arguments:
    def local(text: str) -> str:
        return paths.get(expand(text), text)

    single = {name: local(value) for name in (*_CONTINUED, *_WRITTEN) if (value := getattr(arguments, name))}
    places = {path: url for url, path in paths.items()}
    return replace(arguments, report=tuple(map(local, arguments.report)), places=places, **single)
