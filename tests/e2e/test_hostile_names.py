"""The installed command with hostile file names: names are preserved and are never syntax."""

import csv
import json
import os
from pathlib import Path

import pytest

from tests.protocols import Draw, Run

pytestmark = pytest.mark.slow

LONGEST = 255
"""Bytes in a file name."""

HOSTILE = [
    b"\xff\xfe.jpg",
    b"new\nline.jpg",
    b"tab\tand\rreturn.jpg",
    b"\x1b[31mred\x1b]0;title\x07.jpg",
    b"\xc2\x9b31m.jpg",
    b"-rf.jpg",
    b"--help.jpg",
    b"@file.jpg",
    b"[a-z]*?!.jpg",
    b"[bold red]markup[red.jpg",
    b"{stem}{0}{missing!r:>9}.jpg",
    b"%s%n%(name)d.jpg",
    b"$(reboot)`reboot`;&|.jpg",
    b"'\"<script>&amp;.jpg",
    b"=1+1.jpg",
    b"a\\b.jpg",
    b"~.jpg",
    b" space .jpg",
    b"dots... .jpg",
    b"con.jpg",
    "\u202egpj.exe.jpg".encode(),
    "e\u0301.jpg".encode(),
    "é.jpg".encode(),
    b"case.jpg",
    b"CASE.jpg",
    b"a" * (LONGEST - 4) + b".jpg",
    "漢".encode() * 83 + b"xx.jpg",
]


@pytest.fixture
def hostile(tmp_path: Path, draw: Draw) -> list[str]:
    """The same small picture under every name; also in a directory of that name, and in a file that can't be opened."""
    content = draw(tmp_path / "one.jpg", (40, 30)).read_bytes()
    names = [os.fsdecode(name) for name in HOSTILE]
    for name in names:
        folder = tmp_path / "in" / name
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content)
        (folder / f"x{name[1:]}").write_bytes(content[:300])
    return names


def read_records(path: Path) -> list[dict[str, object]]:
    """Return the records of a report, with names as in the file system."""
    return [json.loads(line) for line in path.read_text("utf-8", "surrogateescape").splitlines()]


def raw_controls(text: str) -> set[str]:
    """Return the control characters for a terminal, apart from line ends."""
    return {letter for letter in text if letter < " " or "\x7f" <= letter <= "\x9f"} - {"\n"}


def test_every_name_is_preserved_and_sends_no_escapes_to_the_terminal(
    tmp_path: Path, hostile: list[str], forkresize: Run
) -> None:
    reports = ["--report", "r.jsonl", "--report", "r.csv", "--report", "r.html", "--log-file", "log"]
    lists = ["--manifest", "m.json", "--srcset", "s.html", "--metrics-file", "m.prom"]
    done = forkresize("in", "out", "--width", "20", "--verbose", "--log-level", "debug", *reports, *lists)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert not raw_controls(done.stdout + done.stderr)
    assert not raw_controls((tmp_path / "log").read_text("utf-8", "surrogateescape"))
    assert sorted(
        str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.jpg") if path.is_file()
    ) == sorted(f"{name}/{name}" for name in hostile)
    records = read_records(tmp_path / "r.jsonl")
    assert {record["source"] for record in records if record["status"] == "written"} == {
        f"in/{name}/{name}" for name in hostile
    }
    assert sum(record["reason"] == "damaged or truncated" for record in records) == len(hostile)
    with (tmp_path / "r.csv").open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(records)
    assert "<script>&amp;.jpg" not in (tmp_path / "r.html").read_text("utf-8", "surrogateescape")
    again = json.loads(forkresize("in", "out", "--width", "20", "--json").stdout)
    assert (again["unchanged"], again["written"]) == (len(hostile), 0)


def test_hostile_names_work_in_lists_and_on_the_command_line(
    tmp_path: Path, hostile: list[str], forkresize: Run
) -> None:
    listed = [f"in/{name}/{name}" for name in hostile]
    by_nul = "\0".join(listed).encode("utf-8", "surrogateescape")
    assert forkresize("--files-from", "-", "-0", "one", "--width", "20", stdin=by_nul).returncode == 0
    assert forkresize("--width", "20", "--", *listed, "other").returncode == 0
    assert len([path for path in (tmp_path / "other").rglob("*.jpg") if path.is_file()]) == len(hostile)
    assert len([path for path in (tmp_path / "one").rglob("*.jpg") if path.is_file()]) == len(hostile)


@pytest.mark.parametrize("options", [["--format", "webp"], ["--name", "{stem}-{width}w{ext}"]])
def test_a_name_that_becomes_too_long_fails_alone(
    options: list[str], tmp_path: Path, draw: Draw, forkresize: Run
) -> None:
    draw(tmp_path / "in" / f"{'a' * (LONGEST - 4)}.jpg")
    draw(tmp_path / "in" / "b.jpg")
    done = forkresize("in", "out", "--width", "20", *options, "--report", "r.jsonl")
    assert done.returncode == 1
    assert {record["status"]: record["reason"] for record in read_records(tmp_path / "r.jsonl")} == {
        "written": None,
        "failed": "cannot be written",
    }
    assert "File name too long" in done.stderr
    assert len(list((tmp_path / "out").iterdir())) == 2  # b and .forkresize


def test_names_with_the_same_output_are_refused_before_any_work(tmp_path: Path, draw: Draw, forkresize: Run) -> None:
    for name in ("a.jpg", "a.png"):
        draw(tmp_path / "in" / name)
    done = forkresize("in", "out", "--format", "webp")
    assert done.returncode == 2
    assert not (tmp_path / "out").exists()


def test_names_in_a_template_are_not_syntax_and_stay_in_the_destination(
    tmp_path: Path, draw: Draw, forkresize: Run
) -> None:
    for name in ("{dir}{name}.jpg", "...jpg", "..jpg"):
        draw(tmp_path / "in" / "{hash8}" / name, format="JPEG")
    done = forkresize("in", "out", "--width", "20", "--hidden", "--name", "{dir}/x-{name}")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out" / "{hash8}").iterdir()) == [
        "x-...jpg",
        "x-..jpg",
        "x-{dir}{name}.jpg",
    ]


def test_two_hundred_directory_levels_are_walked(tmp_path: Path, draw: Draw, forkresize: Run) -> None:
    deep = Path(*["d"] * 200)
    draw(tmp_path / "in" / deep / "a.jpg")
    assert forkresize("in", "out", "--width", "20").returncode == 0
    assert (tmp_path / "out" / deep / "a.jpg").is_file()


def test_a_path_that_is_too_long_for_the_system_fails_alone(tmp_path: Path, draw: Draw, forkresize: Run) -> None:
    (tmp_path / "in").mkdir()
    content = draw(tmp_path / "in/a.jpg").read_bytes()
    folder = os.open(tmp_path / "in", os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=folder)
        deeper = os.open("d" * 200, os.O_RDONLY, dir_fd=folder)
        with os.fdopen(os.open("deep.jpg", os.O_WRONLY | os.O_CREAT, dir_fd=deeper), "wb") as file:
            file.write(content)
        os.close(folder)
        folder = deeper
    os.close(folder)
    done = forkresize("in", "out", "--width", "20", "--report", "r.jsonl")
    assert done.returncode == 1
    assert "File name too long" in done.stderr
    assert "Traceback" not in done.stderr
    records = read_records(tmp_path / "r.jsonl")
    assert {record["status"] for record in records} == {"written", "failed"}
    assert sum(record["status"] == "written" for record in records) >= 18
    # By descriptors, because the paths of some outputs are too long for this process.
    names = [name for _, _, files, _ in os.fwalk(tmp_path / "out") for name in files]
    assert not [name for name in names if ".forkresize-" in name]
