"""Fixtures of the reporters' tests: names that could break a terminal, and a terminal to draw on."""

from io import StringIO

import pytest
from rich.console import Console

from tests.protocols import MakeConsole

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


@pytest.fixture(params=HOSTILE)
def hostile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> MakeConsole:
    monkeypatch.setenv("TERM", "xterm")

    def make(width: int = 80, height: int = 24) -> Console:
        return Console(file=StringIO(), force_terminal=True, color_system=None, width=width, height=height)

    return make
