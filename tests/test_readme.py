"""The README is true: its options, exit codes, fields and the library example."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from forkresize.cli.options.catalog import PANELS
from forkresize.exit_policy import ExitCode
from forkresize.plan.naming import FIELDS
from tests.protocols import Draw

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
OPTIONS = {
    name for options in PANELS.values() for option in options for names in option.names for name in names.split("/")
}


def test_every_option_in_it_exists() -> None:
    named = set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", README)) - {"--editable", "--numprocesses"}
    assert named <= OPTIONS | {"--help"}


def test_every_exit_code_is_explained() -> None:
    explained = {int(code) for row in re.findall(r"^\| ([\d, ]+) \|", README, re.MULTILINE) for code in row.split(",")}
    assert {int(code) for code in ExitCode} - {ExitCode.BROKEN_PIPE} <= explained


def test_every_field_of_a_name_is_listed() -> None:
    assert f"fields are `{' '.join(FIELDS)}`" in README


@pytest.mark.slow
def test_the_library_examples_run(tmp_path: Path, draw: Draw) -> None:
    batch, web = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    draw(tmp_path / "photos/a.jpg")
    draw(tmp_path / "portrait.jpg", (500, 700))
    result = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-c",
            f"{batch}\nbody = open('portrait.jpg', 'rb').read()\n{web}\nprint(headers)",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "1 written, 0 failed" in result.stdout
    assert "{'Content-Type': 'image/webp'}" in result.stdout
    assert (tmp_path / "web/a.webp").exists()
    assert (tmp_path / "thumbnail.jpg").exists()


@pytest.mark.parametrize("mark", ["run", "test"])
def test_each_setup_command_is_one_line(mark: str) -> None:
    [block] = re.findall(rf"<!-- {mark} -->\n```sh\n(.*?)```", README, re.DOTALL)
    assert len(block.splitlines()) == 1
    assert block.startswith("python3 -m venv ")
