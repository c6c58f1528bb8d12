"""What the reporters' tests share: outcomes to tell of, and a terminal to draw on."""

from collections.abc import Callable
from io import StringIO

import pytest
from rich.console import Console

from forkresize.job import Source
from forkresize.outcome import Failed, Outcome, Planned, Reason, Skipped, Unchanged, Written

HOSTILE = (
    "[red]x[/red].jpg",
    ":smile:.png",
    "a\nb.jpg",
    "\x1b[31mred.jpg",
    "\x9b31mred.jpg",
    "\udcff.jpg",
    "\u202egpj.exe",
    "n" * 200 + ".jpg",
    "漢字" * 60 + ".jpg",
    "{0}%s%(x)d.jpg",
)


def _source(name: str, size: int) -> Source:
    return Source(f"in/{name}", name, size=size)


@pytest.fixture(params=HOSTILE)
def hostile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def written() -> Callable[..., Written]:
    def make(name: str = "a.jpg", size: int = 1_200_000, warnings: tuple[str, ...] = ()) -> Written:
        return Written(
            source=_source(name, size),
            destination=f"out/{name}",
            attempts=1,
            worker=4711,
            seconds=0.0512345678,
            warnings=warnings,
            out_bytes=80_000,
            in_size=(4000, 3000),
            out_size=(800, 600),
            in_format="jpeg",
            out_format="webp",
            quality=78,
            decode_seconds=0.03,
            resize_seconds=0.01,
            encode_seconds=0.011,
            peak_rss=50_000_000,
        )

    return make


@pytest.fixture
def due() -> Callable[..., Planned]:
    def make(name: str = "d.jpg") -> Planned:
        return Planned(source=_source(name, 500), destination=f"out/{name}", why="no output yet")

    return make


@pytest.fixture
def unchanged() -> Callable[..., Unchanged]:
    def make(name: str = "u.jpg") -> Unchanged:
        return Unchanged(source=_source(name, 500), destination=f"out/{name}")

    return make


@pytest.fixture
def skipped() -> Callable[..., Skipped]:
    def make(name: str = "notes.txt", reason: Reason = Reason.NOT_A_PICTURE, error: str = "") -> Skipped:
        return Skipped(source=_source(name, 20), reason=reason, error=error)

    return make


@pytest.fixture
def failed() -> Callable[..., Failed]:
    def make(
        name: str = "bad.jpg", reason: Reason = Reason.DAMAGED, error: str = "truncated", signal: str | None = None
    ) -> Failed:
        source = _source(name, 700)
        return Failed(source=source, destination=f"out/{name}", reason=reason, error=error, signal=signal)

    return make


@pytest.fixture
def outcomes(
    written: Callable[..., Written],
    unchanged: Callable[..., Unchanged],
    skipped: Callable[..., Skipped],
    failed: Callable[..., Failed],
) -> list[Outcome]:
    """One of each kind that a run tells of."""
    return [written(), unchanged(), skipped(), failed()]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Console]:
    monkeypatch.setenv("TERM", "xterm")

    def make(width: int = 80, height: int = 24) -> Console:
        return Console(file=StringIO(), force_terminal=True, color_system=None, width=width, height=height)

    return make
