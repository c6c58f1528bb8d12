"""Fixtures of all tests: pictures drawn from a seed, the installed command, and one outcome of each kind."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import coverage
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

from forkresize.job import Source
from forkresize.outcome import UNCHANGED, Execution, Failed, Outcome, OutputRef, Planned, Reason, Skipped, Written
from forkresize.store.beneath import Root
from forkresize.tally import Tally
from tests.protocols import Draw, MakeOutcome, Run

pytest_plugins = [
    "tests.servers.azurite",
    "tests.servers.grouping",
    "tests.servers.localbucket",
    "tests.servers.ministack",
    "tests.servers.otlp",
    "tests.servers.postgresql",
    "tests.servers.pgbouncer",
    "tests.servers.rabbitmq",
    "tests.servers.redis",
    "tests.servers.swift",
    "tests.watchdog",
]

if (measuring := coverage.Coverage.current()) is not None:
    # A sandboxed worker saves its coverage data when it exits.
    data = os.path.abspath(str(measuring.get_option("run:data_file")))
    os.environ["FORKRESIZE_SANDBOX_WRITE"] = os.path.dirname(data)

# Under nohup SIGHUP is ignored, and in the background of a shell SIGINT, also by every process that is started here.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes depends on what else the machine does; pytest-timeout ends one that hangs.
settings.register_profile("forkresize", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("forkresize"), max_examples=30)
settings.load_profile("forkresize")

DEADLINE = 60
"""Seconds after which a command counts as hanging."""


def pytest_configure(config: pytest.Config) -> None:
    """Try fewer examples where slow tests are left out too."""
    if _is_quick(config):
        settings.load_profile("quick")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Return the number of processes for ``--numprocesses auto``: slow tests mostly wait for other processes."""
    if _is_quick(config) or "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return (os.cpu_count() or 1) + 1


def _is_quick(config: pytest.Config) -> bool:
    return "not slow" in config.getoption("markexpr")


@pytest.fixture(autouse=True)
def single_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs fork, although pytest has threads: tests change what forked workers do."""
    monkeypatch.setattr("forkresize.pool.threads.has_other_threads", lambda: False)


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
def deep_path(tmp_path: Path) -> Iterator[Path]:
    """A directory for very deep trees, which pytest itself cannot remove."""
    folder = tmp_path / "deep"
    folder.mkdir()
    yield folder
    with Root(str(tmp_path)) as root:
        root.remove_tree("deep")


@pytest.fixture
def command() -> list[str]:
    """The installed command."""
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


def _source(name: str, size: int) -> Source:
    return Source(f"in/{name}", name, size=size)


@pytest.fixture
def written() -> MakeOutcome:
    def make(name: str = "a.jpg", size: int = 1_200_000, warnings: tuple[str, ...] = ()) -> Outcome:
        return Outcome(
            OutputRef(_source(name, size), f"out/{name}"),
            Written(
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
            ),
            Execution(attempts=1, worker=4711, seconds=0.0512345678),
            warnings=warnings,
        )

    return make


@pytest.fixture
def due() -> MakeOutcome:
    def make(name: str = "d.jpg") -> Outcome:
        return Outcome(OutputRef(_source(name, 500), f"out/{name}"), Planned("no output yet"))

    return make


@pytest.fixture
def unchanged() -> MakeOutcome:
    def make(name: str = "u.jpg") -> Outcome:
        return Outcome(OutputRef(_source(name, 500), f"out/{name}"), UNCHANGED)

    return make


@pytest.fixture
def skipped() -> MakeOutcome:
    def make(name: str = "notes.txt", reason: Reason = Reason.NOT_A_PICTURE, error: str = "") -> Outcome:
        return Outcome(OutputRef(_source(name, 20)), Skipped(reason, error))

    return make


@pytest.fixture
def failed() -> MakeOutcome:
    def make(
        name: str = "bad.jpg", reason: Reason = Reason.DAMAGED, error: str = "truncated", signal: str | None = None
    ) -> Outcome:
        source = _source(name, 700)
        return Outcome(OutputRef(source, f"out/{name}"), Failed(reason, error, signal=signal))

    return make


@pytest.fixture
def outcomes(
    written: MakeOutcome,
    unchanged: MakeOutcome,
    skipped: MakeOutcome,
    failed: MakeOutcome,
) -> list[Outcome]:
    """One outcome of each kind."""
    return [written(), unchanged(), skipped(), failed()]


@pytest.fixture
def tally(
    written: MakeOutcome,
    unchanged: MakeOutcome,
    skipped: MakeOutcome,
    failed: MakeOutcome,
) -> Tally:
    """Count six outcomes, two of them written."""
    counted = Tally()
    outcomes = [written(), written(), unchanged(), skipped(), skipped(reason=Reason.SYMBOLIC_LINK), failed()]
    for outcome in outcomes:
        counted(outcome)
    return counted
