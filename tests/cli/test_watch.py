"""The command with --watch."""

from pathlib import Path

import pytest

from forkresize.batch import prepare
from forkresize.cli.watch import run_watch
from forkresize.observer import Observer
from forkresize.recipe import Recipe
from forkresize.summary import Summary
from tests.protocols import ParseArguments


def _interrupt(*_: object) -> None:
    # A real SIGINT would do nothing where it is ignored, as it is in background jobs of a shell.
    raise KeyboardInterrupt


class _Finished(Observer):
    def __init__(self) -> None:
        self.summaries: list[Summary] = []

    def on_finish(self, summary: Summary) -> None:
        self.summaries.append(summary)


def test_quiet_watch_prints_nothing_and_passes_its_totals_to_observers(
    arguments: ParseArguments,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("forkresize.batch.watch.execute", _interrupt)
    (tmp_path / "in").mkdir()
    source, destination = str(tmp_path / "in"), str(tmp_path / "out")
    observer = _Finished()
    plan = prepare([source], destination, Recipe.of(width=8))
    summary = run_watch(arguments(source, destination, "--watch", "--quiet"), plan, [observer])
    assert summary.exit_code == 130
    assert observer.summaries == [summary]
    assert capsys.readouterr().err == ""
