"""The main features of the installed command: outputs, records, exit codes, silence."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.protocols import Draw, Run

pytestmark = pytest.mark.slow


def tree(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.parent.name != ".forkresize")
    return sorted(str(path.relative_to(folder)) for path in files)


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    """Seven pictures in three directories, and a text file."""
    folder = tmp_path / "in"
    for number in range(4):
        draw(folder / f"{number}.jpg", (400, 300), seed=number)
    draw(folder / "sub/wide.png", (500, 100), seed=5)
    draw(folder / "sub/deep/tall.webp", (100, 500), seed=6)
    draw(folder / "sub/small.gif", (40, 30), seed=7)
    (folder / "notes.txt").write_text("not a picture")
    return folder


def test_outputs_mirror_the_tree_of_the_sources(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    result = forkresize("in", "out", "--width", "200")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    out = tmp_path / "out"
    assert tree(out) == [name for name in tree(photos) if name != "notes.txt"]
    sizes = {name: size_of(out / name) for name in tree(out)}
    assert sizes == {
        **{f"{number}.jpg": (200, 150) for number in range(4)},
        "sub/wide.png": (200, 40),
        "sub/deep/tall.webp": (100, 500),
        "sub/small.gif": (40, 30),
    }


def test_a_file_that_is_the_only_source_is_a_failure_if_it_is_skipped(
    tmp_path: Path, photos: Path, forkresize: Run
) -> None:
    for more in ((), ("--dry-run",)):
        result = forkresize("in/notes.txt", "small.jpg", "--width", "100", *more)
        assert result.returncode == 1
        assert result.stderr == "forkresize: no pictures found; 1 skipped: not a picture\n"
    result = forkresize("in/0.jpg", "out", "--width", "100", "--exclude", "*.jpg")
    assert (result.returncode, result.stderr) == (1, "forkresize: no pictures found; --exclude excluded 1 file\n")
    assert sorted(os.listdir(tmp_path)) == ["in"]


def test_a_second_run_updates_only_what_changed(tmp_path: Path, photos: Path, draw: Draw, forkresize: Run) -> None:
    forkresize("in", "out", "--width", "100")
    again = json.loads(forkresize("in", "out", "--width", "100", "--json").stdout)
    assert (again["written"], again["unchanged"], again["skipped"]) == (0, 7, 1)
    os.utime(photos / "1.jpg", (2**32, 2**32))
    (tmp_path / "out/2.jpg").unlink()
    draw(photos / "new.jpg")
    after = json.loads(forkresize("in", "out", "--width", "100", "--json").stdout)
    assert (after["written"], after["unchanged"], after["skipped"]) == (3, 5, 1)


def test_the_summary_is_one_json_object(photos: Path, forkresize: Run) -> None:
    (photos / "broken.jpg").write_bytes((photos / "0.jpg").read_bytes()[:2000])
    result = forkresize("in", "out", "--width", "100", "--json")
    summary = json.loads(result.stdout)
    assert (
        list(summary)
        == (
            "schema version sources written unchanged skipped failed pruned in_bytes out_bytes in_pixels seconds "
            "pictures_per_second megapixels_per_second workers workers_lost memory sandbox warnings exit_code failures"
        ).split()
    )
    assert (summary["sources"], summary["written"], summary["skipped"], summary["failed"]) == (9, 7, 1, 1)
    assert result.returncode == summary["exit_code"] == 1
    assert [failure["source"] for failure in summary["failures"]] == ["in/broken.jpg"]


def test_every_source_has_one_record(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    (photos / "broken.jpg").write_bytes((photos / "0.jpg").read_bytes()[:2000])
    forkresize("in", "out", "--width", "100", "--report", "report.jsonl")
    records = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]
    assert sorted(record["source"] for record in records) == sorted(f"in/{name}" for name in tree(photos))
    by_source = {record["source"]: record for record in records}
    written = by_source["in/0.jpg"]
    assert (written["status"], written["out_width"], written["out_height"]) == ("written", 100, 75)
    assert written["out_bytes"] == (tmp_path / "out/0.jpg").stat().st_size
    assert by_source["in/notes.txt"]["status"] == "skipped"
    assert by_source["in/broken.jpg"]["reason"] == "damaged or truncated"


def test_failures_are_printed_to_stderr_without_a_terminal(photos: Path, forkresize: Run) -> None:
    (photos / "broken.jpg").write_bytes((photos / "0.jpg").read_bytes()[:2000])
    result = forkresize("in", "out", "--width", "100")
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.splitlines()[0].startswith("forkresize: 1 failed, 7 written, 0 unchanged, 1 skipped")
    assert "in/broken.jpg: damaged or truncated" in result.stderr
    assert forkresize("in", "out", "--width", "100", "--quiet").stderr == ""


def test_several_sources_get_their_own_directories(tmp_path: Path, draw: Draw, forkresize: Run) -> None:
    draw(tmp_path / "a/1.jpg")
    draw(tmp_path / "b/1.jpg")
    draw(tmp_path / "c.jpg")
    assert forkresize("a", "b", "c.jpg", "out", "--width", "20").returncode == 0
    assert tree(tmp_path / "out") == ["a/1.jpg", "b/1.jpg", "c.jpg"]


def test_sources_can_be_read_from_a_list(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    result = forkresize("--files-from", "-", "-0", "out", "--width", "20", stdin=b"in/0.jpg\0in/sub/wide.png\0")
    assert (result.returncode, result.stderr) == (0, "")
    assert tree(tmp_path / "out") == ["in/0.jpg", "in/sub/wide.png"]
    (tmp_path / "list").write_text("1.jpg\nsub/small.gif\n1.jpg\n")
    assert forkresize("--files-from", "list", "in", "out2", "--width", "20").returncode == 0
    assert tree(tmp_path / "out2") == ["1.jpg", "sub/small.gif"]


def test_a_missing_file_in_a_list_is_a_failure(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    result = forkresize("--files-from", "-", "out", "--width", "20", stdin=b"in/0.jpg\nin/gone.jpg\n")
    assert result.returncode == 1
    assert "in/gone.jpg" in result.stderr
    assert tree(tmp_path / "out") == ["in/0.jpg"]


@pytest.mark.parametrize("options", [(), ("-0",)])
def test_an_endless_list_is_refused_at_once(forkresize: Run, options: tuple[str, ...]) -> None:
    refused = forkresize("--files-from", "/dev/zero", "out", "--width", "20", *options)
    assert refused.returncode == 2
    assert "--files-from: '/dev/zero' is a device that may have no end" in refused.stderr
    empty = forkresize("--files-from", "/dev/null", "out", "--width", "20", *options)
    assert (empty.returncode, empty.stderr) == (0, "")


def test_the_first_matching_rule_decides(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    forkresize("in", "a", "--width", "20", "--include", "1.jpg", "--exclude", "*.jpg", "--exclude", "deep/")
    assert tree(tmp_path / "a") == ["1.jpg", "sub/small.gif", "sub/wide.png"]
    forkresize("in", "b", "--width", "20", "--exclude", "*.jpg", "--include", "1.jpg")
    assert tree(tmp_path / "b") == ["sub/deep/tall.webp", "sub/small.gif", "sub/wide.png"]


def test_a_dry_run_reports_and_writes_nothing(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    result = forkresize("in", "out", "--width", "20", "--dry-run")
    assert result.returncode == 0
    assert result.stderr == ""
    assert not (tmp_path / "out").exists()
    assert len(result.stdout.splitlines()) == 8
    assert "in/0.jpg" in result.stdout
    assert "no output yet" in result.stdout
    assert "not a picture" in result.stdout


def test_two_sources_for_one_output_are_refused_before_any_work(tmp_path: Path, draw: Draw, forkresize: Run) -> None:
    draw(tmp_path / "in/a.jpg")
    draw(tmp_path / "in/a.png", seed=1)
    (tmp_path / "in/a.txt").write_text("no picture, no collision")
    result = forkresize("in", "out", "--format", "webp")
    assert result.returncode == 2
    assert "--on-collision suffix" in result.stderr
    assert tree(tmp_path / "out") == []
    assert forkresize("in", "out", "--format", "webp", "--on-collision", "suffix").returncode == 0
    assert tree(tmp_path / "out") == ["a-jpg.webp", "a-png.webp"]
    skipped = json.loads(forkresize("in", "out2", "--format", "webp", "--on-collision", "skip", "--json").stdout)
    assert tree(tmp_path / "out2") == ["a.webp"]
    assert (skipped["written"], skipped["skipped"]) == (1, 2)


def test_a_destination_inside_the_source_is_not_walked(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    for _ in range(2):
        assert forkresize("in", "in/out", "--width", "20").returncode == 0
    assert len(tree(tmp_path / "in/out")) == 7


def test_sources_are_never_overwritten(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    before = {name: (photos / name).read_bytes() for name in tree(photos)}
    assert forkresize("in", "in", "--width", "20").returncode == 2
    assert forkresize("in/0.jpg", "in", "--width", "20").returncode == 2
    (tmp_path / "out").mkdir()
    (tmp_path / "out/sub").symlink_to(photos / "sub")
    assert forkresize("in", "out", "--width", "20").returncode == 1
    assert {name: (photos / name).read_bytes() for name in tree(photos)} == before


def test_too_many_errors_stop_the_run(tmp_path: Path, draw: Draw, forkresize: Run) -> None:
    for number in range(200):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / f"in/{number}.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
    result = forkresize("in", "out", "--width", "20", "--max-errors", "5", "--json")
    summary = json.loads(result.stdout)
    assert result.returncode == summary["exit_code"] == 4
    assert 5 <= summary["failed"] < 100


def test_a_busy_destination_has_its_own_exit_code(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    script = (
        "import sys\nfrom forkresize.store.lock import destination_lock\n"
        "with destination_lock('out'):\n print(flush=True)\n sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert forkresize("in", "out", "--width", "20").returncode == 75
        holder.communicate(timeout=30)
    assert forkresize("in", "out", "--width", "20").returncode == 0
