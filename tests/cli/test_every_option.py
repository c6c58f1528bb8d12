"""Every option can be set in every place, and is documented in every place."""

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest

from forkresize.cli.command import call
from forkresize.cli.config.precedence import REQUIRES
from forkresize.cli.options.catalog import COMMON, PANELS
from forkresize.cli.options.model import Option
from tests.protocols import Parse

DOCS = Path(__file__).parents[2] / "docs"
OPTIONS = [option for options in PANELS.values() for option in options]
SETTABLE = [option for option in OPTIONS if option.in_files]
CANDIDATES = "3 none 0.4 50 webp 5s 300K navy 64x64 2026-01-02 1/2 300M 0.5,0.3 auto people,place owner=me".split()


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

    def parsed(*flags: str, **places: Any) -> dict[str, Any]:
        values = parse(*flags, **places)
        return {name: each for name, each in values.items() if name not in {"flags", "ineffective"}}

    # An option without the option that it requires is ignored unless it is a flag.
    companions = [*REQUIRES.get(option.field, ())][-1:]
    others = [item for name in companions for item in (f"--{name.replace('_', '-')}", __file__)]
    assert option.variable is not None
    by_flag = parsed(*others, *as_flags(option, value))
    assert by_flag != parsed(*others)
    assert by_flag == parsed(*others, env={option.variable: value})
    assert by_flag == parsed(*others, project=as_toml(option, value))
    assert by_flag == parsed(*others, user=as_toml(option, value))
    preset = f"[presets.it]\n{as_toml(option, value)}"
    assert by_flag[option.field] == parse(*others, "--preset", "it", project=preset)[option.field]


@pytest.mark.parametrize(
    "option", [option for option in SETTABLE if option.opposite or not option.takes_no_value], ids=by_key
)
def test_a_flag_overrides_everything(option: Option, parse: Parse, tmp_path: Path) -> None:
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
def test_options_that_choose_settings_or_print_cannot_be_set_in_files(option: Option, parse: Parse) -> None:
    with pytest.raises(Exception, match=rf"can only be set on the command line, as --{option.key}$"):
        parse(project=f"{option.key} = true\n")


@pytest.mark.parametrize("option", OPTIONS, ids=by_key)
def test_it_is_in_help_documentation_and_manual(option: Option) -> None:
    assert option.attributes["help"].endswith((".", "]"))
    rows = [
        line for line in (DOCS / "reference/settings.md").read_text(encoding="utf-8").splitlines() if line[:3] == "| `"
    ]
    [row] = [row for row in rows if f"`--{option.key}`" in row]
    assert (f"`{option.variable}`" in row) is (option.variable is not None)
    assert (f"| `{option.key}` |" in row) is option.in_files
    manual = (DOCS / "reference/forkresize.1").read_text(encoding="ascii")
    for flag in option.flags:
        assert rf"\fB{flag}\fP".replace("-", r"\-") in manual


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.variable is None], ids=by_key)
def test_options_that_print_are_flags_only(option: Option, parse: Parse) -> None:
    name = f"FORKRESIZE_{option.field.upper()}"
    assert parse(env={name: "bash" if option.key == "completion" else "1"}) == parse()


def test_every_word_of_a_choice_is_explained_by_name() -> None:
    for option in OPTIONS:
        kind = option.attributes.get("type")
        if isinstance(kind, click.Choice):
            for word in kind.choices:
                assert re.search(rf"(?<![\w-]){word}\b", option.attributes["help"]), (option.key, word)


def test_the_short_help_shows_the_20_most_common_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(COMMON) == len(set(COMMON)) == 20
    assert call(["-h"]) == 0
    text = capsys.readouterr().out
    shown = set(re.findall(r"^│ (?:-\w )? *--([\w-]+)", text, re.MULTILINE))
    assert shown == {*COMMON}
    assert f"--help shows all {len(OPTIONS)}" in text
    assert text.count("forkresize ./in ./out --width") == 2


def test_the_full_help_shows_all_options_with_their_metavars(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    assert call(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"--{option.key}" in text for option in OPTIONS)
    assert "-w  --width PX,PX…" in text
    assert "--if-larger write|keep-original" in text
    assert "--verbose INTEGER" not in text
