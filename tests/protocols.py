"""The types of shared fixtures."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol


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
