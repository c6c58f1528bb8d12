"""What --show-config prints."""

from collections.abc import Callable
from pathlib import Path

import pytest

from forkresize.cli.command import call
from forkresize.cli.options.catalog import PANELS
from tests.protocols import Parse

FILE = """\
width = [400, 800]
exclude = ["*.png", "*.gif"]
quiet = false

[presets.web]
quality = { jpeg = 70 }
"""


@pytest.fixture
def shown(
    parse: Parse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., dict[str, list[str]]]:
    """Run --show-config with some arguments, in the directory that parse has cleared of settings."""
    (tmp_path / "forkresize.toml").write_text(FILE)

    def show(*arguments: str) -> dict[str, list[str]]:
        assert call(["--show-config", *arguments]) == 0
        text, error = capsys.readouterr()
        assert error == ""
        return {line.split()[0]: [part.strip() for part in line.split("  ") if part][1:] for line in text.splitlines()}

    return show


def test_every_value_is_shown_as_it_was_written_with_its_place(
    shown: Callable[..., dict[str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORKRESIZE_TIMEOUT", "10m")
    monkeypatch.setenv("FORKRESIZE_JSON", "yes")
    lines = shown("--preset", "web", "--max-pixels", "0.5", "--baseline", "--include", "a b", "--include", "c")
    assert lines["width"] == ["400,800", "forkresize.toml:1"]
    assert lines["exclude"] == ["*.png *.gif", "forkresize.toml:2"]
    assert lines["quiet"] == ["false", "forkresize.toml:3"]
    assert lines["quality"] == ["jpeg=70", "forkresize.toml:6 [presets.web]"]
    assert lines["timeout"] == ["10m", "FORKRESIZE_TIMEOUT"]
    assert lines["json"] == ["yes", "FORKRESIZE_JSON"]
    assert lines["preset"] == ["web", "flag"]
    assert lines["max-pixels"] == ["0.5", "flag"]
    assert lines["progressive"] == ["false", "flag"]
    assert lines["include"] == ["a b c", "flag"]
    assert lines["height"] == ["-", "default"]
    assert lines["fit"] == ["inside", "default"]


def test_every_settable_option_has_a_line(shown: Callable[..., dict[str, list[str]]]) -> None:
    options = [option for panel in PANELS.values() for option in panel]
    assert [*shown()] == [option.key for option in options if option.variable]


def test_columns_are_aligned(parse: Parse, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(["--show-config"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len({line.rindex("  default") for line in lines}) == 1


def test_an_overridden_value_is_shown_as_default(shown: Callable[..., dict[str, list[str]]]) -> None:
    lines = shown("--size", "50%")
    assert lines["width"] == ["-", "default"]
    assert lines["size"] == ["50%", "flag"]


def test_control_characters_are_escaped(shown: Callable[..., dict[str, list[str]]]) -> None:
    assert shown("--name", "\x1b[31m{stem}")["name"] == [r"\x1b[31m{stem}", "flag"]
