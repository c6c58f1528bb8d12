"""Every option can be set in every place, and is told of in every place."""

import json
from pathlib import Path
from typing import Any

import click
import pytest

from forkresize.cli.config.precedence import REQUIRES
from forkresize.cli.options.catalog import PANELS
from forkresize.cli.options.model import Option
from tests.protocols import Parse

DOCS = Path(__file__).parents[2] / "docs"
OPTIONS = [option for options in PANELS.values() for option in options]
SETTABLE = [option for option in OPTIONS if option.in_files]
CANDIDATES = "3 0.4 50 webp 5s 300K navy 64x64 2026-01-02 1/2 300M 0.5,0.3 auto".split()


def by_key(option: Option) -> str:
    return option.key


def sample(option: Option, folder: Path) -> str:
    """Return a value that the option takes and that is not its default."""
    if option.takes_no_value:
        return "false" if option.attributes.get("default") is True else "true"
    kind = option.attributes.get("type", click.STRING)
    if isinstance(kind, click.Choice):
        return str(next(word for word in reversed(kind.choices) if word != option.default))
    if isinstance(kind, click.Path):
        path = folder / "given"
        path.mkdir(exist_ok=True) if not kind.file_okay else path.write_text("")
        return str(path)
    return next(text for text in CANDIDATES if text != option.default and takes(kind, text))


def takes(kind: Any, text: str) -> bool:
    try:
        kind.convert(text, None, None)
    except click.BadParameter:
        return False
    return True


def as_flags(option: Option, value: str) -> list[str]:
    if not option.takes_no_value:
        return [f"--{option.key}", value]
    return [f"--{option.opposite}" if value == "false" else f"--{option.key}"]


def as_toml(option: Option, value: str) -> str:
    written = value if option.takes_no_value else json.dumps(value)
    return f"{option.key} = {written}\n"


@pytest.mark.parametrize("option", SETTABLE, ids=by_key)
def test_it_is_the_same_from_flag_environment_and_file(option: Option, parse: Parse, tmp_path: Path) -> None:
    value = sample(option, tmp_path)
    # What means nothing alone is left out where it comes from no flag.
    companions = [*REQUIRES.get(option.field, ())][-1:]
    others = [item for name in companions for item in (f"--{name.replace('_', '-')}", __file__)]
    assert option.variable is not None
    by_flag = parse(*others, *as_flags(option, value))
    assert by_flag != parse(*others)
    assert by_flag == parse(*others, env={option.variable: value})
    assert by_flag == parse(*others, project=as_toml(option, value))
    assert by_flag == parse(*others, user=as_toml(option, value))
    preset = f"[presets.it]\n{as_toml(option, value)}"
    assert by_flag[option.field] == parse(*others, "--preset", "it", project=preset)[option.field]


@pytest.mark.parametrize(
    "option", [option for option in SETTABLE if option.opposite or not option.takes_no_value], ids=by_key
)
def test_a_flag_beats_all_else(option: Option, parse: Parse, tmp_path: Path) -> None:
    value = sample(option, tmp_path)
    assert option.variable is not None
    others = {"env": {option.variable: value}, "project": as_toml(option, value)}
    if option.opposite:
        flag = f"--{option.opposite if value == 'true' else option.key}"
        assert parse(flag, **others)[option.field] is (value == "false")
    else:
        by_flag = parse(f"--{option.key}", value)[option.field]
        assert parse(f"--{option.key}", value, env={option.variable: value * 2})[option.field] == by_flag


@pytest.mark.parametrize("option", [option for option in OPTIONS if not option.in_files], ids=by_key)
def test_what_chooses_or_prints_stands_in_no_file(option: Option, parse: Parse) -> None:
    with pytest.raises(Exception, match=rf"is for the command line, as --{option.key}$"):
        parse(project=f"{option.key} = true\n")


@pytest.mark.parametrize("option", OPTIONS, ids=by_key)
def test_it_is_told_of_in_help_documentation_and_manual(option: Option) -> None:
    assert option.attributes["help"].endswith((".", "]"))
    rows = [line for line in (DOCS / "settings.md").read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    [row] = [row for row in rows if f"`--{option.key}`" in row]
    assert (f"`{option.variable}`" in row) is (option.variable is not None)
    assert (f"| `{option.key}` |" in row) is option.in_files
    manual = (DOCS / "forkresize.1").read_text(encoding="ascii")
    for flag in option.flags:
        assert rf"\fB{flag}\fP".replace("-", r"\-") in manual


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.variable is None], ids=by_key)
def test_what_prints_is_asked_for_by_a_flag_alone(option: Option, parse: Parse) -> None:
    name = f"FORKRESIZE_{option.field.upper()}"
    assert parse(env={name: "bash" if option.key == "completion" else "1"}) == parse()
