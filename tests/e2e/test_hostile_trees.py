"""The installed command on trees with loops, special files and mounts, and trees that change during a run."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.protocols import Draw, Run

pytestmark = pytest.mark.slow

RunIn = Callable[..., "subprocess.CompletedProcess[str]"]

UNPRIVILEGED = 65_534


def records(tmp_path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]


def by_reason(tmp_path: Path) -> dict[str, set[str]]:
    """Return the sources by status."""
    found: dict[str, set[str]] = {}
    for record in records(tmp_path):
        found.setdefault(str(record["reason"] or record["status"]), set()).add(str(record["source"]))
    return found


def pictures(folder: Path) -> list[str]:
    """Return the pictures below a folder, each of them complete."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and ".forkresize" not in path.parts)
    for path in found:
        with Image.open(path) as image:
            image.load()
    return [str(path.relative_to(folder)) for path in found]


@pytest.fixture
def pair(tmp_path: Path, draw: Draw) -> Path:
    """A tree with one picture, and a picture outside of it."""
    draw(tmp_path / "in/a.jpg")
    draw(tmp_path / "outside/secret.jpg")
    return tmp_path


@pytest.fixture
def bound(tmp_path: Path, command: list[str]) -> RunIn:
    """Run the command with a directory mounted at a second path: ``bound("in", "out", *arguments)``."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:  # noqa: S607
        pytest.skip("nothing may be mounted here")

    def run(directory: str, place: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
        line = ["unshare", "-rm", "sh", "-c", script, "sh", directory, place, *command, *arguments]
        return subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_a_source_mounted_as_the_destination_is_refused(pair: Path, bound: RunIn) -> None:
    (pair / "out").mkdir()
    before = (pair / "in/a.jpg").read_bytes()
    done = bound("in", "out", "in", "out", "--width", "20", "--force")
    assert done.returncode == 2
    assert "is also a source" in done.stderr
    assert (pair / "in/a.jpg").read_bytes() == before


def test_a_source_mounted_below_itself_is_walked_once(pair: Path, bound: RunIn) -> None:
    (pair / "in/loop").mkdir()
    done = bound("in", "in/loop", "in", "out", "--width", "20", "--json")
    assert (done.returncode, json.loads(done.stdout)["written"]) == (0, 2)
    assert pictures(pair / "out") == ["a.jpg", "loop/a.jpg"]


def test_a_destination_that_is_mounted_in_its_source_is_not_walked(pair: Path, bound: RunIn) -> None:
    for folder in ("out", "in/made"):
        (pair / folder).mkdir()
    for expected in ("written", "unchanged"):
        done = bound("out", "in/made", "in", "out", "--width", "20", "--json")
        summary = json.loads(done.stdout)
        assert (summary["sources"], summary[expected]) == (1, 1)
    assert pictures(pair / "out") == ["a.jpg"]


def test_devices_pipes_and_sockets_are_skipped_without_blocking(pair: Path, forkresize: Run) -> None:
    os.mkfifo(pair / "in/fifo.jpg")
    (pair / "in/null.jpg").symlink_to("/dev/null")
    (pair / "in/zero.jpg").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(pair / "in")
        listener.bind("socket.jpg")
        os.chdir(here)
        done = forkresize("in", "out", "--width", "20", "--report", "r.jsonl")
        listed = forkresize("in/fifo.jpg", "in/socket.jpg", "in/a.jpg", "two", "--width", "20")
    assert done.returncode == 0, done.stderr
    odd = {"in/fifo.jpg", "in/null.jpg", "in/zero.jpg", "in/socket.jpg"}
    assert by_reason(pair) == {"not a regular file": odd, "written": {"in/a.jpg"}}
    assert pictures(pair / "two") == ["a.jpg"], listed.stderr


@pytest.mark.parametrize("links", [[], ["--symlinks", "follow"], ["--symlinks", "skip"]])
def test_link_loops_end(links: list[str], pair: Path, forkresize: Run) -> None:
    (pair / "in/x").symlink_to("y")
    (pair / "in/y").symlink_to("x")
    (pair / "in/self.jpg").symlink_to("self.jpg")
    (pair / "in/up").symlink_to("..")
    (pair / "in/here").symlink_to(".")
    done = forkresize("in", "out", "--width", "20", "--report", "r.jsonl", *links)
    assert done.returncode in {0, 1}
    assert "Traceback" not in done.stderr
    assert "in/a.jpg" in by_reason(pair)["written"]
    assert all(Path(str(record["source"])).parts.count("in") <= 2 for record in records(pair))


def test_links_in_the_destination_are_not_followed_out_of_it(pair: Path, draw: Draw, forkresize: Run) -> None:
    draw(pair / "in/sub/b.jpg")
    draw(pair / "in/secret.jpg", seed=3)
    (pair / "out").mkdir()
    (pair / "out/sub").symlink_to("../outside")
    (pair / "out/secret.jpg").symlink_to("../outside/secret.jpg")
    before = (pair / "outside/secret.jpg").read_bytes()
    done = forkresize("in", "out", "--width", "20", "--report", "r.jsonl", "--force")
    assert (pair / "outside/secret.jpg").read_bytes() == before
    assert pictures(pair / "outside") == ["secret.jpg"], done.stderr


def test_dots_in_names_and_lists_stay_below_the_destination(pair: Path, forkresize: Run) -> None:
    refused = forkresize("--files-from", "-", "out", "--width", "20", stdin=b"../outside/secret.jpg\n")
    assert refused.returncode == 2
    assert "leads out of the destination" in refused.stderr
    names = b"in/../outside/secret.jpg\n./missing.jpg\n/etc/passwd\nin//a.jpg\nin/./a.jpg\n"
    done = forkresize("--files-from", "-", "out", "--width", "20", "--report", "r.jsonl", stdin=names)
    assert done.returncode == 1, done.stderr
    assert by_reason(pair).keys() == {"written", "cannot be read", "not a picture"}
    everything = {str(path.relative_to(pair)) for path in pair.rglob("*.jpg")}
    assert all(path.startswith(("in/", "out/", "outside/secret.jpg")) for path in everything)
    assert pictures(pair / "outside") == ["secret.jpg"]


def test_files_that_vanish_grow_or_change_during_a_run_affect_no_others(
    tmp_path: Path, draw: Draw, forkresize: Run
) -> None:
    first = draw(tmp_path / "in/000.png", (400, 300))
    names = [f"{number:03}.png" for number in range(160)]
    for name in names[1:]:
        shutil.copy(first, tmp_path / "in" / name)
    shutil.copytree(tmp_path / "in", tmp_path / "in/zz")
    content, stop = first.read_bytes(), threading.Event()

    def disturb() -> None:
        number = 0
        while not stop.wait(0.002):
            path = tmp_path / "in" / names[number % 120]
            change = number % 4
            if change == 0:
                path.unlink(missing_ok=True)
            elif change == 1:
                path.write_bytes(content[: len(content) // 2])
            elif change == 2 and path.exists():
                with path.open("ab") as file:
                    file.write(b"more" * 1000)
            else:
                shutil.rmtree(path, ignore_errors=True)
                path.with_suffix(".new").write_bytes(content)
            number += 7
        shutil.rmtree(tmp_path / "in/zz", ignore_errors=True)

    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        done = forkresize("in", "out", "--width", "20", "--report", "r.jsonl", "--workers", "2")
    finally:
        stop.set()
        disturber.join()
    assert done.returncode in {0, 1}
    assert "Traceback" not in done.stderr
    found = by_reason(tmp_path)
    assert found.keys() <= {"written", "damaged or truncated", "cannot be read", "not a picture"}, found.keys()
    made = pictures(tmp_path / "out")
    assert {f"in/{name}" for name in names[120:]} <= found["written"]
    assert len(made) == len(found["written"])


def test_a_directory_that_vanishes_or_becomes_a_file_is_one_failure(
    tmp_path: Path, draw: Draw, forkresize: Run
) -> None:
    for number in range(40):
        draw(tmp_path / f"in/{number:02}/a.png", (200, 150))
    (tmp_path / "in/00/once").mkdir()

    def disturb() -> None:
        for number in range(39, 0, -2):
            shutil.rmtree(tmp_path / f"in/{number:02}", ignore_errors=True)
            (tmp_path / f"in/{number:02}").write_text("a file now")

    disturber = threading.Thread(target=disturb)
    disturber.start()
    done = forkresize("in", "out", "--width", "20", "--report", "r.jsonl")
    disturber.join()
    assert done.returncode in {0, 1}
    assert "Traceback" not in done.stderr
    assert {f"in/{number:02}/a.png" for number in range(0, 40, 2)} <= by_reason(tmp_path)["written"]


@pytest.fixture
def as_unprivileged(command: list[str]) -> Iterator[tuple[Path, RunIn]]:
    """A directory, and the command run there by an unprivileged user."""
    if os.getuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root may read and write all, and there is no setpriv")
    give_up = (
        ["setpriv", f"--reuid={UNPRIVILEGED}", f"--regid={UNPRIVILEGED}", "--clear-groups"] if os.getuid() == 0 else []
    )
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o777)

        def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
            return subprocess.run(
                [*give_up, *command, *arguments],
                cwd=folder,
                env={**os.environ, "HOME": "/nonexistent"},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )

        if run("--version").returncode:
            pytest.skip(f"others may not run what is installed under {sys.prefix}")
        yield folder, run


def test_unreadable_files_and_directories_are_failures_with_their_names(
    as_unprivileged: tuple[Path, RunIn], draw: Draw
) -> None:
    folder, run = as_unprivileged
    for name in ("a.jpg", "closed.jpg", "shut/b.jpg", "listed/c.jpg"):
        draw(folder / "in" / name)
    (folder / "in/closed.jpg").chmod(0)
    (folder / "in/shut").chmod(0)
    (folder / "in/listed").chmod(0o444)
    done = run("in", "out", "--width", "20", "--report", "r.jsonl")
    (folder / "in/shut").chmod(0o755)
    (folder / "in/listed").chmod(0o755)
    assert done.returncode == 1, done.stderr
    assert by_reason(folder) == {
        "written": {"in/a.jpg"},
        "cannot be read": {"in/closed.jpg", "in/shut", "in/listed/c.jpg"},
    }
    assert pictures(folder / "out") == ["a.jpg"]


def test_an_unwritable_destination_stops_the_run_with_a_message(
    as_unprivileged: tuple[Path, RunIn], draw: Draw
) -> None:
    folder, run = as_unprivileged
    for number in range(5):
        draw(folder / f"in/{number}.jpg")
    (folder / "out").mkdir()
    (folder / "out").chmod(0o555)
    done = run("in", "out", "--width", "20")
    assert done.returncode == 3
    assert "Permission denied" in done.stderr
    assert "Traceback" not in done.stderr


def test_one_unwritable_directory_of_the_destination_is_reported(
    as_unprivileged: tuple[Path, RunIn], draw: Draw
) -> None:
    folder, run = as_unprivileged
    draw(folder / "in/a.jpg")
    draw(folder / "in/shut/b.jpg")
    for name in ("out", "out/shut"):
        (folder / name).mkdir()
    (folder / "out").chmod(0o777)
    (folder / "out/shut").chmod(0o555)
    done = run("in", "out", "--width", "20", "--report", "r.jsonl")
    assert done.returncode in {1, 3}
    assert "in/shut/b.jpg" in by_reason(folder)["cannot be written"]
    assert "Permission denied" in done.stderr
