"""What all tests share: pictures drawn from a seed, and the installed command run for real."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import coverage
import pytest
from PIL import Image

Draw = Callable[..., Path]
Run = Callable[..., "subprocess.CompletedProcess[str]"]

if (measuring := coverage.Coverage.current()) is not None:
    # A confined worker saves what it has counted when it leaves.
    data = os.path.abspath(str(measuring.get_option("run:data_file")))
    os.environ["FORKRESIZE_SANDBOX_WRITE"] = os.path.dirname(data)

# Under nohup it would be ignored, by every process that is started here, too.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

DEADLINE = 60
"""Seconds after which a command that was started counts as hanging."""


@pytest.fixture
def draw() -> Draw:
    """Draw a picture of smooth patches: ``draw(path, size=(w, h), mode=..., seed=..., **save_options)``."""

    def draw_picture(
        path: Path, size: tuple[int, int] = (64, 48), mode: str = "RGB", seed: int = 0, **options: Any
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        patches = Image.frombytes("RGB", (8, 8), random.Random(seed).randbytes(8 * 8 * 3))  # noqa: S311 (seeded on purpose)
        patches.resize(size, Image.Resampling.BICUBIC).convert(mode).save(path, **options)
        return path

    return draw_picture


@pytest.fixture
def command() -> list[str]:
    """The installed command, as a user's shell would find it."""
    return [os.path.join(os.path.dirname(sys.executable), "forkresize")]


@pytest.fixture
def forkresize(command: list[str], tmp_path: Path) -> Run:
    """Run the installed command to its end: ``forkresize("in", "out", "--width", "32")``, in the test's directory."""

    def run(
        *arguments: str | Path, env: Mapping[str, str] | None = None, stdin: bytes = b""
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*command, *(os.fspath(argument) for argument in arguments)],
            cwd=tmp_path,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100", **(env or {})},
            input=stdin.decode("utf-8", "surrogateescape"),
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=DEADLINE,
            check=False,
        )

    return run
