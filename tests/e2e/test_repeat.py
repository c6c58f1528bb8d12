"""Repeated runs of the installed command: after a change, after a kill, with a damaged ledger, in place."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.protocols import Draw, Run

pytestmark = pytest.mark.slow

OPTIONS = ["--width", "100", "--workers", "2"]
SOURCES = 60


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    for number in range(6):
        draw(tmp_path / f"in/{number}.jpg", (400, 300), seed=number)
    return tmp_path / "in"


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.parent.name != ".forkresize")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_dry_run_shows_the_reason_of_each_output(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    forkresize("in", "out", *OPTIONS)
    os.utime(photos / "1.jpg", (1, 1))
    (tmp_path / "out/2.jpg").unlink()
    (photos / "3.jpg").unlink()
    output = forkresize("in", "out", *OPTIONS, "--dry-run", "--prune", "--max-prune", "1").stdout
    for line in (
        "in/1.jpg  -> out/1.jpg  the source changed",
        "the output is gone",
        "pruned    out/3.jpg  its source is gone",
    ):
        assert line in output
    assert (tmp_path / "out/3.jpg").exists()
    assert "the recipe changed" in forkresize("in", "out", "--width", "101", "--dry-run").stdout


def test_outputs_are_made_again_only_if_something_is_dropped(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    forkresize("in", "out", *OPTIONS)
    assert "the recipe changed" not in forkresize("in", "out", *OPTIONS, "--drop", "none", "--dry-run").stdout
    (tmp_path / "forkresize.toml").write_text('drop = ["place", "people"]')
    assert forkresize("in", "out", *OPTIONS, "--dry-run").stdout.count("the recipe changed") == len(
        list(photos.iterdir())
    )
    forkresize("in", "out", *OPTIONS)
    assert "the recipe changed" not in forkresize("in", "out", *OPTIONS, "--drop", "people,place", "--dry-run").stdout


def test_pruning_above_the_limit_is_an_error(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    forkresize("in", "out", *OPTIONS)
    (photos / "3.jpg").unlink()
    limit = ("--prune", "--max-prune", "0")
    refused = forkresize("in", "out", *OPTIONS, *limit)
    assert refused.returncode == 3
    assert (
        "1 of 6 outputs would be removed (1 whose source is gone), more than the limit of 0; none was removed; "
        "to remove them, set the limit to 1 (--max-prune; with --dry-run, it lists them)" in refused.stderr
    )
    assert "stopped" not in refused.stderr
    for option in ("--quiet", "--dry-run"):
        assert "set the limit to 1 (--max-prune" in forkresize("in", "out", *OPTIONS, *limit, option).stderr
    listed = forkresize("in", "out", *OPTIONS, *limit, "--dry-run")
    assert (listed.returncode, listed.stdout.count("its source is gone"), len(list((tmp_path / "out").iterdir()))) == (
        3,
        1,
        7,
    )
    pruned = forkresize("in", "out", *OPTIONS, "--prune", "--json")
    assert (pruned.returncode, json.loads(pruned.stdout)["pruned"]) == (0, 1)


def test_a_damaged_ledger_is_an_error_with_a_remedy(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    forkresize("in", "out", *OPTIONS)
    ledger = tmp_path / "out/.forkresize/ledger.db"
    ledger.write_bytes(b"no ledger at all " * 500)
    before = content(tmp_path / "out")
    refused = forkresize("in", "out", "--width", "99")
    assert refused.returncode == 3
    assert "ledger.db' is damaged (file is not a database); delete it" in refused.stderr
    assert content(tmp_path / "out") == before
    assert forkresize("in", "out", *OPTIONS, "--no-ledger").returncode == 0
    ledger.unlink()
    again = json.loads(forkresize("in", "out", *OPTIONS, "--json").stdout)
    assert (again["unchanged"], again["exit_code"]) == (6, 0)


def test_a_failed_source_fails_every_run_until_it_is_repaired(photos: Path, draw: Draw, forkresize: Run) -> None:
    (photos / "bad.jpg").write_bytes((photos / "0.jpg").read_bytes()[:2000])
    first, second = (forkresize("in", "out", *OPTIONS) for _ in range(2))
    assert first.returncode == second.returncode == 1
    assert "in/bad.jpg: damaged or truncated" in second.stderr
    draw(photos / "bad.jpg")
    assert forkresize("in", "out", *OPTIONS).returncode == 0


def test_in_place_replaces_the_pictures_of_a_directory(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    before = content(photos)
    for written in (6, 0):
        result = forkresize("--in-place", "in", *OPTIONS, "--backup-dir", "old", "--json")
        assert json.loads(result.stdout)["written"] == written
    assert content(tmp_path / "old") == before
    assert forkresize("--in-place", "in", "out", *OPTIONS).returncode == 2


def test_in_place_needs_a_decision_about_the_originals(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    before = content(photos)
    refused = forkresize("--in-place", "in", *OPTIONS)
    assert refused.returncode == 2
    assert "use --backup-dir DIR to keep them, or --no-backup if you have copies" in refused.stderr
    assert forkresize("--in-place", "in", *OPTIONS, "--dry-run").stdout.count("planned") == 6
    both = forkresize("--in-place", "in", *OPTIONS, "--no-backup", "--backup-dir", "old")
    assert (both.returncode, "--no-backup cannot be combined with --backup-dir" in both.stderr) == (2, True)
    assert content(photos) == before
    (tmp_path / "forkresize.toml").write_text("no-backup = true")
    assert forkresize("--in-place", "in", *OPTIONS, "--backup-dir", "old").returncode == 0
    assert content(tmp_path / "old") == before
    assert forkresize("--in-place", "in", "--width", "50").returncode == 0
    assert content(photos) != before


@pytest.mark.parametrize("options", [["--force", "--if-exists", "skip"], ["--max-prune", "x"], ["--compare", "size"]])
def test_contradictory_options_are_refused(photos: Path, forkresize: Run, options: list[str]) -> None:
    refused = forkresize("in", "out", *OPTIONS, *options)
    assert refused.returncode == 2
    assert options[0] in refused.stderr


def test_force_re_creates_everything(photos: Path, forkresize: Run) -> None:
    forkresize("in", "out", *OPTIONS)
    assert json.loads(forkresize("in", "out", *OPTIONS, "--force", "--json").stdout)["written"] == 6


def test_the_run_after_a_kill_completes_all_outputs(
    tmp_path: Path, photos: Path, command: list[str], forkresize: Run
) -> None:
    for number in range(6, SOURCES):
        shutil.copy(photos / f"{number % 6}.jpg", photos / f"{number}.jpg")
    started = time.monotonic()
    forkresize("in", "whole", *OPTIONS)
    took = time.monotonic() - started
    expected = content(tmp_path / "whole")
    assert len(expected) == SOURCES
    chance = random.Random(5)  # noqa: S311 -- seeded on purpose.
    for width in (100, 101, 100, 102, 100):
        with subprocess.Popen(
            [*command, "in", "out", "--width", str(width), "--lock-wait", "30s"], cwd=tmp_path
        ) as process:
            time.sleep(chance.random() * took)
            process.send_signal(signal.SIGKILL)
    # A worker that has not yet noticed the death of its parent still holds the lock.
    again = forkresize("in", "out", *OPTIONS, "--lock-wait", "30s")
    assert again.returncode == 0
    assert content(tmp_path / "out") == expected
    assert os.listdir(tmp_path / "out/.forkresize") == ["ledger.db"]
    assert json.loads(forkresize("in", "out", *OPTIONS, "--json").stdout)["unchanged"] == SOURCES
