"""A worker that is lost after it wrote an output: the output counts."""

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PIL import Image

from forkresize import Failed, Outcome, PoolOptions, Recipe, Settings, Summary, Unchanged, Written, run
from forkresize.batch import render_job
from forkresize.outcome import Reason
from forkresize.store import LocalStore, ObjectInfo
from tests.protocols import Draw

Make = Callable[..., tuple[Summary, list[Outcome]]]


@pytest.fixture
def photo(tmp_path: Path, draw: Draw) -> Path:
    return draw(tmp_path / "in/a.jpg")


@pytest.fixture
def make(tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Run with workers that are killed right after their so-manieth rename, in so many attempts."""
    parent, real, deaths = os.getpid(), os.replace, tmp_path / "deaths"

    def make_all(
        widths: Any = 16, renames: int = 1, attempts: int = 9, output: Any = None, **pool: Any
    ) -> tuple[Summary, list[Outcome]]:
        renamed: list[str] = []

        def deadly(path: str, destination: str) -> None:
            real(path, destination)
            if os.getpid() == parent:
                return
            renamed.append(destination)
            died = len(deaths.read_bytes())
            if len(renamed) == renames and died < attempts:
                deaths.write_bytes(bytes(died + 1))
                os.kill(os.getpid(), signal.SIGKILL)

        monkeypatch.setattr(os, "replace", deadly)
        deaths.write_bytes(b"")
        outcomes: list[Outcome] = []
        settings = Settings(pool=PoolOptions(**{"workers": 1, **pool}), sandbox="off")  # type: ignore[arg-type]
        recipe = Recipe.of(width=widths, format=output)
        summary = run([photo.parent], tmp_path / "out", recipe, settings=settings, observers=[outcomes.append])
        monkeypatch.setattr(os, "replace", real)
        return summary, outcomes

    return make_all


def width(path: Path) -> int:
    with Image.open(path) as image:
        image.load()
        return image.width


@pytest.mark.parametrize("retries", [0, 1])
def test_an_output_written_by_a_lost_worker_is_unchanged(tmp_path: Path, make: Make, retries: int) -> None:
    summary, (outcomes,) = make(retries=retries)
    assert isinstance(outcomes.detail, Unchanged)
    assert (outcomes.destination, outcomes.execution.attempts) == (str(tmp_path / "out/a.jpg"), retries + 1)
    assert "lost after writing it: killed by SIGKILL" in outcomes.warnings[-1]
    assert (summary.exit_code, summary.unchanged, summary.stats.workers_lost) == (0, 1, retries + 1)
    assert width(tmp_path / "out/a.jpg") == 16
    assert make(attempts=0)[0].unchanged == 1


def test_a_successful_retry_reports_its_own_outcome(make: Make) -> None:
    summary, (outcomes,) = make(attempts=1, retries=1)
    assert isinstance(outcomes.detail, Written)
    assert (outcomes.execution.attempts, summary.exit_code) == (2, 0)


def test_an_existing_output_is_unchanged_even_if_the_retry_runs_out_of_memory(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent, real = os.getpid(), os.open

    def full(path: str, *rest: Any, **options: Any) -> int:
        if os.getpid() != parent and "forkresize-" in str(path) and (tmp_path / "out/a.jpg").exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        return real(path, *rest, **options)

    monkeypatch.setattr(os, "open", full)
    summary, (outcomes,) = make(attempts=1, retries=1)
    assert isinstance(outcomes.detail, Unchanged)
    assert "a worker was lost after writing it, and it can't be made again" in outcomes.warnings[-1]
    assert "No space left" in outcomes.warnings[-1]
    assert (summary.exit_code, summary.unchanged, summary.stats.workers_lost) == (0, 1, 1)
    assert width(tmp_path / "out/a.jpg") == 16


def test_an_output_is_not_trusted_after_an_internal_error_of_the_retry(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = os.getpid()

    def broken(*arguments: Any, **options: Any) -> Any:
        if os.getpid() != parent and (tmp_path / "out/a.jpg").exists():
            raise TypeError("a bug")
        return real(*arguments, **options)

    real = render_job.render_each
    monkeypatch.setattr(render_job, "render_each", broken)
    summary, (outcomes,) = make(attempts=1, retries=1)
    assert isinstance(outcomes.detail, Failed)
    assert (outcomes.reason, outcomes.execution.attempts, summary.exit_code) == (Reason.INTERNAL, 2, 1)


def test_a_replaced_output_counts_and_is_made_again_by_the_next_run(tmp_path: Path, make: Make) -> None:
    make(attempts=0)
    summary, (outcomes,) = make(20, retries=0)
    assert isinstance(outcomes.detail, Unchanged)
    assert width(tmp_path / "out/a.jpg") == 20
    # What was not noted is not taken on trust.
    summary, (outcomes,) = make(20, attempts=0)
    assert (summary.written, outcomes.status) == (1, "written")


def test_of_several_outputs_only_missing_ones_failed(tmp_path: Path, make: Make) -> None:
    summary, outcomes = make([16, 8, 24], renames=2, retries=0)
    assert [outcome.status for outcome in outcomes] == ["unchanged", "unchanged", "failed"]
    assert outcomes[2].destination == str(tmp_path / "out/a-24w.jpg")
    assert sorted(os.listdir(tmp_path / "out")) == [".forkresize", "a-16w.jpg", "a-8w.jpg"]
    assert (summary.sources, summary.failed_by_reason, summary.exit_code) == (1, {Reason.CRASHED: 1}, 1)


def test_a_worker_that_is_lost_before_writing_has_failed(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent, real = os.getpid(), os.open

    def deadly(path: str, *rest: Any, **options: Any) -> int:
        if os.getpid() != parent and "forkresize-" in str(path):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(path, *rest, **options)

    monkeypatch.setattr(os, "open", deadly)
    summary, (outcomes,) = make(attempts=0, retries=0)
    assert isinstance(outcomes.detail, Failed)
    assert summary.failed_by_reason == {Reason.CRASHED: 1}
    assert not (tmp_path / "out/a.jpg").exists()


def test_a_file_that_is_not_a_picture_may_share_the_name_of_an_output(make: Make, photo: Path) -> None:
    photo.with_suffix(".txt").write_text("no picture")
    summary, _ = make(retries=0, output="png", workers=2)
    assert (summary.unchanged, summary.skipped, summary.exit_code) == (1, 1, 0)


def test_an_older_output_does_not_hide_a_failure(tmp_path: Path, make: Make, photo: Path) -> None:
    make(attempts=0)
    photo.write_bytes(photo.read_bytes()[:300])
    summary, (outcomes,) = make(attempts=0)
    assert isinstance(outcomes.detail, Failed)
    assert (summary.exit_code, width(tmp_path / "out/a.jpg")) == (1, 16)


def test_a_changed_inode_number_alone_does_not_make_a_file_new(
    tmp_path: Path, make: Make, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(attempts=0)
    photo.write_bytes(photo.read_bytes()[:300])
    stat, numbers = LocalStore.stat, iter(range(9))

    def renumber(self: LocalStore, key: str) -> ObjectInfo | None:
        found = stat(self, key)
        return found and replace(found, version=(1, next(numbers)))

    monkeypatch.setattr(LocalStore, "stat", renumber)
    assert isinstance(make(attempts=0)[1][0].detail, Failed)
