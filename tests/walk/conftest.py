"""Trees to walk, and short summaries of walks."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from forkresize.job import Source
from forkresize.outcome import Outcome, Reason
from forkresize.walk import Selection, roots, walk

Found = str | tuple[str, Reason | None, str]


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """The directory that is walked."""
    top = tmp_path / "in"
    top.mkdir()
    return top


@pytest.fixture
def plant(top: Path) -> Callable[..., None]:
    """Create files below the top, as many bytes long as their names."""

    def plant(*names: str) -> None:
        for name in names:
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_bytes(b"x" * len(name))

    return plant


@pytest.fixture
def summarize() -> Callable[[Iterable[Source | Outcome]], list[Found]]:
    """Shorten what a walk yields: the relative paths of sources, with reason and error of everything else."""

    def summarize_all(found: Iterable[Source | Outcome]) -> list[Found]:
        return [
            each.relative if isinstance(each, Source) else (each.source.relative, each.reason, each.error)
            for each in found
        ]

    return summarize_all


@pytest.fixture
def found(top: Path, summarize: Callable[[Iterable[Source | Outcome]], list[Found]]) -> Callable[..., list[Found]]:
    """Walk sources below the top, or the top itself, and return a summary."""

    def found(*names: str, selection: Selection | None = None, exclude: Path | None = None) -> list[Found]:
        sources = [str(top / name) for name in names or ("",)]
        return summarize(walk(roots(sources), selection or Selection(), str(exclude) if exclude else None))

    return found
