"""Keeps outputs off the sources, through whatever links lead there. Makes and changes nothing."""

import os
from collections.abc import Sequence
from functools import lru_cache

from forkresize.errors import UsageError
from forkresize.job import Job


class Guard:
    """Tells which outputs would overwrite a source or lie among them."""

    def __init__(self, sources: Sequence[str], destination: str) -> None:
        """Take the sources of a run and its destination, which may be missing yet.

        Raises:
            UsageError: the destination is one of the sources, or is a file.
        """
        self._real = lru_cache(maxsize=1024)(os.path.realpath)
        self._destination = self._real(destination)
        self._sources = [self._real(source) for source in sources if os.path.isdir(source)]
        if os.path.exists(destination) and not os.path.isdir(destination):
            raise UsageError(f"DESTINATION: {destination!r} is a file; give a directory")
        if self._destination in self._sources:
            raise UsageError(f"DESTINATION: {destination!r} is a source too; give another directory")

    def forbids(self, job: Job) -> bool:
        """Whether the output would overwrite its source, or lie in a source directory outside the destination."""
        folder, name = os.path.split(job.destination)
        folder = self._real(folder)
        source_folder, source_name = os.path.split(job.source.path)
        if name == source_name and folder == self._real(source_folder):
            return True
        return any(_is_below(folder, source) and not self._is_apart(folder, source) for source in self._sources)

    def _is_apart(self, folder: str, source: str) -> bool:
        """Whether the folder belongs to a destination inside the source, which the walk leaves out."""
        return _is_below(self._destination, source) and _is_below(folder, self._destination)


def _is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(os.path.join(directory, ""))
