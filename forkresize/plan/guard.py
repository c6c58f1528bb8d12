"""The overwrite guard: no output may replace a source, through any links."""

import os
from collections.abc import Iterable, Sequence
from functools import lru_cache

from forkresize.errors import FieldError


class OverwriteGuard:
    """Finds outputs that would overwrite a source, or be created in a source directory."""

    def __init__(self, sources: Sequence[str], destination: str) -> None:
        """Name the sources of a run and its destination, which may not exist yet.

        Raises:
            FieldError: the destination is one of the sources, or is a file.
        """
        if not destination:
            raise FieldError("destination", "'' is not a directory; is a variable empty?")
        self._resolve = lru_cache(maxsize=1024)(self._resolve_directory)
        self._resolve_above = lru_cache(maxsize=1024)(os.path.realpath)
        self._is_among_sources = lru_cache(maxsize=1024)(self._contains_sources)
        self._destination = self._resolve(destination)
        self._directories = [self._resolve(source) for source in sources if os.path.isdir(source)]
        self._files: set[str] = set()
        if os.path.exists(destination) and not os.path.isdir(destination):
            raise FieldError("destination", f"{destination!r} is a file; use a directory")
        # A directory that is mounted twice has several real paths.
        if os.path.exists(destination) and any(os.path.samefile(destination, each) for each in self._directories):
            raise FieldError("destination", f"{destination!r} is also a source; use another directory")

    def add_sources(self, files: Iterable[str]) -> None:
        """Add sources that were named one by one. Only those below the destination can be overwritten."""
        for path in files:
            spellings = {self._real(path), os.path.realpath(path)}
            self._files.update(each for each in spellings if _is_below(each, self._destination))

    def forbids(self, path: str, source: str) -> bool:
        """Return whether an output would overwrite a source, or be created in a source directory.

        A destination inside a source directory is allowed: the walk leaves it out.

        Args:
            path: of the output.
            source: path of the picture that it is made of.
        """
        # Asked for every output, and faster than os.path.split.
        at, source_at = path.rfind("/") + 1, source.rfind("/") + 1
        folder = path[:at]
        if path[at:] == source[source_at:] and self._resolve(folder) == self._resolve(source[:source_at]):
            return True
        return self._is_among_sources(folder) or (bool(self._files) and self._real(path) in self._files)

    def allows_all(self, folder: str, source_folder: str) -> bool:
        """Return whether no output in a directory of any name is forbidden, if its source is in the other one.

        False does not mean that one is. Both end with a slash, or are empty.
        """
        if self._files or self._is_among_sources(folder):
            return False
        return bool(self._resolve(folder) != self._resolve(source_folder))

    def is_output(self, path: str, start: str) -> bool:
        """Return whether a path is in the destination, if the destination is inside the start directory."""
        if not _is_below(self._destination, self._resolve(start)):
            return False
        return _is_below(os.path.join(self._real(path), ""), self._destination)

    def _resolve_directory(self, path: str) -> str:
        """Return what ``os.path.realpath`` returns, which looks at every part of a path: that above is known mostly."""
        above, name = os.path.split(path.rstrip("/"))
        if name in {"", os.curdir, os.pardir}:
            return os.path.realpath(path)
        found = os.path.join(self._resolve_above(above), name)
        return os.path.realpath(path) if os.path.islink(found) else found

    def _contains_sources(self, folder: str) -> bool:
        """Return whether a directory is, or is in, a source directory that does not contain the destination."""
        inside = os.path.join(self._resolve(folder), "x")
        return any(_is_below(inside, each) and not self._is_apart(inside, each) for each in self._directories)

    def _is_apart(self, output: str, source: str) -> bool:
        """Return whether the output is in a destination inside the source directory, which the walk leaves out."""
        return _is_below(self._destination, source) and _is_below(output, self._destination)

    def _real(self, path: str) -> str:
        """Resolve all links except the last part of the path, which would be replaced, not followed."""
        folder, name = os.path.split(path)
        return os.path.normpath(os.path.join(self._resolve(folder), name))


def _is_below(path: str, directory: str) -> bool:
    return path != directory and path.startswith(os.path.join(directory, ""))
