"""Sources stay as they are, and outputs are not taken for sources, whatever the command line says."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

Draw = Callable[..., Path]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    for number in range(3):
        draw(tmp_path / f"in/{number}.jpg", seed=number)
    return tmp_path / "in"


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.parent.name != ".forkresize")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_files_beside_their_outputs_are_not_overwritten_by_a_second_run(photos: Path, forkresize: Run) -> None:
    def named() -> list[str]:
        return sorted(str(path) for path in photos.iterdir())

    assert forkresize(*named(), "in", "--name", "thumb-{name}", "--width", "20").returncode == 0
    before = content(photos)
    again = forkresize(*named(), "in", "--name", "thumb-{name}", "--width", "10", "--if-exists", "overwrite")
    assert again.returncode == 1
    assert "would lie among the sources" in again.stderr
    after = content(photos)
    assert {name: after[name] for name in before} == before


def test_a_listed_source_is_not_overwritten_by_another_one(tmp_path: Path, draw: Draw, forkresize: Run) -> None:
    draw(tmp_path / "a.png")
    draw(tmp_path / "a.jpg", seed=1)
    before = content(tmp_path)
    options = ["--format", "jpeg", "--on-collision", "skip"]
    assert forkresize("--files-from", "-", ".", *options, stdin=b"a.png\na.jpg\n").returncode != 0
    assert content(tmp_path) == before


def test_a_list_that_holds_the_last_outputs_does_not_make_them_again(
    tmp_path: Path, photos: Path, forkresize: Run
) -> None:
    for _ in range(3):
        found = "\0".join(sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")))
        assert forkresize("--files-from", "-", "-0", "out", "--width", "20", stdin=found.encode()).returncode == 0
    assert sorted(content(tmp_path / "out")) == ["in/0.jpg", "in/1.jpg", "in/2.jpg"]


def test_a_run_that_is_refused_leaves_the_last_report_and_no_directory(
    tmp_path: Path, photos: Path, draw: Draw, forkresize: Run
) -> None:
    (tmp_path / "report.jsonl").write_text("{}\n")
    draw(photos / "0.png")
    assert forkresize("in", "out", "--format", "webp", "--report", "report.jsonl").returncode == 2
    assert (tmp_path / "report.jsonl").read_text() == "{}\n"
    assert not (tmp_path / "out").exists()


def test_json_is_alone_on_standard_output_in_a_dry_run_too(photos: Path, forkresize: Run) -> None:
    result = forkresize("in", "out", "--width", "20", "--dry-run", "--json")
    assert json.loads(result.stdout)["sources"] == 3
    assert "no output yet" in result.stderr
    quiet = forkresize("in", "out", "--width", "20", "--dry-run", "--quiet")
    assert (quiet.stdout, quiet.stderr) == ("", "")


def test_what_stops_a_quiet_run_is_told(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    (photos / "cut.jpg").write_bytes(b"\xff\xd8\xff")
    result = forkresize("in", "out", "--width", "20", "--quiet", "--max-errors", "1")
    assert (result.returncode, result.stderr) == (4, "forkresize: stopped by --max-errors\n")


def test_a_name_in_what_stops_a_run_is_plain_text(tmp_path: Path, photos: Path, forkresize: Run) -> None:
    hostile = tmp_path / "\x1b[31m[bold]\n"
    hostile.mkdir()
    (hostile / "0.jpg").symlink_to("/dev/full")
    for options in ([], ["--progress", "rich"], ["--quiet"]):
        result = forkresize("in", hostile, "--width", "20", "--report", "/dev/full", *options)
        assert result.returncode != 0
        assert "\x1b[31m" not in result.stderr


def test_metadata_of_a_tiff_that_is_not_resized_is_dropped_as_well(tmp_path: Path, forkresize: Run) -> None:
    (tmp_path / "in").mkdir()
    tags = {700: b"<x:xmpmeta GPSLatitude='1'/>", 33723: b"iptc", 34377: b"8BIM"}
    Image.new("RGB", (40, 30), "red").save(tmp_path / "in/a.tif", tiffinfo=tags)
    assert forkresize("in", "out", "--width", "800").returncode == 0
    written = (tmp_path / "out/a.tif").read_bytes()
    assert not any(told in written for told in (b"GPSLatitude", b"iptc", b"8BIM"))
