"""Files that list the outputs: staged at the end of a run, committed if it was complete."""

import os
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

from msgspec import Struct

from forkresize.report.files import ReplacedFile, discard_on_error
from forkresize.report.index.outputs import SourceOutputs

RelativePath = Callable[[str], str]
"""Converts the path of an output to its path relative to the index file, with ``/`` as the separator."""

Render = Callable[[Iterable[SourceOutputs], RelativePath], Iterator[str]]
"""Yields the text of an index file."""


class IndexFile(ReplacedFile, frozen=True):
    """An index file to write; its kind is the name of its option.

    Attributes:
        render: yields its text.
        base: the URL that paths are relative to; empty for the directory of the file.
    """

    render: Render
    base: str = ""

    def parts(self, sources: Iterable[SourceOutputs]) -> Iterator[str]:
        """Yield the text of the file."""
        if self.base:
            return self.render(sources, lambda path: _relative_url(path, self.base))
        return self.render(sources, _relative_to(os.path.abspath(os.path.dirname(self.path))))


class IndexFormat(Struct, frozen=True):
    """A format of index files.

    Attributes:
        name: its name, also that of its option.
        beginning: matches the beginning of every such file.
        render: yields the text of a file.
    """

    name: str
    beginning: re.Pattern[bytes]
    render: Render

    def file(self, path: str, base: str = "") -> IndexFile:
        """Return the file of this format at a path; see ``IndexFile``."""
        return IndexFile(path, self.name, self.beginning, self.render, base)


@contextmanager
def stage_at_end(files: Sequence[IndexFile], sources: Iterable[SourceOutputs]) -> Iterator[None]:
    """Stage files at the end of the block, unless it raises; all of them or none.

    Raises:
        DestinationError: one cannot be written.
    """
    yield
    with discard_on_error(files):
        for file in files:
            file.stage(file.parts(sources))


def commit(files: Sequence[IndexFile]) -> None:
    """Replace the targets by the staged files; after an error, discard those that remain.

    Raises:
        DestinationError: one cannot be replaced.
    """
    with discard_on_error(files):
        for file in files:
            file.commit()


def _relative_url(path: str, base: str) -> str:
    """Return the path of an object relative to another URL of the same bucket."""
    bucket = "/".join(base.split("/", 3)[:3]) + "/"
    if not path.startswith(bucket):
        return path
    return posixpath.relpath(path.removeprefix(bucket), base.removeprefix(bucket) or ".")


def _relative_to(directory: str) -> RelativePath:
    @lru_cache(maxsize=1024)
    def relative_directory(parent: str) -> str:
        path = os.path.relpath(parent or os.curdir, directory)
        if path.split(os.sep, 1)[0] == os.pardir:
            # ".." does not lead back through a symbolic link.
            path = os.path.relpath(os.path.realpath(parent), os.path.realpath(directory))
        return "" if path == os.curdir else path

    def relative(path: str) -> str:
        parent, name = os.path.split(path)
        return os.path.join(relative_directory(parent), name)

    return relative
