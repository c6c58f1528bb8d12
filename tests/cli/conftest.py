import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from forkresize.cli.arguments import Arguments
from forkresize.cli.command import forkresize
from tests.protocols import Parse, ParseArguments


@pytest.fixture
def parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parse:
    """Parse a command line: ``parse("--width", "8", env={...}, project="...", user="...")``; return its values.

    It is run in the test's directory, with nothing set but what is given.
    """
    home = tmp_path / "home"
    (home / "forkresize").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("FORKRESIZE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))

    def parse_command(
        *arguments: str, env: Mapping[str, str] | None = None, project: str = "", user: str = ""
    ) -> Mapping[str, Any]:
        for name, text in (("forkresize.toml", project), ("home/forkresize/config.toml", user)):
            (tmp_path / name).unlink(missing_ok=True)
            if text:
                (tmp_path / name).write_text(text)
        with monkeypatch.context() as patch:
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            values = forkresize.main(list(arguments), "forkresize", standalone_mode=False, obj={})
        assert isinstance(values, dict)
        return values

    return parse_command


@pytest.fixture
def arguments(parse: Parse) -> ParseArguments:
    """Parse a command line to Arguments: ``arguments("in", "out", "--width", "8")``."""

    def parse_arguments(*arguments: str) -> Arguments:
        return Arguments.of(parse(*arguments))

    return parse_arguments
