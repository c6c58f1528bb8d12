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

PLUGINS = {f"PIL.{name}ImagePlugin" for name in ("Avif", "Bmp", "Icns", "Ico", "Jpeg", "Jpeg2K", "Png", "Tiff", "WebP")}

STEPS = {f"forkresize.image.steps.{name}" for name in ("blur", "rotate", "sharpen", "trim", "watermark")}

IMAGING = {
    "PIL.Image",
    "cykooz_resizer",
    "forkresize.batch.render_job",
    "forkresize.image.transform",
    "forkresize.image.source_image",
}
"""What the first job loads."""

LIBRARY = "_hashlib secrets pathlib urllib.parse tempfile multiprocessing shlex"
"""Modules of the standard library that take long."""

RARE = {
    f"forkresize.image.{name}"
    for name in (
        *("analyze.smartcrop", "color.deep_convert", "color.peak", "decode.jpeg_scans", "encode.deep"),
        *("encode.palette", "encode.targets", "gainmap.output", "gainmap.source", "metadata.xmp"),
        *("resample.deep", "resample.linear"),
    )
}
"""What few pictures need."""

OF_LARGER_RUNS = {"json", "pickle", "xml"}
"""Modules of the standard library that a run with one picture does without."""

POOL_PROCESS = {f"forkresize.pool.{name}" for name in ("dispatcher", "future", "message_socket", "process", "server")}


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
            f"rich.console tqdm jinja2 prometheus_client pathspec tomllib difflib psycopg opentelemetry {LIBRARY}",
        ),
        (
            ["in", "out", "--width", "20", "--quiet", "--json", "--report", "report.jsonl"],
            "rich.console tqdm jinja2 prometheus_client pathspec psycopg opentelemetry forkresize.telemetry",
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
def test_run_without_work_loads_no_decoders_no_steps_and_no_pool_process(tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "in/a.jpg")
    arguments = ["in", "out", "--width", "20", "--quiet"]
    _loaded_modules(tmp_path, arguments)
    unwanted = IMAGING | PLUGINS | STEPS | POOL_PROCESS | {"PIL.ImageFont", "concurrent.futures"}
    assert unwanted & _loaded_modules(tmp_path, arguments) == set()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [[], ["--workers", "0"]], ids=["before the fork", "until its end"])
def test_one_picture_loads_its_decoder_and_what_few_pictures_need_only_if_it_does(
    workers: list[str], tmp_path: Path, draw: Draw
) -> None:
    draw(tmp_path / "a.jpg")
    loaded = _loaded_modules(tmp_path, ["a.jpg", "out", "--width", "20", "--quiet", *workers])
    assert loaded & PLUGINS == {"PIL.JpegImagePlugin"}
    assert (RARE | OF_LARGER_RUNS) & loaded == set()


@pytest.mark.slow
def test_only_the_steps_of_the_recipe_and_those_that_they_turn_into_are_loaded(tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "in/a.jpg")
    loaded = _loaded_modules(tmp_path, ["in", "out", "--width", "20", "--quiet", "--trim"])
    assert loaded & STEPS == {"forkresize.image.steps.trim", "forkresize.image.steps.rotate"}
