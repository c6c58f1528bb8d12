"""Keeps outputs off the sources, through whatever links lead there. Makes and changes nothing."""

import os
from collections.abc import Iterable, Sequence
from functools import lru_cache

from forkresize.errors import UsageError


class OverwriteGuard:
    """Tells which outputs would overwrite a source or lie among them."""

    def __init__(self, sources: Sequence[str], destination: str) -> None:
        """Take the sources of a run and its destination, which may be missing yet.

        Raises:
            UsageError: the destination is one of the sources, or is a file.
        """
        if not destination:
            raise UsageError("DESTINATION: '' is no directory; is a variable empty?")
        self._folder = lru_cache(maxsize=1024)(os.path.realpath)
        self._among_sources = lru_cache(maxsize=1024)(self._lies_among_sources)
        self._destination = self._folder(destination)
        self._directories = [self._folder(source) for source in sources if os.path.isdir(source)]
        self._files: set[str] = set()
        if os.path.exists(destination) and not os.path.isdir(destination):
            raise UsageError(f"DESTINATION: {destination!r} is a file; give a directory")
        # Names may differ where a directory is mounted in two places.
        if os.path.exists(destination) and any(os.path.samefile(destination, each) for each in self._directories):
            raise UsageError(f"DESTINATION: {destination!r} is a source too; give another directory")

    def keep(self, files: Iterable[str]) -> None:
        """Take note of sources that were named one by one; only those below the destination are in any danger."""
        for path in files:
            spelled = {self._real(path), os.path.realpath(path)}
            self._files.update(each for each in spelled if _is_below(each, self._destination))

    def forbids(self, path: str, source: str) -> bool:
        """Whether an output would overwrite a source, or lie in a source directory that is not around the output.

        Args:
            path: of the output.
            source: path of the picture it is made of.
        """
        (folder, name), (other, own) = os.path.split(path), os.path.split(source)
        if name == own and self._folder(folder) == self._folder(other):
            return True
        return self._among_sources(folder) or (bool(self._files) and self._real(path) in self._files)

    def is_output(self, path: str, start: str) -> bool:
        """Whether a path lies in the destination, seen from a directory that is around it."""
        if not _is_below(self._destination, self._folder(start)):
            return False
        return _is_below(os.path.join(self._real(path), ""), self._destination)

    def _lies_among_sources(self, folder: str) -> bool:
        """Whether what lies in a directory lies in a source directory that is not around the destination."""
        inside = os.path.join(self._folder(folder), "x")
        return any(_is_below(inside, each) and not self._is_apart(inside, each) for each in self._directories)

    def _is_apart(self, output: str, source: str) -> bool:
        """Whether the output belongs to a destination inside the source, which the walk leaves out."""
        return _is_below(self._destination, source) and _is_below(output, self._destination)

    def _real(self, path: str) -> str:
        """Resolve all links but one that the last part itself may be: that is replaced, not followed."""
        folder, name = os.path.split(path)
        return os.path.normpath(os.path.join(self._folder(folder), name))


def _is_below(path: str, directory: str) -> bool:
    return path != directory and path.startswith(os.path.join(directory, ""))
