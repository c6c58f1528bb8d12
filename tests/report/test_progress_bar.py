"""The progress bar of programs: what it shows on a terminal and in a notebook."""

import io
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from forkresize import PoolOptions, ProgressBar, Recipe, Settings, StopRun, run
from forkresize.outcome import Outcome
from tests.protocols import Draw

FAST = Settings(pool=PoolOptions(workers=1, tick=0.001))


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    for number in range(5):
        draw(tmp_path / f"in/{number}.jpg", seed=number)
    (tmp_path / "in/notes.txt").write_text("not a picture")
    return tmp_path / "in"


def test_files_are_counted_once_with_their_total_and_failures(tmp_path: Path, photos: Path) -> None:
    (photos / "bad.jpg").write_bytes(b"\xff\xd8\xff broken")
    shown = io.StringIO()
    bar = ProgressBar(file=shown, mininterval=0, desc="photos")
    summary = run([photos], tmp_path / "out", Recipe.of(width=[8, 16]), settings=FAST, observers=[bar])
    assert (summary.written, summary.failed) == (10, 1)
    last = shown.getvalue().strip().splitlines()[-1].rpartition("\r")[2]
    assert last.startswith("photos: 100%")
    assert " 7/7 [" in last
    assert "1 failed" in last


def test_a_bar_serves_several_runs_and_starts_no_thread(tmp_path: Path, photos: Path) -> None:
    before = threading.active_count()
    shown = io.StringIO()
    bar = ProgressBar(file=shown)
    for name in ("a", "b"):
        run([photos], tmp_path / name, Recipe.of(width=8), settings=FAST, observers=[bar])
    assert threading.active_count() == before
    assert shown.getvalue().count(" 6/6 [") >= 2


def test_a_run_that_is_stopped_leaves_the_bar_where_it_was(tmp_path: Path, photos: Path) -> None:
    def stop(_: Outcome) -> None:
        raise StopRun

    shown = io.StringIO()
    serial = Settings(serial=True)
    run([photos], tmp_path / "out", Recipe.of(width=8), settings=serial, observers=[ProgressBar(file=shown), stop])
    assert "100%" not in shown.getvalue()


CELL = """
import warnings
warnings.simplefilter("error", DeprecationWarning)
from forkresize import ProgressBar, Recipe, run
summary = run(["in"], "out", Recipe.of(width=20), observers=[ProgressBar()])
print(summary.written, summary.failed, summary.exit_code)
"""

EXECUTE = """
import json, sys, nbformat
from nbclient import NotebookClient
book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(sys.argv[1])])
NotebookClient(book, timeout=100, kernel_name="python3").execute()
print(json.dumps([book.cells[0].outputs, book.metadata]))
"""


def execute(folder: Path, cell: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Execute a cell in a notebook; return its outputs and the metadata of the notebook."""
    pytest.importorskip("nbclient", reason="install the extra test: a notebook is executed by nbclient")
    command = [sys.executable, "-c", EXECUTE, cell]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    outputs, metadata = json.loads(done.stdout)
    return outputs, metadata


@pytest.mark.slow
def test_a_notebook_shows_a_widget(tmp_path: Path, photos: Path) -> None:
    assert photos.exists()
    outputs, metadata = execute(tmp_path, CELL)
    assert {"name": "stdout", "output_type": "stream", "text": "5 0 0\n"} in outputs
    assert [each["name"] for each in outputs if each["output_type"] == "stream"] == ["stdout"]
    [shown] = [each["data"] for each in outputs if each["output_type"] == "display_data"]
    assert "application/vnd.jupyter.widget-view+json" in shown
    models = metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"].values()
    [progress] = [each["state"] for each in models if each["model_name"] == "FloatProgressModel"]
    assert (progress["value"], progress["max"], progress["bar_style"]) == (6, 6, "success")
    texts = [each["state"]["value"] for each in models if each["model_name"] == "HTMLModel"]
    assert any("6/6 [" in text.replace("\N{FIGURE SPACE}", " ") for text in texts), texts


@pytest.mark.slow
def test_a_notebook_without_widgets_shows_text(tmp_path: Path, photos: Path) -> None:
    assert photos.exists()
    outputs, _ = execute(tmp_path, "import sys; sys.modules['ipywidgets'] = None\n" + CELL)
    assert {"name": "stdout", "output_type": "stream", "text": "5 0 0\n"} in outputs
    errors = "".join(each["text"] for each in outputs if each.get("name") == "stderr")
    assert "6/6 [" in errors
    assert "Warning" not in errors
