"""What a second run makes again."""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from forkresize import Compare, Failed, IfExists, Outcome, PoolOptions, Recipe, Settings, Summary, run
from forkresize.batch import RunPlan
from forkresize.batch.backend import LocalBackend
from forkresize.batch.outputs import SeparateOutputs
from forkresize.errors import LedgerError
from forkresize.ledger.sqlite import SqliteLedger, ledger_path
from forkresize.outcome import Planned, Reason, Skipped
from forkresize.store.lock import destination_lock
from tests.protocols import Draw

Make = Callable[..., tuple[Summary, list[Outcome]]]
SMALL = Recipe.of(width=16)


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    for number in range(4):
        draw(tmp_path / "in" / f"{number}.jpg", seed=number)
    return tmp_path / "in"


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Run with settings; return the summary and what was outcomes."""

    def make_all(
        recipe: Recipe = SMALL, sources: Sequence[Path] | None = None, **settings: Any
    ) -> tuple[Summary, list[Outcome]]:
        outcomes: list[Outcome] = []
        settings.setdefault("pool", PoolOptions(workers=1, retries=0))
        sources = sources or [tmp_path / "in"]
        summary = run(sources, tmp_path / "out", recipe, settings=Settings(**settings), observers=[outcomes.append])
        return summary, outcomes

    return make_all


def whys(make: Make, *arguments: Any, **settings: Any) -> dict[str, str]:
    _, outcomes = make(*arguments, **settings, dry_run=True)
    due = {
        os.path.basename(str(outcome.destination)): outcome.detail.reason_text
        for outcome in outcomes
        if isinstance(outcome.detail, Planned)
    }
    made, _ = make(*arguments, **settings)
    assert made.written == len(due)
    return due


@pytest.mark.slow
def test_nothing_is_made_again_when_nothing_changed(photos: Path, make: Make) -> None:
    assert set(whys(make).values()) == {"no output yet"}
    assert whys(make) == {}
    assert whys(make, Recipe.of(width=16, max_pixels=10**6), pool=PoolOptions(workers=1, timeout=7)) == {}


def test_each_change_is_reported_by_its_reason(tmp_path: Path, photos: Path, make: Make, draw: Draw) -> None:
    make()
    os.utime(photos / "0.jpg", ns=(1, 1))
    with (tmp_path / "out/1.jpg").open("ab") as output:
        output.write(b"more")
    (tmp_path / "out/2.jpg").unlink()
    draw(photos / "new.jpg", seed=9)
    changed = {
        "0.jpg": "the source changed",
        "1.jpg": "the output was modified",
        "2.jpg": "the output is gone",
        "new.jpg": "no output yet",
    }
    assert whys(make) == changed
    assert whys(make) == {}


@pytest.mark.parametrize("damage", [b"", None])
def test_an_incomplete_output_is_made_again(tmp_path: Path, photos: Path, make: Make, damage: bytes | None) -> None:
    make()
    output = tmp_path / "out/0.jpg"
    output.unlink()
    output.symlink_to("1.jpg") if damage is None else output.write_bytes(damage)
    assert whys(make) == {"0.jpg": "the output is empty or not a regular file"}


@pytest.mark.slow
def test_a_changed_recipe_affects_all_outputs_and_a_changed_rendition_only_its_own(
    photos: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make()
    assert set(whys(make, Recipe.of(width=17)).values()) == {"the recipe changed"}
    make(Recipe.of(width=[16, 32]))
    more = whys(make, Recipe.of(width=[16, 24, 32]))
    assert sorted(more) == [f"{number}-24w.jpg" for number in range(4)]
    assert whys(make, Recipe.of(width=[16, 32])) == {}
    monkeypatch.setattr("forkresize.batch.fingerprint.libraries", lambda: {"Pillow": "99"})
    assert set(whys(make, Recipe.of(width=[16, 32])).values()) == {"the recipe changed"}


def test_a_watermark_is_compared_by_content(tmp_path: Path, photos: Path, make: Make, draw: Draw) -> None:
    logo = draw(tmp_path / "logo.png", (8, 8))
    recipe = Recipe.of(width=16, watermark=str(logo))
    make(recipe)
    os.utime(logo, ns=(1, 1))
    assert whys(make, recipe) == {}
    draw(logo, (8, 8), seed=5)
    assert set(whys(make, recipe).values()) == {"the recipe changed"}


def test_a_watermark_that_changes_after_it_was_loaded_counts_as_changed(
    tmp_path: Path, photos: Path, make: Make, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    logo, preload = draw(tmp_path / "logo.png", (8, 8)), LocalBackend.preload

    def preload_and_change(backend: LocalBackend, plan: RunPlan) -> None:
        preload(backend, plan)
        draw(logo, (8, 8), seed=5)

    recipe = Recipe.of(width=16, watermark=str(logo))
    with monkeypatch.context() as patch:
        patch.setattr(LocalBackend, "preload", preload_and_change)
        make(recipe, if_exists=IfExists.OVERWRITE)
    assert set(whys(make, recipe).values()) == {"the recipe changed"}


@pytest.mark.slow
def test_an_output_made_from_another_tree_is_made_again(tmp_path: Path, make: Make, draw: Draw) -> None:
    for folder in ("one", "two"):
        os.utime(draw(tmp_path / folder / "a.jpg"), ns=(1, 1))
    make(sources=[tmp_path / "one"])
    assert whys(make, sources=[tmp_path / "two"]) == {"a.jpg": "made from another source"}


@pytest.mark.slow
def test_checksums_ignore_changed_times(photos: Path, make: Make) -> None:
    make(compare=Compare.CHECKSUM)
    os.utime(photos / "0.jpg", ns=(1, 1))
    content = bytearray((photos / "1.jpg").read_bytes())
    found = (photos / "1.jpg").stat()
    content[-30] ^= 1
    (photos / "1.jpg").write_bytes(content)
    os.utime(photos / "1.jpg", ns=(found.st_atime_ns, found.st_mtime_ns))
    with (photos / "2.jpg").open("ab") as source:
        source.write(b"\0")
    due = whys(make, compare=Compare.CHECKSUM)
    assert due == {"1.jpg": "the source's content changed", "2.jpg": "the source changed"}
    assert whys(make) == {}


@pytest.mark.slow
def test_the_first_run_with_checksums_compares_size_and_time(photos: Path, make: Make) -> None:
    make()
    os.utime(photos / "0.jpg", ns=(1, 1))
    assert whys(make, compare="checksum") == {"0.jpg": "the source changed"}
    os.utime(photos / "1.jpg", ns=(1, 1))
    assert whys(make, compare="checksum") == {}


def test_checksums_without_a_ledger_are_not_computed(photos: Path, make: Make) -> None:
    make(compare="checksum", ledger=False)
    assert whys(make, compare="checksum", ledger=False) == {}


def test_an_unreadable_source_is_reported_by_its_worker(photos: Path, make: Make) -> None:
    make(compare="checksum")
    (photos / "0.jpg").unlink()
    summary, _ = make(compare="checksum", files_from=lambda: ["0.jpg"])
    assert summary.failed_by_reason == {Reason.UNREADABLE: 1}


@pytest.mark.slow
@pytest.mark.parametrize("policy", [IfExists.OVERWRITE, IfExists.SKIP, IfExists.ERROR])
def test_all_policies_record_what_they_write(photos: Path, make: Make, policy: IfExists) -> None:
    make(if_exists=policy, compare="checksum")
    assert whys(make) == {}
    again, _ = make(if_exists=policy)
    assert again.written == (4 if policy is IfExists.OVERWRITE else 0)


@pytest.mark.slow
def test_failures_are_reported_again_without_work(photos: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    (photos / "bad.jpg").write_bytes(b"\xff\xd8\xff broken")
    (photos / "text.txt").write_text("no picture")
    _, first = make()
    monkeypatch.setattr("forkresize.batch.render_job.preload", lambda _: pytest.fail("there was work"))
    summary, outcomes = make()
    assert (summary.exit_code, summary.failed, summary.skipped, summary.sources) == (1, 1, 1, 6)
    (before,) = (outcome for outcome in first if isinstance(outcome.detail, Failed))
    (after,) = (outcome for outcome in outcomes if isinstance(outcome.detail, Failed))
    assert (after.reason, after.error, after.destination) == (before.reason, before.error, before.destination)
    assert after.execution.attempts == 0


def test_a_failure_recorded_with_a_former_reason_is_reported_again_with_its_present_name(
    tmp_path: Path, photos: Path, make: Make
) -> None:
    (photos / "bad.jpg").write_bytes(b"\xff\xd8\xff broken")
    make()
    with contextlib.closing(sqlite3.connect(ledger_path(str(tmp_path / "out")))) as db, db:
        db.execute("UPDATE outputs SET reason = 'worker went astray' WHERE status = 'failed'")  # language: allow
    _, outcomes = make()
    (failure,) = (outcome for outcome in outcomes if isinstance(outcome.detail, Failed))
    assert (failure.reason, failure.execution.attempts) == (Reason.PROTOCOL_VIOLATION, 0)


@pytest.mark.slow
def test_failures_are_retried_if_something_changed(photos: Path, make: Make) -> None:
    bad = photos / "bad.jpg"
    bad.write_bytes(b"\xff\xd8\xff broken")
    make()
    other = Recipe.of(width=8)
    for recipe, settings in ((SMALL, {"retry_failed": True}), (SMALL, {"if_exists": "overwrite"}), (other, {})):
        _, outcomes = make(recipe, **settings)
        (failure,) = (outcome for outcome in outcomes if isinstance(outcome.detail, Failed))
        assert failure.execution.attempts == 1
    bad.write_bytes(b"\xff\xd8\xff broken again")
    _, outcomes = make(other)
    (failure,) = (outcome for outcome in outcomes if isinstance(outcome.detail, Failed))
    assert failure.execution.attempts == 1


@pytest.mark.slow
@pytest.mark.parametrize("small", [Recipe.of(width=16, max_pixels=1000), Recipe.of(width=16, max_file_size=100)])
def test_a_changed_limit_retries_only_the_failures_that_it_caused(small: Recipe, photos: Path, make: Make) -> None:
    assert make(small)[0].failed_by_reason in ({Reason.TOO_LARGE: 4}, {Reason.FILE_TOO_LARGE: 4})
    assert {outcome.execution.attempts for outcome in make(small, pool=PoolOptions(workers=1, timeout=9))[1]} == {0}
    assert set(whys(make, SMALL).values()) == {"to be tried again"}


def test_a_failure_of_all_outputs_is_reported_once(photos: Path, make: Make) -> None:
    (photos / "bad.jpg").write_bytes(b"\xff\xd8\xff broken")
    two = Recipe.of(width=[16, 32])
    make(two)
    summary, outcomes = make(two)
    (failure,) = (outcome for outcome in outcomes if isinstance(outcome.detail, Failed))
    assert failure.destination is None
    assert (summary.sources, summary.failed, summary.unchanged) == (5, 1, 8)


@pytest.mark.slow
def test_duplicates_are_checked_again_if_the_renditions_change(
    photos: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(Recipe.of(width=[16, 200, 300]))
    with monkeypatch.context() as patch:
        patch.setattr("forkresize.batch.render_job.preload", lambda _: pytest.fail("there was work"))
        _, outcomes = make(Recipe.of(width=[16, 200, 300]))
    assert {outcome.reason for outcome in outcomes if isinstance(outcome.detail, Skipped)} == {Reason.DUPLICATE}
    assert sorted(whys(make, Recipe.of(width=[16, 300]))) == [f"{number}-300w.jpg" for number in range(4)]


def test_an_output_removed_before_its_record_is_made_by_the_next_run(
    tmp_path: Path, photos: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    finalize = SeparateOutputs.finalize

    def lose(*arguments: Any) -> list[Outcome]:
        outcomes: list[Outcome] = finalize(*arguments)
        os.unlink(str(outcomes[0].destination))
        return outcomes

    with monkeypatch.context() as patch:
        patch.setattr(SeparateOutputs, "finalize", lose)
        make()
    assert set(whys(make).values()) == {"the output is gone"}


@pytest.mark.slow
def test_without_a_ledger_times_are_compared(tmp_path: Path, photos: Path, make: Make) -> None:
    make(ledger=False)
    assert not (tmp_path / "out/.forkresize").exists()
    assert whys(make, Recipe.of(width=17), ledger=False) == {}
    os.utime(photos / "0.jpg", (2**32, 2**32))
    # The same holds for outputs without a record.
    assert whys(make) == {"0.jpg": "the source is newer"}


def test_outputs_get_the_times_of_their_sources(tmp_path: Path, photos: Path, make: Make) -> None:
    os.utime(photos / "0.jpg", ns=(10**18, 10**18 + 123456789))
    make(preserve_times=True)
    for source in photos.iterdir():
        assert (tmp_path / "out" / source.name).stat().st_mtime_ns == source.stat().st_mtime_ns
    assert whys(make, preserve_times=True) == {}
    assert whys(make, ledger=False) == {}


def test_an_mtime_that_cannot_be_set_is_a_warning(photos: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "utime", refuse)
    summary, outcomes = make(preserve_times=True)
    assert summary.written == 4
    assert all("cannot set its mtime: Operation not permitted" in outcome.warnings[0] for outcome in outcomes)


def test_a_dry_run_reads_a_locked_ledger_and_changes_nothing(tmp_path: Path, photos: Path, make: Make) -> None:
    make()
    os.utime(photos / "0.jpg", ns=(1, 1))
    with destination_lock(str(tmp_path / "out")):
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
        _, outcomes = make(dry_run=True, compare="checksum")
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert sum(isinstance(outcome.detail, Planned) for outcome in outcomes) == 1


def test_an_output_that_cannot_be_checked_fails(tmp_path: Path, photos: Path, make: Make) -> None:
    (photos / "sub").mkdir()
    os.link(photos / "0.jpg", photos / "sub/0.jpg")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/sub").write_text("a file")
    summary, outcomes = make()
    (failure,) = (outcome for outcome in outcomes if isinstance(outcome.detail, Failed))
    assert (failure.reason, summary.written) == (Reason.NOT_WRITTEN, 4)
    assert failure.error.startswith(f"{tmp_path / 'out/sub'} is in the way, ")


@pytest.mark.slow
def test_outputs_of_a_killed_run_without_records_are_made_again(
    tmp_path: Path, photos: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(Recipe.of(width=17), ledger=False)
    (tmp_path / "out/.forkresize").mkdir()
    with SqliteLedger(str(tmp_path / "out")) as killed:
        killed.begin_run()
        killed._closed = True  # noqa: SLF001 -- it is never closed.
    killed._db.close()  # noqa: SLF001
    assert set(whys(make).values()) == {"an interrupted run may have made it"}
    assert whys(make) == {}


@pytest.mark.slow
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_damaged_ledger_stops_the_run_before_any_work(
    tmp_path: Path, photos: Path, make: Make, *, dry_run: bool
) -> None:
    make()
    (tmp_path / "out/0.jpg").unlink()
    (tmp_path / "out/.forkresize/ledger.db").write_bytes(b"no database, but bytes enough" * 99)
    with pytest.raises(LedgerError, match="damaged"):
        make(dry_run=dry_run)
    assert not (tmp_path / "out/0.jpg").exists()
    assert make(ledger=False)[0].written == 1
