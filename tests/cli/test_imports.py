"""Heavy modules are imported only when needed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.protocols import Draw

SHOW = """
import sys
from forkresize import cli
sys.argv = ["forkresize", *sys.argv[1:]]
try:
    cli.main()
finally:
    print(*sys.modules, sep="\\n", file=sys.stderr)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (
            ["--version"],
            "click rich_click rich tqdm pathspec multiprocessing importlib.metadata PIL.ImageCms",
        ),
        (["--help"], "PIL tqdm multiprocessing cykooz_resizer"),
        (
            ["in", "out", "--width", "20"],
            "rich.console tqdm jinja2 prometheus_client pathspec tomllib difflib",
        ),
        (
            ["in", "out", "--width", "20", "--quiet", "--json", "--report", "report.jsonl"],
            "rich.console tqdm jinja2 prometheus_client pathspec",
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_command_imports_only_what_it_needs(arguments: list[str], unwanted: str, tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "in/a.jpg")
    # Coverage measurement imports more modules.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    result = subprocess.run(
        [sys.executable, "-c", SHOW, *arguments],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert set(unwanted.split()) & set(result.stderr.split()) == set()
