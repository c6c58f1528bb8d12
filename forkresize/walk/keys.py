"""Which keys of an object store a selection includes: KeySelection."""

import posixpath
from functools import lru_cache

from forkresize.store.files import is_internal
from forkresize.walk.rules import first_match
from forkresize.walk.selection import Selection

_DIRECTORIES = 4096
"""Directories whose verdict is kept. Listings are sorted, so the next key is mostly in the same one."""


class KeySelection:
    """Decides about keys as a walk decides about the files of a directory. Each part before a slash is a directory.

    Args:
        selection: what is included.
        prefix: the path of the store below the destination, without a slash at its end.
    """

    def __init__(self, selection: Selection, prefix: str = "") -> None:
        self._selection = selection
        self._prefix = prefix
        self._match = first_match(selection.rules)
        self._directory = lru_cache(_DIRECTORIES)(self._judge_directory)

    def relative(self, key: str) -> str:
        """Return the path of an object below the destination, which the rules are compared with."""
        return f"{self._prefix}/{key}" if self._prefix else key

    def includes(self, key: str, size: int, mtime_ns: int) -> bool:
        """Return whether an object is included.

        Args:
            key: of the object.
            size: in bytes.
            mtime_ns: its modification time in nanoseconds since the epoch.
        """
        directory, name = posixpath.split(key)
        if self._is_hidden(name) or not self._selection.includes_status(size, mtime_ns):
            return False
        includes_unmatched = self._directory(directory)
        if includes_unmatched is None:
            return False
        verdict = self._match(self.relative(key))
        return includes_unmatched if verdict is None else verdict

    def _judge_directory(self, directory: str) -> bool | None:
        """Return whether files in a directory that no rule matches are included; None if it is excluded."""
        if not directory:
            return self._judge_root()
        above, name = posixpath.split(directory)
        includes_unmatched = None if self._is_hidden(name) else self._directory(above)
        if includes_unmatched is None or not self._selection.enters(directory.count("/") + 2):
            return None
        verdict = self._match(f"{self.relative(directory)}/")
        return None if verdict is False else bool(verdict or includes_unmatched)

    def _judge_root(self) -> bool | None:
        if not self._prefix:
            return self._selection.includes_unmatched
        verdict = self._match(f"{self._prefix}/")
        return None if verdict is False else bool(verdict or self._selection.includes_unmatched)

    def _is_hidden(self, name: str) -> bool:
        return name.startswith(".") and (not self._selection.hidden or is_internal(name))
