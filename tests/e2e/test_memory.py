"""The installed command with a memory budget."""

import json
import os
import resource
import signal
import sqlite3
import struct
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks.bombs import many_channels, png
from benchmarks.memory_budget import measure
from tests.protocols import Draw, Run

pytestmark = pytest.mark.slow

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of a process from /proc")

MEGABYTE = 10**6


@pytest.fixture
def giants(tmp_path: Path, draw: Draw) -> Path:
    """Eight PNGs of 12 megapixels, at least 48 MB each to decode."""
    first = draw(tmp_path / "in/0.png", (4000, 3000), compress_level=1)
    for number in range(1, 8):
        os.link(first, tmp_path / f"in/{number}.png")
    return tmp_path


def resident(parent: int) -> int:
    children = Path(f"/proc/{parent}/task/{parent}/children")
    pages = 0
    try:
        for child in children.read_text().split():
            pages += int(Path(f"/proc/{child}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()


@on_linux
def test_all_workers_together_stay_within_the_budget(giants: Path, command: list[str]) -> None:
    arguments = [*command, "in", "out", "--width", "100", "--memory", "250M", "--workers", "3", "--json"]
    most = 0
    with subprocess.Popen(arguments, cwd=giants, stdout=subprocess.PIPE, text=True) as run:
        while run.poll() is None:
            most = max(most, resident(run.pid))
            time.sleep(0.01)
        assert run.stdout is not None
        summary = json.loads(run.stdout.read())
    assert summary["written"] == 8
    assert summary["memory"] == 250 * MEGABYTE
    assert summary["workers_lost"] == 0
    assert 60 * MEGABYTE < most <= 275 * MEGABYTE


def test_a_picture_above_the_budget_fails_at_once_with_both_numbers(
    tmp_path: Path, draw: Draw, forkresize: Run
) -> None:
    draw(tmp_path / "in/giant.png", (6000, 5000), compress_level=1)
    draw(tmp_path / "in/small.png")
    result = forkresize("in", "out", "--width", "20", "--memory", "100M", "--json")
    summary = json.loads(result.stdout)
    assert result.returncode == 1
    assert summary["written"] == 1
    (failure,) = summary["failures"]
    assert failure["reason"] == "memory limit"
    assert failure["error"].startswith("needs about ")
    assert failure["error"].endswith(" MB, more than the memory budget of 100 MB")
    assert failure["attempts"] == 1


def test_a_larger_budget_retries_a_picture_that_did_not_fit(tmp_path: Path, draw: Draw, forkresize: Run) -> None:
    draw(tmp_path / "in/giant.png", (6000, 5000), compress_level=1)
    assert forkresize("in", "out", "--width", "20", "--memory", "100M").returncode == 1
    assert forkresize("in", "out", "--width", "20").returncode == 0


FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    "JXL": ("pillow_jxl", {"effort": 1, "lossless": True}),
    "HEIF": ("pillow_heif", {}),
    "AVIF": ("PIL", {"speed": 10}),
    "JPEG2000": ("PIL", {}),
    "WEBP": ("PIL", {"method": 0}),
}
"""The formats whose decoders report a lack of memory in their own ways: the package that reads them, and options."""


@on_linux
@pytest.mark.parametrize("kind", FORMATS)
def test_no_lack_of_memory_is_remembered_as_damage(kind: str, tmp_path: Path, draw: Draw, forkresize: Run) -> None:
    package, options = FORMATS[kind]
    module = pytest.importorskip(package)
    getattr(module, "register_heif_opener", lambda: None)()
    draw(tmp_path / "in/large", (3000, 2500), format=kind, **options)
    draw(tmp_path / "in/small", (40, 30), format=kind, **options)
    common = "in", "out", "--width", "30", "--format", "jpeg", "--json"
    first = json.loads(forkresize(*common, "--memory", "64M").stdout)
    assert {failure["reason"] for failure in first["failures"]} == {"memory limit"}
    assert (first["written"], first["workers_lost"]) == (1, 0)
    again = json.loads(forkresize(*common, "--memory", "64M").stdout)
    assert (again["unchanged"], again["failed"]) == (1, 1)
    assert json.loads(forkresize(*common, "--memory", "2G").stdout)["written"] == 1


@on_linux
def test_a_picture_that_an_earlier_version_took_for_damaged_is_made(
    tmp_path: Path, draw: Draw, forkresize: Run
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    assert forkresize("in", "out", "--width", "30").returncode == 1
    broken = (tmp_path / "in/a.png").stat()
    with sqlite3.connect(tmp_path / "out/.forkresize/ledger.db") as ledger:
        # As it was recorded until memory limits were recorded too.
        ledger.execute('UPDATE outputs SET "limit" = NULL')
        assert ledger.execute("SELECT count(*) FROM outputs WHERE reason = 'damaged or truncated'").fetchone() == (1,)
        path = draw(tmp_path / "in/a.png")
        ledger.execute("UPDATE outputs SET source_size = ?", (path.stat().st_size,))
    ledger.close()
    os.utime(path, ns=(broken.st_atime_ns, broken.st_mtime_ns))
    assert forkresize("in", "out", "--width", "30").returncode == 0


@on_linux
@pytest.mark.parametrize("budget", [64, 256])
def test_bombs_stay_within_the_budget(budget: int, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.png").write_bytes(png((14_000, 4000)))
    (tmp_path / "in/b.png").write_bytes(png((14_000, 4000), color=0, depth=1))
    (tmp_path / "in/c.png").write_bytes(png((8, 8), rows=1 << 28))
    flat = Image.new("RGBA", (8000, 5000))
    flat.save(tmp_path / "in/d.webp", lossless=True, method=0, quality=0)
    flat.save(large := tmp_path / "e.png")
    content = large.read_bytes()
    entry = struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(content), 22)
    (tmp_path / "in/e.ico").write_bytes(entry + content)
    if find_spec("pillow_jxl"):
        import pillow_jxl  # noqa: F401 -- registers itself.

        flat.convert("RGB").save(tmp_path / "in/f.jxl", effort=1, lossless=True)
        (tmp_path / "in/g.jxl").write_bytes(many_channels((7000, 7000)))
    arguments = [*command, str(tmp_path / "in"), str(tmp_path / "out"), "--width", "100", "--format", "jpeg", "--json"]
    peaks, summary, _ = measure([*arguments, "--memory", f"{budget}M", "--workers", "3", "--on-collision", "suffix"])
    assert peaks.samples > 10
    assert summary["sources"] == len(os.listdir(tmp_path / "in"))
    assert 0 < peaks.workers <= 1.1 * budget * MEGABYTE


def test_the_default_budget_is_reported_and_a_tiny_one_refused(tmp_path: Path, draw: Draw, forkresize: Run) -> None:
    draw(tmp_path / "in/a.png")
    assert json.loads(forkresize("in", "out", "--width", "20", "--json").stdout)["memory"] >= 64 * MEGABYTE
    refused = forkresize("in", "out2", "--width", "20", "--memory", "1M")
    assert refused.returncode == 2
    assert "use at least 64M" in refused.stderr
    assert not (tmp_path / "out2").exists()


@on_linux
def test_the_first_ctrl_c_finishes_pictures_that_wait_for_memory(giants: Path, command: list[str]) -> None:
    arguments = ["env", "--default-signal=INT", *command, "in", "out", "--width", "100", "--json"]
    arguments += ["--memory", "200M", "--workers", "3"]
    with subprocess.Popen(arguments, cwd=giants, stdout=subprocess.PIPE, text=True) as run:
        deadline = time.monotonic() + 30
        while not list((giants / "out").glob("*.png")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=30) == 130
        assert run.stdout is not None
        summary: dict[str, Any] = json.loads(run.stdout.read())
    assert summary["failed"] == 0
    assert summary["written"] == len(list((giants / "out").glob("*.png"))) < 8


@on_linux
@pytest.mark.parametrize(("name", "fast"), [("a.avif", {"speed": 10}), ("a.png", {"compress_level": 1})])
def test_a_limit_of_the_shell_is_named_in_the_error(
    name: str, fast: dict[str, Any], tmp_path: Path, draw: Draw, command: list[str]
) -> None:
    draw(tmp_path / "in" / name, (6000, 4000), **fast)
    line = f"ulimit -v 120000; exec {command[0]} in out --width 100 --format jpeg --json --no-ledger -j 1"
    result = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)  # noqa: S607
    (failure,) = json.loads(result.stdout)["failures"]
    assert failure["reason"] == "memory limit", failure
