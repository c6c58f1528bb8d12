"""Outputs that replace their sources: once each, with a backup, and without loss if the run is killed."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PIL import Image

from forkresize import Outcome, PoolOptions, Recipe, Selection, Settings, Summary, Symlinks, run
from forkresize.errors import UsageError
from forkresize.outcome import Failed, Planned, Reason, Skipped
from forkresize.store import LocalStore
from tests.batch.kill_at import kill_at
from tests.protocols import Draw

Shrink = Callable[..., tuple[Summary, list[Outcome]]]
SMALL = Recipe.of(width=16)


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    for number, name in enumerate(("0.jpg", "1.png", "sub/2.jpg")):
        draw(tmp_path / "in" / name, seed=number)
    return tmp_path / "in"


@pytest.fixture
def shrink(photos: Path) -> Shrink:
    def shrink_all(recipe: Recipe = SMALL, **settings: Any) -> tuple[Summary, list[Outcome]]:
        outcomes: list[Outcome] = []
        settings.setdefault("no_backup", "backup_dir" not in settings)
        asked = Settings(**{"in_place": True, "pool": PoolOptions(workers=1, retries=0), **settings})
        return run([photos], photos, recipe, settings=asked, observers=[outcomes.append]), outcomes

    return shrink_all


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.parent.name != ".forkresize")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def widths(folder: Path) -> set[int]:
    found = set()
    for path in [*folder.rglob("*.jpg"), *folder.rglob("*.png")]:
        with Image.open(path) as image:
            found.add(image.width)
    return found


@pytest.mark.slow
def test_every_source_is_replaced_once(tmp_path: Path, photos: Path, shrink: Shrink) -> None:
    before = content(photos)
    summary, outcomes = shrink(backup_dir=str(tmp_path / "old"))
    assert (summary.written, summary.exit_code) == (3, 0)
    assert {outcome.destination for outcome in outcomes} == {str(photos / name) for name in before}
    assert widths(photos) == {16}
    assert content(tmp_path / "old") == before
    after = content(photos)
    assert sorted(after) == sorted(before)
    again, _ = shrink(backup_dir=str(tmp_path / "old"))
    assert (again.written, again.unchanged) == (0, 3)
    assert content(photos) == after
    assert content(tmp_path / "old") == before


def test_permissions_are_kept_and_times_on_request(photos: Path, shrink: Shrink) -> None:
    os.chmod(photos / "0.jpg", 0o640)
    os.utime(photos / "0.jpg", ns=(1, 10**18 + 1))
    shrink(preserve_times=True)
    assert (photos / "0.jpg").stat().st_mode & 0o777 == 0o640
    assert (photos / "0.jpg").stat().st_mtime_ns == 10**18 + 1
    assert shrink()[0].unchanged == 3


def test_replaced_files_are_recognized_after_a_touch_or_a_codec_change(
    photos: Path, shrink: Shrink, monkeypatch: pytest.MonkeyPatch
) -> None:
    shrink()
    for path in (photos / "0.jpg", photos / "1.png"):
        os.utime(path, ns=(1, 1))
    monkeypatch.setattr("forkresize.batch.fingerprint.libraries", lambda: {"Pillow": "99"})
    assert shrink()[0].unchanged == 3


@pytest.mark.slow
def test_a_new_picture_or_another_recipe_is_processed(tmp_path: Path, photos: Path, shrink: Shrink, draw: Draw) -> None:
    old = {"backup_dir": str(tmp_path / "old")}
    shrink(**old)
    draw(photos / "0.jpg", seed=7)
    second = content(photos)["0.jpg"]
    _, outcomes = shrink(**old, dry_run=True)
    assert [each.detail.reason_text for each in outcomes if isinstance(each.detail, Planned)] == ["the source changed"]
    assert shrink(**old)[0].written == 1
    assert (tmp_path / "old/0.jpg.~1~").read_bytes() == second
    _, outcomes = shrink(Recipe.of(width=8), **old)
    assert widths(photos) == {8}
    assert (tmp_path / "old/0.jpg.~2~").exists()


@pytest.mark.slow
def test_force_makes_it_again(photos: Path, shrink: Shrink) -> None:
    shrink()
    assert shrink(if_exists="overwrite")[0].written == 3


def test_failures_keep_the_source_and_are_recorded(photos: Path, shrink: Shrink) -> None:
    (photos / "bad.jpg").write_bytes(b"\xff\xd8\xff broken")
    before = content(photos)["bad.jpg"]
    assert shrink()[0].failed == 1
    summary, outcomes = shrink()
    assert (summary.failed, {outcome.execution.attempts for outcome in outcomes}) == (1, {0})
    assert content(photos)["bad.jpg"] == before


@pytest.mark.slow
def test_a_failed_retry_keeps_the_record_of_a_replaced_file(
    photos: Path, shrink: Shrink, monkeypatch: pytest.MonkeyPatch
) -> None:
    shrink()
    too_large = replace(Recipe.of(width=8), max_pixels=10)
    assert shrink(too_large)[0].failed == 3
    assert shrink()[0].unchanged == 3


def test_links_are_skipped_and_their_targets_kept(tmp_path: Path, photos: Path, shrink: Shrink, draw: Draw) -> None:
    target = draw(tmp_path / "elsewhere.jpg")
    before = target.read_bytes()
    (photos / "link.jpg").symlink_to(target)
    _, outcomes = shrink()
    assert [each.reason for each in outcomes if isinstance(each.detail, Skipped)] == [Reason.SYMBOLIC_LINK]
    assert target.read_bytes() == before
    assert (photos / "link.jpg").is_symlink()


def test_a_source_that_changes_during_processing_is_not_replaced(
    photos: Path, shrink: Shrink, monkeypatch: pytest.MonkeyPatch
) -> None:
    from forkresize.batch.in_place import InPlaceOutputs

    stage = InPlaceOutputs.stage

    def touch(self: InPlaceOutputs, job: Any) -> Any:
        os.utime(photos / "0.jpg", ns=(1, 1))
        return stage(self, job)

    monkeypatch.setattr(InPlaceOutputs, "stage", touch)
    before = content(photos)["0.jpg"]
    summary, outcomes = shrink()
    (failure,) = (each for each in outcomes if isinstance(each.detail, Failed))
    assert "changed during processing" in failure.error
    assert content(photos)["0.jpg"] == before
    assert (summary.written, summary.failed) == (2, 1)
    assert not list(photos.rglob(".*forkresize-*"))


def test_a_failed_backup_keeps_the_source(tmp_path: Path, photos: Path, shrink: Shrink) -> None:
    (tmp_path / "old").write_text("a file")
    before = content(photos)
    assert shrink(backup_dir=str(tmp_path / "old"))[0].failed == 3
    assert content(photos) == before


def test_a_backup_on_another_file_system_is_a_copy(
    tmp_path: Path, photos: Path, shrink: Shrink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    before = content(photos)
    shrink(backup_dir=str(tmp_path / "old"))
    assert content(tmp_path / "old") == before


def test_sources_behind_directory_links_are_not_replaced(
    tmp_path: Path, photos: Path, shrink: Shrink, draw: Draw
) -> None:
    target = draw(tmp_path / "elsewhere/a.jpg")
    before = target.read_bytes()
    (photos / "link").symlink_to(tmp_path / "elsewhere")
    summary, outcomes = shrink(selection=Selection(symlinks=Symlinks.FOLLOW))
    (failure,) = (each for each in outcomes if isinstance(each.detail, Failed))
    assert f"{photos}/link is a symbolic link" in failure.error
    assert (summary.written, summary.failed) == (3, 1)
    assert target.read_bytes() == before
    assert os.listdir(tmp_path / "elsewhere") == ["a.jpg"]


def test_backups_are_not_written_through_links(tmp_path: Path, photos: Path, shrink: Shrink) -> None:
    before = content(photos)
    for folder in ("old", "elsewhere"):
        (tmp_path / folder).mkdir()
    (tmp_path / "old/sub").symlink_to(tmp_path / "elsewhere")
    summary, _ = shrink(backup_dir=str(tmp_path / "old"))
    assert (summary.written, summary.failed) == (2, 1)
    assert content(photos)["sub/2.jpg"] == before["sub/2.jpg"]
    assert os.listdir(tmp_path / "elsewhere") == []


@pytest.mark.parametrize("lie", [os.symlink, os.link])
def test_a_source_is_not_replaced_by_another_file_of_its_worker(
    tmp_path: Path, photos: Path, shrink: Shrink, monkeypatch: pytest.MonkeyPatch, lie: Callable[[str, str], None]
) -> None:
    def stage(store: LocalStore, staged: str, data: bytes) -> None:
        precious = f"{tmp_path}/precious-{os.path.basename(staged)}"
        Path(precious).write_bytes(data)
        os.chmod(precious, 0o400)
        lie(precious, store.location(staged))

    monkeypatch.setattr(LocalStore, "stage", stage)
    before = content(photos)
    summary, _ = shrink(sandbox="off")
    assert summary.failed_by_reason == {Reason.PROTOCOL_VIOLATION: 3}
    assert content(photos) == before
    for precious in tmp_path.glob("precious-*"):
        assert (precious.stat().st_mode & 0o777, precious.stat().st_nlink) == (0o400, 1)


def test_sources_on_another_file_system_are_replaced(
    photos: Path, shrink: Shrink, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.chmod(photos / "0.jpg", 0o640)
    rename = os.rename

    def refuse(old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        if not os.path.samestat(os.fstat(src_dir_fd), os.fstat(dst_dir_fd)):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", refuse)
    assert shrink(preserve_times=True)[0].written == 3
    assert widths(photos) == {16}
    assert (photos / "0.jpg").stat().st_mode & 0o777 == 0o640
    assert shrink()[0].unchanged == 3
    assert sorted(content(photos)) == ["0.jpg", "1.png", "sub/2.jpg"]


@pytest.mark.slow
def test_a_backup_directory_inside_the_source_is_not_walked(photos: Path, shrink: Shrink) -> None:
    for expected in (3, 0):
        assert shrink(backup_dir=str(photos / "old"))[0].written == expected
    assert shrink(backup_dir=str(photos / "old"))[0].sources == 3


@pytest.mark.parametrize(
    ("settings", "recipe", "message"),
    [
        ({"name": "x{ext}"}, SMALL, "with name"),
        ({"flat": True}, SMALL, "with flat"),
        ({"prune": True}, SMALL, "with prune"),
        ({"ledger": False}, SMALL, "requires the ledger"),
        ({"if_exists": "skip"}, SMALL, "with if_exists"),
        ({}, Recipe.of(width=[16, 8]), "single rendition"),
        ({}, Recipe.of(width=16, format="webp"), "with format"),
        ({"backup_dir": "."}, SMALL, "contains the sources"),
        ({"backup_dir": "x", "in_place": False}, SMALL, "requires in_place"),
    ],
)
def test_settings_that_conflict_with_in_place_are_refused(
    tmp_path: Path,
    photos: Path,
    shrink: Shrink,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    recipe: Any,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = content(tmp_path)
    with pytest.raises(UsageError, match=message):
        shrink(recipe, **settings)
    assert content(tmp_path) == before


def test_the_loss_of_the_sources_has_to_be_meant(photos: Path, shrink: Shrink) -> None:
    with pytest.raises(UsageError, match="in_place: the originals are lost; set backup_dir to keep them, or no_backup"):
        shrink(no_backup=False)
    with pytest.raises(UsageError, match="no_backup: cannot be combined with backup_dir"):
        shrink(no_backup=True, backup_dir="old")
    assert shrink(no_backup=False, dry_run=True)[0].planned == 3
    assert widths(photos) == {64}


def test_in_place_requires_one_directory(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(UsageError, match="one directory"):
        run([photos], tmp_path / "out", SMALL, settings=Settings(in_place=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["link", "rename", "fsync", "utime", "unlink"])
@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_kill_at_any_point_loses_no_picture(
    tmp_path: Path, photos: Path, shrink: Shrink, name: str, turn: int
) -> None:
    before = content(photos)
    old = tmp_path / "old"
    program = "run([arguments[0]], arguments[0], Recipe.of(width=16), "
    program += "settings=Settings(in_place=True, backup_dir=arguments[1]))"
    kill_at(name, turn, program, photos, old)
    now, kept = content(photos), content(old) if old.exists() else {}
    for source, original in before.items():
        assert original in {now.get(source), kept.get(source)}
    # A worker that has not noticed yet that its parent is dead holds the lock with it.
    assert shrink(backup_dir=str(old), lock_wait=30)[0].exit_code == 0
    assert content(old) == before
    assert sorted(content(photos)) == sorted(before)
    assert widths(photos) == {16}
    assert shrink(backup_dir=str(old))[0].unchanged == 3
