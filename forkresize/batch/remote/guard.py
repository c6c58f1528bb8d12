"""The overwrite guard of object stores: no output may replace a source."""

from collections.abc import Iterable, Sequence

from forkresize.errors import FieldError


class PrefixGuard:
    """Finds outputs that would overwrite a source, or be put among the sources, by their URLs.

    Args:
        sources: URLs and absolute paths of the sources, without a slash at their ends.
        destination: URL or absolute path of the destination.

    Raises:
        FieldError: the destination is one of the sources.
    """

    def __init__(self, sources: Sequence[str], destination: str) -> None:
        self._destination = _directory(destination)
        self._directories = [_directory(source) for source in sources]
        self._files: set[str] = set()
        if self._destination in self._directories:
            raise FieldError("destination", f"{destination!r} is also a source; use another destination")

    def add_sources(self, files: Iterable[str]) -> None:
        """Add sources that were named one by one."""
        self._files.update(files)

    def forbids(self, path: str, source: str) -> bool:
        """Return whether an output would overwrite a source, or be put among the sources.

        A destination below a source is allowed: the listing leaves it out.

        Args:
            path: URL or path of the output.
            source: of the picture that it is made of.
        """
        if path == source or path in self._files:
            return True
        return any(path.startswith(each) and not self._destination.startswith(each) for each in self._directories)

    def is_output(self, path: str, start: str) -> bool:
        """Return whether a path is in the destination, if the destination is below the start."""
        return self._destination.startswith(_directory(start)) and path.startswith(self._destination)


def _directory(url: str) -> str:
    return f"{url.rstrip('/')}/"
