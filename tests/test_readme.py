"""The README is true and short."""

import re
from pathlib import Path

import pytest

from forkresize.cli.options.catalog import PANELS
from forkresize.daemon.gateway import gateway

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
OPTIONS = {
    name for options in PANELS.values() for option in options for names in option.names for name in names.split("/")
}
OF_GATEWAY = {name for option in gateway.params for name in option.opts}


def test_every_option_in_it_exists() -> None:
    named = set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", README)) - {"--editable", "--numprocesses"}
    assert named <= OPTIONS | OF_GATEWAY | {"--help"}


@pytest.mark.parametrize("mark", ["run", "test"])
def test_each_setup_command_is_one_line(mark: str) -> None:
    [block] = re.findall(rf"<!-- {mark} -->\n```sh\n(.*?)```", README, re.DOTALL)
    assert len(block.splitlines()) == 1
    assert block.startswith("python3 -m venv ")


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 105
    assert README.count("![") == 2
