"""A tree of sources that is edited at random, and the recipes of a history of runs."""

import io
import os
import shutil
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from PIL import Image

from forkresize.store.files import is_internal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_KINDS = {".jpg": "JPEG", ".png": "PNG", ".gif": "GIF", ".webp": "WEBP"}
_SIZES = ((40, 30), (30, 40), (24, 24), (12, 9))
_FIRST_TIME = 1_700_000_000
"""Seconds since the epoch. Each edit is a second later than the one before, so that no change keeps size and time."""

WIDTHS: tuple[dict[str, Any], ...] = ({"width": 16}, {"width": 20}, {"width": "8,16"}, {"height": 10})
FORMATS: tuple[dict[str, Any], ...] = ({}, {}, {"format": "png"}, {"format": "jpeg"}, {"format": "webp", "effort": 1})
NAMES: tuple[str | None, ...] = (None, None, "{stem}-x{width}{ext}", "x/{dir}/{stem}-{width}{ext}")


@cache
def draw(seed: int, suffix: str) -> bytes:
    """Draw a tiny picture; one of nine is damaged."""
    random = Random(seed)
    patches = Image.frombytes("RGB", (4, 4), random.randbytes(48)).resize(random.choice(_SIZES))
    patches.save(file := io.BytesIO(), _KINDS[suffix])
    data = file.getvalue()
    return data[: len(data) // 2] if seed % 9 == 0 else data


class SourceTree:
    """A directory of pictures with distinct stems, so that no two of them ever share an output.

    Attributes:
        root: the directory.
        originals: what was last written to each file, if no edit moves files.
    """

    def __init__(self, root: Path, random: Random, *, links: bool) -> None:
        """Create the tree with a few pictures.

        Args:
            root: the directory, which is created.
            random: the source of all choices.
            links: whether edits may make links and move files; not where outputs replace their sources.
        """
        self.root, self._random = root, random
        self._elsewhere = root.parent / "elsewhere"
        self._number, self._time = 0, _FIRST_TIME
        self.originals: dict[Path, bytes] = {}
        root.mkdir()
        self._elsewhere.mkdir()
        plain: Sequence[Callable[[], object]] = (self._add, self._add, self._change, self._change, self._touch)
        self._plain = (*plain, self._remove)
        moving = (self._rename, self._change_case, self._to_directory, self._to_file, self._link, self._move_directory)
        self._edits = (*self._plain, *(moving if links else ()))
        for _ in range(5):
            self._add()

    def edit(self) -> str:
        """Make one random edit; return what it was."""
        edit = self._random.choice(self._edits)
        edit()
        return edit.__name__.strip("_")  # type: ignore[no-any-return]

    def files(self) -> list[Path]:
        """Return all files and links to files, in order."""
        found = (path for path in self.root.rglob("*") if not any(map(is_internal, path.relative_to(self.root).parts)))
        return sorted(path for path in found if path.is_file())

    def _next_name(self, suffix: str | None = None) -> str:
        self._number += 1
        return f"p{self._number}{suffix or self._random.choice(list(_KINDS))}"

    def _stamp(self, path: Path) -> None:
        self._time += 1
        os.utime(path, (self._time, self._time))

    def _write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        suffix = path.suffix.lower()
        self.originals[path] = draw(self._random.randrange(10**6), suffix if suffix in _KINDS else ".png")
        path.write_bytes(self.originals[path])
        self._stamp(path)

    def _directory(self) -> Path:
        return self.root / self._random.choice(("", "a", "a/b", "c"))

    def _pick(self) -> Path | None:
        files = self.files()
        return self._random.choice(files) if files else None

    def _add(self) -> None:
        self._write(self._directory() / self._next_name())

    def _change(self) -> None:
        if path := self._pick():
            self._write(path.resolve())

    def _touch(self) -> None:
        if path := self._pick():
            self._stamp(path.resolve())

    def _remove(self) -> None:
        if path := self._pick():
            path.unlink()
            self.originals.pop(path, None)

    def _rename(self) -> None:
        if path := self._pick():
            target = self._directory() / self._next_name(path.suffix)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)

    def _change_case(self) -> None:
        if path := self._pick():
            path.rename(path.with_name(path.name.swapcase()))

    def _to_directory(self) -> None:
        """Replace a file by a directory of the same name that holds a picture."""
        if path := self._pick():
            path.unlink()
            self._write(path / self._next_name())

    def _to_file(self) -> None:
        """Replace a directory by a file of the same name, where the name is a picture's."""
        found = [path for path in sorted(self.root.rglob("*.*")) if path.is_dir() and not path.is_symlink()]
        if found:
            path = self._random.choice(found)
            shutil.rmtree(path)
            self._write(path)

    def _link(self) -> None:
        """Make a link to a picture outside of the tree."""
        name = self._next_name()
        self._write(self._elsewhere / name)
        path = self._directory() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(self._elsewhere / name)

    def _move_directory(self) -> None:
        found = [path for path in sorted(self.root.iterdir()) if path.is_dir() and not path.is_symlink()]
        if found:
            self._number += 1
            self._random.choice(found).rename(self.root / f"d{self._number}")


def content(folder: Path) -> dict[str, bytes]:
    """Return the content of all files below a directory, except those of the state directory."""
    found = (path for path in folder.rglob("*") if ".forkresize" not in path.relative_to(folder).parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if path.is_file()}


def traces(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return inode, size and time of everything below a directory, except the state directory."""
    traces = {}
    for path in folder.rglob("*"):
        if ".forkresize" not in path.relative_to(folder).parts:
            found = path.lstat()
            size = 0 if path.is_dir() else found.st_size
            traces[str(path)] = (found.st_ino, size, found.st_mtime_ns)
    return traces
