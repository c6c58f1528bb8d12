"""How much a fresh process grows, at its highest, while it makes a picture: prints the bytes. Estimates nothing.

python benchmarks/grown.py PICTURE '{"width": 800}'    # outputs are written beside the picture
"""

import json
import sys
from pathlib import Path

from forkresize.image.render import preload, render
from forkresize.job import Job, Output, Source
from forkresize.recipe import Recipe


def status(name: str) -> int:
    """Return what the kernel says of this process's memory under a name, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def grown(path: str, recipe: Recipe) -> int:
    """Make a picture; return by how many bytes this process grew.

    Raises:
        SystemExit: the picture can't be made.
    """
    preload(recipe)
    outputs = tuple(Output(f"{path}.{number}.out", number) for number in range(len(recipe.renditions)))
    # From here on the highest is counted anew.
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    outcomes = render(Job(Source(path, "picture"), outputs), recipe, "tag")
    if {outcome.status for outcome in outcomes} != {"written"}:
        sys.exit(str(outcomes))
    return status("VmHWM") - before


if __name__ == "__main__":
    print(grown(sys.argv[1], Recipe.of(**json.loads(sys.argv[2]))))
