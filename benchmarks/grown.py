"""Print the peak memory growth of a fresh process while it renders a picture, in bytes.

python benchmarks/grown.py PICTURE '{"width": 800}'    # outputs are written next to the picture
"""

import json
import sys
from pathlib import Path

from forkresize.batch.render_job import preload, render_job
from forkresize.job import Job, Output, Source
from forkresize.recipe import Recipe
from forkresize.store import LocalStore


def status(name: str) -> int:
    """Return a memory field of /proc/self/status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def grown(path: str, recipe: Recipe) -> int:
    """Render a picture; return the peak growth of this process in bytes.

    Raises:
        SystemExit: the picture can't be rendered.
    """
    preload(recipe)
    outputs = tuple(Output(f"{path}.{number}.out", number) for number in range(len(recipe.renditions)))
    # Reset the peak.
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    outcomes = render_job(Job(Source(path, "picture"), outputs), recipe, LocalStore("", "tag"))
    if {outcome.status for outcome in outcomes} != {"written"}:
        sys.exit(str(outcomes))
    return status("VmHWM") - before


if __name__ == "__main__":
    print(grown(sys.argv[1], Recipe.of(**json.loads(sys.argv[2]))))
