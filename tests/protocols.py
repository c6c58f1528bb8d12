"""The types of shared fixtures."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from forkresize.cli.arguments import Arguments
from forkresize.outcome import Outcome
from forkresize.report.html import DrawExcerpts


class Draw(Protocol):
    """The fixture ``draw``."""

    def __call__(
        self, path: Path, size: tuple[int, int] = ..., mode: str = ..., seed: int = ..., **options: Any
    ) -> Path: ...


class Run(Protocol):
    """The fixture ``forkresize``."""

    def __call__(
        self, *arguments: str | Path, env: Mapping[str, str] | None = ..., stdin: bytes = ...
    ) -> "subprocess.CompletedProcess[str]": ...


class MakeOutcome(Protocol):
    """The fixtures ``written``, ``unchanged``, ``due``, ``skipped`` and ``failed``."""

    def __call__(self, *arguments: Any, **fields: Any) -> Outcome: ...


class MakePage(Protocol):
    """The fixture ``made``: the text of an HTML report about outcomes."""

    def __call__(
        self, *outcomes: Outcome, draw: DrawExcerpts = ..., info: Mapping[str, Any] | None = ..., **ending: Any
    ) -> str: ...


class MakeConsole(Protocol):
    """The fixture ``terminal``."""

    def __call__(self, width: int = ..., height: int = ...) -> Console: ...


class ParseArguments(Protocol):
    """The fixture ``arguments``."""

    def __call__(self, *arguments: str) -> Arguments: ...


class Parse(Protocol):
    """The fixture ``parse``."""

    def __call__(self, *arguments: Any, **places: Any) -> Mapping[str, Any]: ...
