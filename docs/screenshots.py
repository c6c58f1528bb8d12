"""Draws the pictures of the README from a real run: the live view half way, and the summary table.

    python docs/screenshots.py examples/pictures docs/run.svg

It works on a dozen copies of the folder, of which one picture is cut short, so that a failure shows as well.
"""

import argparse
import contextlib
import io
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from forkresize import Format, Outcome, PoolOptions, Recipe, Selection, Settings, run
from forkresize.report.live import LiveView
from forkresize.report.table import print_summary
from forkresize.walk import roots, walk

WIDTH = 88
HEIGHT = 12
COPIES = 12


class Snapshot:
    """An observer that draws the live view once, half way."""

    def __init__(self, view: LiveView, console: Console, half: int) -> None:
        self._view = view
        self._console = console
        self._half = half
        self._ended = 0

    def __call__(self, outcome: Outcome) -> None:
        """Follow the run."""
        self._view(outcome)
        self._ended += 1

    def tick(self, activities: Sequence[Any]) -> None:
        """Draw, if it is time to."""
        self._view.tick(activities)
        if self._ended >= self._half and all(activity.item for activity in activities):
            self._console.print(self._view.render())
            self._half = 10**9


def prompt(console: Console, command: str) -> None:
    """Show a command as typed."""
    console.print(Text.assemble(("$ ", "dim"), (command, "bold")))


def main() -> None:
    """Run and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("svg", type=Path)
    arguments = parser.parse_args()
    pictures, svg = arguments.pictures.resolve(), arguments.svg.resolve()
    record = Console(record=True, file=io.StringIO(), width=WIDTH, height=HEIGHT, force_terminal=True)
    screen = Console(file=io.StringIO(), width=WIDTH, height=HEIGHT, force_terminal=True)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for copy in range(COPIES):
            shutil.copytree(pictures, f"photos/{2015 + copy}")
        cut = min(Path("photos").rglob("*.jpg"))
        cut.write_bytes(cut.read_bytes()[:-20_000])
        prompt(record, "forkresize ./photos ./web --width 800 --format webp")
        total = sum(1 for _ in walk(roots(["photos"]), Selection()))
        with LiveView(screen, ahead=walk(roots(["photos"]), Selection())) as view:
            observer = Snapshot(view, record, total // 2)
            settings = Settings(pool=PoolOptions(tick=0.02))
            recipe = Recipe.of(width=800, format=Format.WEBP)
            summary = run(["photos"], "web", recipe, settings=settings, observers=[observer])
    record.print(Text("\n… and when it is done:\n", "dim italic"))
    print_summary(summary, record)
    svg.write_text(record.export_svg(title="forkresize"), encoding="utf-8")


if __name__ == "__main__":
    main()
