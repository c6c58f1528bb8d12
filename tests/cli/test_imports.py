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

PLUGINS = "PIL.AvifImagePlugin PIL.BmpImagePlugin PIL.IcnsImagePlugin PIL.IcoImagePlugin PIL.Jpeg2KImagePlugin"


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
    assert set(unwanted.split()) & _loaded_modules(tmp_path, arguments) == set()


def _loaded_modules(tmp_path: Path, arguments: list[str]) -> set[str]:
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
    return set(result.stderr.split())


@pytest.mark.slow
def test_run_without_work_loads_neither_plug_ins_nor_the_pool_process(tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "in/a.jpg")
    arguments = ["in", "out", "--width", "20", "--quiet"]
    _loaded_modules(tmp_path, arguments)
    pool = {f"forkresize.pool.{name}" for name in ("dispatcher", "future", "message_socket", "process", "server")}
    assert ({*PLUGINS.split(), "concurrent.futures"} | pool) & _loaded_modules(tmp_path, arguments) == set()
