"""Pruning: outputs of earlier runs whose source is gone, unless they were altered or are too many."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from forkresize import MaxErrors, MaxPrune, Outcome, Pruned, Recipe, Rule, Selection, Settings, Summary, run
from forkresize.exit_policy import ExitCode
from forkresize.outcome import Reason
from forkresize.store import LocalStore
from tests.protocols import Draw

pytestmark = pytest.mark.slow

ALL = MaxPrune(100)
Prune = Callable[..., tuple[Summary, list[str]]]


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    for name in ("0.jpg", "1.jpg", "sub/2.jpg", "sub/deep/3.jpg", "sub/deep/4.jpg"):
        draw(tmp_path / "in" / name)
    return tmp_path / "in"


@pytest.fixture
def prune(tmp_path: Path, photos: Path) -> Prune:
    """Make everything, then run again after a change; return the summary and the outputs outcomes to be pruned."""
    run([photos], tmp_path / "out", Recipe.of(width=16))

    def again(**settings: object) -> tuple[Summary, list[str]]:
        outcomes: list[Outcome] = []
        asked = Settings(**{"prune": True, "max_prune": ALL, **settings})  # type: ignore[arg-type]
        summary = run([photos], tmp_path / "out", Recipe.of(width=16), settings=asked, observers=[outcomes.append])
        return summary, [
            os.path.relpath(str(each.destination), tmp_path / "out")
            for each in outcomes
            if isinstance(each.detail, Pruned)
        ]

    return again


def outputs(tmp_path: Path) -> list[str]:
    return sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.jpg"))


def test_only_outputs_without_a_source_are_removed_and_directories_they_leave_empty(
    tmp_path: Path, photos: Path, prune: Prune
) -> None:
    shutil.rmtree(photos / "sub/deep")
    (photos / "0.jpg").unlink()
    summary, pruned = prune()
    assert pruned == ["0.jpg", "sub/deep/3.jpg", "sub/deep/4.jpg"]
    assert (summary.pruned, summary.unchanged, summary.sources, summary.exit_code) == (3, 2, 2, 0)
    assert outputs(tmp_path) == ["1.jpg", "sub/2.jpg"]
    assert not (tmp_path / "out/sub/deep").exists()
    assert prune()[1] == []


def test_nothing_is_removed_without_prune(tmp_path: Path, photos: Path, prune: Prune) -> None:
    (photos / "0.jpg").unlink()
    assert prune(prune=False)[1] == prune(ledger=False)[1] == []
    assert len(outputs(tmp_path)) == 5


def test_altered_and_foreign_files_are_kept(tmp_path: Path, photos: Path, prune: Prune) -> None:
    shutil.rmtree(photos / "sub")
    (tmp_path / "out/sub/2.jpg").write_bytes(b"mine now")
    (tmp_path / "out/sub/deep/mine.jpg").write_bytes(b"mine")
    (tmp_path / "out/sub/deep/4.jpg").unlink()
    assert prune()[1] == ["sub/deep/3.jpg"]
    assert outputs(tmp_path) == ["0.jpg", "1.jpg", "sub/2.jpg", "sub/deep/mine.jpg"]


def test_excluded_sources_do_not_count_as_missing(tmp_path: Path, photos: Path, prune: Prune) -> None:
    assert prune(selection=Selection(rules=(Rule(include=False, pattern="sub/"),)))[1] == []
    assert prune(files_from=lambda: ["0.jpg"])[1] == []
    (photos / "0.jpg").unlink()
    assert prune(files_from=lambda: ["1.jpg"])[1] == ["0.jpg"]
    assert len(outputs(tmp_path)) == 4


def test_outputs_of_other_source_directories_are_kept(tmp_path: Path, photos: Path, draw: Draw, prune: Prune) -> None:
    other = draw(tmp_path / "other/x.jpg")
    run([tmp_path / "other"], tmp_path / "out", Recipe.of(width=16))
    other.unlink()
    assert prune()[1] == []


@pytest.mark.parametrize(("limit", "removed"), [(MaxPrune(0), 0), (MaxPrune(20), 1), (MaxPrune(0, percent=False), 0)])
def test_above_the_limit_nothing_is_removed_and_the_run_fails(
    tmp_path: Path, photos: Path, prune: Prune, limit: MaxPrune, removed: int
) -> None:
    (photos / "0.jpg").unlink()
    summary, pruned = prune(max_prune=limit)
    assert (summary.pruned, len(pruned), len(outputs(tmp_path))) == (removed, removed, 5 - removed)
    assert summary.exit_code == (ExitCode.OK if removed else ExitCode.FATAL)
    if not removed:
        assert summary.refused == (
            f"1 of 5 outputs would be removed (1 whose source is gone), more than the limit of {limit}; "
            "none was removed; to remove them, set the limit to 1"
        )
    assert summary.stopped_by is None


@pytest.mark.parametrize(
    ("removed", "total", "limit", "exceeded"),
    [
        (10, 11, MaxPrune(10), False),
        (11, 110, MaxPrune(10), False),
        (11, 109, MaxPrune(10), True),
        (10, 10, MaxPrune(10), True),
        (10, 10, MaxPrune(100), False),
        (1, 5, MaxPrune(0), True),
        (0, 0, MaxPrune(0), False),
        (10, 1000, MaxPrune(9, percent=False), True),
    ],
)
def test_up_to_ten_outputs_may_go_at_any_percentage_but_never_all(
    removed: int, total: int, limit: MaxPrune, exceeded: bool
) -> None:
    assert limit.exceeded(removed, total) is exceeded
    assert (limit.refusal(removed, 0, total) is not None) is exceeded


def test_a_refusal_counts_both_causes() -> None:
    refusal = MaxPrune(3, percent=False).refusal(1000, 2, 2000)
    assert str(refusal).startswith(
        "1,002 of 2,000 outputs would be removed (1,000 whose source is gone, 2 that the recipe no longer asks for)"
    )
    assert str(refusal).endswith("set the limit to 1002")


def test_a_dry_run_reports_what_would_be_removed(tmp_path: Path, photos: Path, prune: Prune) -> None:
    (photos / "0.jpg").unlink()
    summary, pruned = prune(dry_run=True)
    assert (summary.pruned, pruned, len(outputs(tmp_path))) == (1, ["0.jpg"], 5)


def test_a_run_that_stops_early_removes_nothing(tmp_path: Path, photos: Path, prune: Prune) -> None:
    (photos / "0.jpg").unlink()
    (photos / "1.jpg").write_bytes(b"\xff\xd8\xff broken")
    assert prune(max_errors=MaxErrors(1))[1] == []
    assert len(outputs(tmp_path)) == 5


def test_the_record_of_a_failure_is_removed_with_its_source(tmp_path: Path, photos: Path, prune: Prune) -> None:
    (photos / "bad.jpg").write_bytes(b"\xff\xd8\xff broken")
    prune()
    (photos / "bad.jpg").unlink()
    assert prune()[0].exit_code == 0


@pytest.mark.parametrize(("function", "number"), [("unlink", 0), ("lstat", 0)])
def test_files_that_cannot_be_checked_or_removed_are_kept(
    tmp_path: Path, photos: Path, prune: Prune, monkeypatch: pytest.MonkeyPatch, function: str, number: int
) -> None:
    (photos / "0.jpg").unlink()
    real = getattr(os, function)

    def refuse(path: str, *rest: object, **others: object) -> object:
        # Files are removed by their names in an open directory.
        if str(path).endswith(f"{tmp_path.name}/out/0.jpg") or path == "0.jpg":
            raise PermissionError(13, "Permission denied", path)
        return real(path, *rest, **others)

    monkeypatch.setattr(os, function, refuse)
    summary, pruned = prune()
    assert (pruned, len(outputs(tmp_path))) == ([], 5)
    assert summary.failed_by_reason == ({Reason.NOT_WRITTEN: 1} if function == "unlink" else {})


def test_a_source_that_cannot_be_checked_does_not_count_as_missing(
    tmp_path: Path, photos: Path, prune: Prune, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.lstat

    def refuse(path: str, *, dir_fd: int | None = None) -> os.stat_result:
        if str(path).endswith("in/0.jpg"):
            raise PermissionError(13, "Permission denied", path)
        return real(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "lstat", refuse)
    assert prune()[1] == []


@pytest.mark.parametrize("target", ["elsewhere", "out/sub"])
def test_no_file_behind_a_directory_link_is_removed_even_if_the_ledger_names_it(
    tmp_path: Path, photos: Path, prune: Prune, target: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    precious = tmp_path / target / "precious.jpg"
    precious.write_bytes(b"precious")
    (tmp_path / "out/link").symlink_to(tmp_path / target)
    found = precious.stat()
    with sqlite3.connect(tmp_path / "out/.forkresize/ledger.db") as db:
        db.execute("CREATE TEMP TABLE forged AS SELECT * FROM outputs WHERE path = ?", (b"0.jpg",))
        db.execute(
            "UPDATE forged SET path = ?, source = ?, size = ?, mtime_ns = ?",
            (b"link/precious.jpg", b"gone.jpg", found.st_size, found.st_mtime_ns),
        )
        db.execute("INSERT INTO outputs SELECT * FROM forged")
    db.close()
    summary, pruned = prune()
    assert pruned == []
    assert precious.read_bytes() == b"precious"
    assert summary.exit_code == 1
    assert summary.failed_by_reason == {Reason.NOT_WRITTEN: 1}


def test_an_output_removed_by_another_shard_is_ignored(
    tmp_path: Path, photos: Path, prune: Prune, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photos / "0.jpg").unlink()

    def gone(path: str, _destination: str) -> None:
        raise FileNotFoundError(2, "No such file or directory", path)

    monkeypatch.setattr(LocalStore, "delete", gone)
    summary, pruned = prune()
    assert (pruned, summary.failed) == ([], 0)
