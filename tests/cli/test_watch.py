import io
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pytest

from forkresize.batch import Settings, run
from forkresize.cli.watch import check_watch_conflicts, is_interactive, make_runner, skip_unworked
from forkresize.job import Source
from forkresize.outcome import UNCHANGED, Execution, Outcome, OutputRef
from forkresize.recipe import Recipe

NAMES = "dry_run error_on_empty files_from in_place manifest max_duration prune srcset".split()
NOTHING: Mapping[str, Any] = dict.fromkeys([*NAMES, "watch", "quiet", "verbose"], None)


@pytest.mark.parametrize("name", NAMES)
def test_what_speaks_of_one_run_is_refused_with_it_and_only_with_it(name: str) -> None:
    check_watch_conflicts({**NOTHING, name: True})
    with pytest.raises(click.UsageError, match=f"--{name.replace('_', '-')} speaks of one run"):
        check_watch_conflicts({**NOTHING, name: True, "watch": True})


def test_without_it_a_run_is_a_run() -> None:
    assert make_runner(NOTHING) is run


def test_nobody_is_told_who_does_not_read_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("forkresize.cli.watch.run", lambda *_, **__: signal.raise_signal(signal.SIGINT))
    values = {**NOTHING, "watch": True, "quiet": True, "destination": "out", "report": ()}
    values |= {"log_file": None, "metrics_file": None}
    watch = make_runner(values)
    summary = watch((str(tmp_path),), "out", Recipe(), settings=Settings(), observers=[])
    assert summary.exit_code == 130
    assert capsys.readouterr().err == ""


def test_only_what_a_worker_was_given_is_passed_on() -> None:
    told: list[Outcome] = []
    tell = skip_unworked(told.append)
    outcomes = [Outcome(OutputRef(Source("a", "a")), UNCHANGED, Execution(attempts=attempts)) for attempts in (0, 1, 2)]
    for outcome in outcomes:
        tell(outcome)
    assert told == outcomes[1:]


@pytest.mark.parametrize(
    ("values", "terminal", "reads"),
    [
        ({}, False, False),
        ({}, True, True),
        ({"verbose": True}, False, True),
        ({"quiet": True}, True, False),
    ],
)
def test_somebody_reads_along_at_a_terminal_or_if_asked_for(
    values: dict[str, Any], terminal: bool, reads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    assert is_interactive({**NOTHING, **values}) is reads
