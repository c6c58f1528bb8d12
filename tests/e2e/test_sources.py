"""Sources are never changed, and outputs are never processed as sources, for any command line."""

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.protocols import Draw, Run

pytestmark = pytest.mark.slow


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    for number in range(3):
        draw(tmp_path / f"in/{number}.jpg", seed=number)
    return tmp_path / "in"


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.parent.name != ".forkresize")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_sources_next_to_their_outputs_survive_a_second_run(photos: Path, forkresize: Run) -> None:
    def named() -> list[str]:
        return sorted(str(path) for path in photos.iterdir())

    assert forkresize(*named(), "in", "--name", "thumb-{name}", "--width", "20").returncode == 0
    before = content(photos)
    again = forkresize(*named(), "in", "--name", "thumb-{name}", "--width", "10", "--if-exists", "overwrite")
    assert again.returncode == 1
    assert "output path is inside a source directory" in again.stderr
    after = content(photos)
    assert {name: after[name] for name in before} == before


def test_a_listed_source_is_not_overwritten_by_another_output(tmp_path: Path, draw: Draw, forkresize: Run) -> None:
    draw(tmp_path / "a.png")
    draw(tmp_path / "a.jpg", seed=1)
    before = content(tmp_path)
    options = ["--format", "jpeg", "--on-collision", "skip"]
    assert forkresize("--files-from", "-", ".", *options, stdin=b"a.png\na.jpg\n").returncode != 0
    assert content(tmp_path) == before


def test_outputs_in_a_list_are_not_processed_as_sources(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    for _ in range(3):
        found = "\0".join(sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")))
        assert forkresize("--files-from", "-", "-0", "out", "--width", "20", stdin=found.encode()).returncode == 0
    assert sorted(content(tmp_path / "out")) == ["in/0.jpg", "in/1.jpg", "in/2.jpg"]


def test_a_refused_run_keeps_the_report_and_creates_no_directory(
    tmp_path: Path, photos: Path, draw: Draw, forkresize: Run
) -> None:
    (tmp_path / "report.jsonl").write_text("{}\n")
    draw(photos / "0.png")
    assert forkresize("in", "out", "--format", "webp", "--report", "report.jsonl").returncode == 2
    assert (tmp_path / "report.jsonl").read_text() == "{}\n"
    assert not (tmp_path / "out").exists()


def test_a_dry_run_prints_only_json_to_stdout(photos: Path, forkresize: Run) -> None:
    result = forkresize("in", "out", "--width", "20", "--dry-run", "--json")
    assert json.loads(result.stdout)["sources"] == 3
    assert "no output yet" in result.stderr
    quiet = forkresize("in", "out", "--width", "20", "--dry-run", "--quiet")
    assert (quiet.stdout, quiet.stderr) == ("", "")


def test_a_quiet_run_prints_what_stopped_it(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    (photos / "cut.jpg").write_bytes(b"\xff\xd8\xff")
    result = forkresize("in", "out", "--width", "20", "--quiet", "--max-errors", "1")
    assert (result.returncode, result.stderr) == (4, "forkresize: stopped by --max-errors\n")


def test_names_in_fatal_errors_are_plain_text(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    hostile = tmp_path / "\x1b[31m[bold]\n"
    hostile.mkdir()
    (hostile / "0.jpg").symlink_to("/dev/full")
    for options in ([], ["--progress", "rich"], ["--quiet"]):
        result = forkresize("in", hostile, "--width", "20", "--report", "/dev/full", *options)
        assert result.returncode != 0
        assert "\x1b[31m" not in result.stderr


def test_metadata_of_an_unresized_tiff_is_removed_too(tmp_path: Path, forkresize: Run) -> None:
    (tmp_path / "in").mkdir()
    tags = {700: b"<x:xmpmeta GPSLatitude='1'/>", 33723: b"iptc", 34377: b"8BIM"}
    Image.new("RGB", (40, 30), "red").save(tmp_path / "in/a.tif", tiffinfo=tags)
    assert forkresize("in", "out", "--width", "800").returncode == 0
    written = (tmp_path / "out/a.tif").read_bytes()
    assert not any(block in written for block in (b"GPSLatitude", b"iptc", b"8BIM"))


def test_outputs_of_another_run_are_not_sources(tmp_path: Path, draw: Draw, forkresize: Run) -> None:
    draw(tmp_path / "n/a.jpg")
    forkresize("n", "n/web", "--width", "40")
    result = forkresize("n", "n/thumbs", "--width", "20", "--strict", "-v")
    assert result.returncode == 0
    assert "skipped   n/web  directory of outputs: an earlier run wrote it; to process" in result.stderr
    assert sorted(path.name for path in (tmp_path / "n/thumbs").iterdir()) == [".forkresize", "a.jpg"]
    named = json.loads(forkresize("n/web", "out", "--width", "20", "--json").stdout)
    listed = json.loads(forkresize("--files-from", "-", "listed", "--width", "20", "--json", stdin=b"n/web").stdout)
    assert (named["written"], listed["written"]) == (1, 1)


def test_tree_that_was_changed_in_place_stays_a_source(tmp_path: Path, draw: Draw, forkresize: Run) -> None:
    draw(tmp_path / "n/sub/a.jpg")
    forkresize("n", "--in-place", "--no-backup", "--width", "40")
    assert (tmp_path / "n/.forkresize/ledger.db").exists()
    draw(tmp_path / "n/sub/b.jpg", seed=1)
    again = json.loads(forkresize("n", "--in-place", "--no-backup", "--width", "40", "--json").stdout)
    assert (again["written"], again["unchanged"]) == (1, 1)
    assert json.loads(forkresize("n", "out", "--width", "20", "--json").stdout)["written"] == 2
