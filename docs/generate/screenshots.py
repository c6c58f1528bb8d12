"""Create the screenshots of the docs from a real run: the live view halfway, the summary table, the report.

    python docs/generate/screenshots.py examples/pictures docs/images/run.svg [docs/images/report.webp]

It uses a dozen copies of the folder with one truncated picture, so that a failure is shown as well. The screenshot of
the report needs Chromium. Run it on a machine that does nothing else.
"""

import argparse
import contextlib
import io
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.text import Text

from forkresize import Format, Outcome, PoolOptions, Recipe, Selection, Settings, run
from forkresize.batch.thumbnails import make_thumbnails
from forkresize.job import Source
from forkresize.observer import Activity, Observer
from forkresize.recipefile import dumps
from forkresize.report.html import HtmlReport, RunInfo
from forkresize.report.outcome_store import OutcomeStore
from forkresize.report.terminal.live import LiveView
from forkresize.report.terminal.table import Places, print_summary
from forkresize.walk import roots, walk

DESTINATION = "./web"
COMMAND = f"forkresize ./photos {DESTINATION} --width 800 --format webp"
WIDTH = 88
HEIGHT = 12
COPIES = 12
WINDOW = (1200, 1500)
"""Pixels of the browser's window."""


class Snapshot(Observer):
    """An observer that draws the live view once, halfway."""

    def __init__(self, view: LiveView, console: Console, half: int) -> None:
        self._view = view
        self._console = console
        self._half = half
        self._ended = 0

    def on_outcome(self, outcome: Outcome) -> None:
        """Follow the run."""
        self._view.on_outcome(outcome)
        self._ended += 1

    def on_tick(self, activities: Sequence[Activity]) -> None:
        """Draw, if it is time to."""
        self._view.on_tick(activities)
        if self._ended >= self._half and all(activity.item for activity in activities):
            self._console.print(self._view.render())
            self._half = 10**9


def prompt(console: Console, command: str) -> None:
    """Show a command as typed."""
    console.print(Text.assemble(("$ ", "dim"), (command, "bold")))


def see(page: Path, picture: Path) -> None:
    """Take a screenshot of a page in a browser."""
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder, "shot.png")
        window = f"--window-size={WINDOW[0]},{WINDOW[1]}"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", window, f"--screenshot={shot}"]
        subprocess.run(["chromium", *options, page.as_uri()], check=True, capture_output=True, timeout=60)  # noqa: S607
        with Image.open(shot) as seen:
            seen.convert("RGB").save(picture, quality=80)


def main() -> None:
    """Run and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("svg", type=Path)
    parser.add_argument("report", type=Path, nargs="?", help="a .webp or .png")
    arguments = parser.parse_args()
    pictures, svg = arguments.pictures.resolve(), arguments.svg.resolve()
    report = arguments.report and arguments.report.resolve()
    record = Console(record=True, file=io.StringIO(), width=WIDTH, height=HEIGHT, force_terminal=True)
    screen = Console(file=io.StringIO(), width=WIDTH, height=HEIGHT, force_terminal=True)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for copy in range(COPIES):
            shutil.copytree(pictures, f"photos/{2015 + copy}")
        cut = min(Path("photos").rglob("*.jpg"))
        cut.write_bytes(cut.read_bytes()[:-20_000])
        prompt(record, COMMAND)
        found = walk(roots(["photos"]), Selection())
        sizes = [each.size if isinstance(each, Source) else each.source.size for each in found]
        recipe = Recipe.of(width=800, format=Format.WEBP)
        info = RunInfo(["photos"], "web", datetime.now().astimezone(), COMMAND, dumps(recipe))
        with (
            OutcomeStore() as store,
            HtmlReport("run.html", info, store, make_thumbnails) as page,
            LiveView(screen, sources=iter(sizes)) as view,
        ):
            observer = Snapshot(view, record, len(sizes) // 2)
            settings = Settings(pool=PoolOptions(tick=0.02))
            summary = run(["photos"], "web", recipe, settings=settings, observers=[observer, store, page])
        if report:
            see(Path("run.html").resolve(), report)
    record.print(Text("\n… and at the end:\n", "dim italic"))
    print_summary(summary, record, places=Places(DESTINATION))
    svg.write_text(record.export_svg(title="forkresize"), encoding="utf-8")


if __name__ == "__main__":
    main()
