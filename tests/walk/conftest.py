from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from forkresize.job import Source
from forkresize.outcome import Outcome, Reason
from forkresize.walk import Selection, roots, walk

Told = str | tuple[str, Reason | None, str]


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """The directory that is walked."""
    top = tmp_path / "in"
    top.mkdir()
    return top


@pytest.fixture
def plant(top: Path) -> Callable[..., None]:
    """Makes files below the top, as many bytes long as their name."""

    def plant(*names: str) -> None:
        for name in names:
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_bytes(b"x" * len(name))

    return plant


@pytest.fixture
def tell() -> Callable[[Iterable[Source | Outcome]], list[Told]]:
    """Puts what a walk yields in short: where a source lies; of all else also what is told of it."""

    def tell(found: Iterable[Source | Outcome]) -> list[Told]:
        return [
            each.relative if isinstance(each, Source) else (each.source.relative, each.reason, each.error)
            for each in found
        ]

    return tell


@pytest.fixture
def found(top: Path, tell: Callable[[Iterable[Source | Outcome]], list[Told]]) -> Callable[..., list[Told]]:
    """Walks sources below the top, or the top itself, and tells of it in short."""

    def found(*names: str, selection: Selection | None = None, exclude: Path | None = None) -> list[Told]:
        sources = [str(top / name) for name in names or ("",)]
        return tell(walk(roots(sources), selection or Selection(), str(exclude) if exclude else None))

    return found
