"""Which place decides, and how invalid settings are reported."""

import re
from pathlib import Path
from typing import Any

import click
import pytest

from forkresize.cli.command import call, forkresize
from forkresize.cli.config.command import FileDefaults
from forkresize.cli.config.files import user_file
from forkresize.errors import ForkresizeError
from forkresize.walk import Rule
from tests.protocols import Parse


def test_each_place_overrides_those_after_it(parse: Parse) -> None:
    presets = "retries = {}\n[presets.it]\nretries = {}\n"
    places: dict[str, Any] = {
        "env": {"FORKRESIZE_RETRIES": "5"},
        "project": presets.format(2, 4),
        "user": presets.format(1, 3),
    }
    assert parse("--preset", "it", "--retries", "6", **places)["retries"] == 6
    assert parse("--preset", "it", **places)["retries"] == 5
    del places["env"]
    assert parse("--preset", "it", **places)["retries"] == 4
    places["project"] = "retries = 2"
    assert parse("--preset", "it", **places)["retries"] == 3
    assert parse(**places)["retries"] == 2
    assert parse(user=places["user"])["retries"] == 1
    assert parse()["retries"] == 1


def test_different_settings_in_two_files_are_combined(parse: Parse) -> None:
    values = parse(project="width = 8", user="fit = 'cover'\nheight = 9")
    assert (values["width"], values["height"], values["fit"]) == ((8,), (9,), "cover")
    assert values["given"] == {"width", "height", "fit"}


def test_a_file_on_the_command_line_replaces_both(parse: Parse, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("width = 3")
    values = parse("--config", "other.toml", project="height = 9", user="retries = 7")
    assert (values["width"], values["height"], values["retries"]) == ((3,), None, 1)
    assert parse(env={"FORKRESIZE_CONFIG": "other.toml"}, project="height = 9")["height"] is None
    assert parse("--config", "/dev/null", project="height = 9")["given"] == {"config"}


@pytest.mark.parametrize(
    ("variable", "place"), [("/etc/xdg", "/etc/xdg"), ("", "/me/.config"), ("here", "/me/.config")]
)
def test_the_users_file_is_in_the_xdg_directory(variable: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/me")
    monkeypatch.setenv("XDG_CONFIG_HOME", variable)
    assert user_file() == f"{place}/forkresize/config.toml"


def test_an_empty_variable_counts_as_not_set(parse: Parse) -> None:
    values = parse(env={"FORKRESIZE_WIDTH": "", "FORKRESIZE_TRIM": "", "FORKRESIZE_REPORT": ""}, project="width = 8")
    assert (values["width"], values["trim"], values["report"]) == ((8,), False, ())


@pytest.mark.parametrize(
    ("toml", "field", "value"),
    [
        ("width = [400, 800]", "width", (400, 800)),
        ("width = '400,800'", "width", (400, 800)),
        ("format = ['avif', 'webp']", "format", ("avif", "webp")),
        ("quality = 70", "quality", 70),
        ("quality = { jpeg = 70, webp = 60 }", "quality", {"jpeg": 70, "webp": 60}),
        ("focus = [0.5, 0.25]", "focus", (0.5, 0.25)),
        ("scale = 12.5", "scale", (12.5, 12.5)),
        ("megapixels = 1e-1", "megapixels", 0.1),
        ("max_depth = 3", "max_depth", 3),
        ("timeout = 90", "timeout", 90),
        ("timeout = '2h'", "timeout", 7200),
        ("progressive = true", "progressive", True),
        ("recursive = false", "recursive", False),
        ("name = 'a,b'", "name", "a,b"),
        ("report = 'a.jsonl'", "report", ("a.jsonl",)),
        ("report = ['a.jsonl', 'b.jsonl']", "report", ("a.jsonl", "b.jsonl")),
        ("files-from = '-'", "files_from", "-"),
    ],
)
def test_values_are_toml_values_or_the_text_of_the_flag(toml: str, field: str, value: object, parse: Parse) -> None:
    assert parse(project=toml)[field] == value


def test_paths_are_relative_to_the_file_they_are_in(parse: Parse, tmp_path: Path) -> None:
    logo = tmp_path / "home/forkresize/logo.png"
    logo.touch()
    assert parse(user="watermark = 'logo.png'")["watermark"] == str(logo)
    (tmp_path / "logo.png").touch()
    assert parse(project="watermark = 'logo.png'")["watermark"] == "logo.png"
    values = parse(project="report = ['~/a.jsonl', '/b.jsonl']", env={"HOME": "/me"})
    assert values["report"] == ("/me/a.jsonl", "/b.jsonl")


def test_rules_are_in_the_order_of_their_places(parse: Parse) -> None:
    files = {"project": "exclude = ['p1', 'p2']\ninclude = 'p3'", "user": "include = 'u1'\nexclude = 'u2'"}
    p1, p2, p3 = Rule(include=False, pattern="p1"), Rule(include=False, pattern="p2"), Rule(include=True, pattern="p3")
    assert parse(**files)["rules"] == (p1, p2, p3)
    assert parse("--include", "f1", **files)["rules"] == (Rule(include=True, pattern="f1"), p1, p2)
    variable = {"FORKRESIZE_INCLUDE": "e1 e2"}
    first, second = Rule(include=True, pattern="e1"), Rule(include=True, pattern="e2")
    assert parse(env=variable, **files)["rules"] == (first, second, p1, p2)
    flags = ("--exclude", "f1", "--include", "f2", "--exclude", "f3")
    assert [rule.pattern for rule in parse(*flags, env=variable, **files)["rules"]] == ["f1", "f2", "f3"]


REFUSED = [
    ("jobs = 3", "forkresize.toml:1: jobs: unknown key; use workers"),
    ("widht = 3", "forkresize.toml:1: widht: unknown key; did you mean width?"),
    (
        "\n\nxyzzy = 3",
        "forkresize.toml:3: xyzzy: unknown key; the keys are the names of options",
    ),
    ("baseline = true", "forkresize.toml:1: baseline: unknown key; use progressive = false"),
    ("max-depth = 3\nmax_depth = 3", "forkresize.toml:2: max_depth: already set as max-depth"),
    ("trim = 'yes'", "forkresize.toml:1: trim: expected true or false, got a string"),
    ("width = true", "forkresize.toml:1: width: expected a string or number, got true or false"),
    ("width = [[3]]", "forkresize.toml:1: width: expected a string or number, got an array"),
    ("name = ['a', 'b']", "forkresize.toml:1: name: expected a string or number, got an array"),
    ("width = { a = 3 }", "forkresize.toml:1: width: expected a string or number, got a table"),
    ("timeout = 10:00:00", "forkresize.toml:1: timeout: expected a string or number, got a date or a time"),
    ("trim = 1", "forkresize.toml:1: trim: expected true or false, got a number"),
    ("width = 0x1_0000_0000_0000_0000", "forkresize.toml:1: width: exceeds the 64-bit range of TOML"),
    ("width 3", "forkresize.toml:1: invalid TOML: Expected '=' after a key in a key/value pair"),
    ("presets = 3", "forkresize.toml:1: presets: must be a table; start each preset with [presets.NAME]"),
    ("[presets]\nweb = 3", "forkresize.toml:2: presets.web: must be a table; start it with [presets.web]"),
    ("[presets.other]\n\nfitt = 1", "forkresize.toml:3: presets.other.fitt: unknown key; did you mean fit?"),
    ("[preset.other]\nfit = 1", "forkresize.toml:1: preset: can only be set on the command line, as --preset"),
]


@pytest.mark.parametrize(("toml", "message"), REFUSED)
def test_an_invalid_file_is_refused_with_line_and_key(toml: str, message: str, parse: Parse) -> None:
    with pytest.raises(ForkresizeError) as refusal:
        parse(project=toml)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("name", "advice"),
    [("wbe", "did you mean web?"), ("xyzzy", "the presets are: print, web")],
)
def test_an_unknown_preset_is_refused_with_a_suggestion(name: str, advice: str, parse: Parse) -> None:
    with pytest.raises(ForkresizeError, match=f"^preset: unknown preset '{name}'; ") as refusal:
        parse("--preset", name, project="[presets.web]\n", user="[presets.print]\n")
    assert str(refusal.value).endswith(advice)


def test_without_files_every_preset_is_unknown(parse: Parse) -> None:
    with pytest.raises(ForkresizeError, match=r"^preset: unknown preset 'web'; the settings files have no presets$"):
        parse("--preset", "web")


REPORTED = [
    ({"FORKRESIZE_CONFIG": "missing"}, "[broken", ["FORKRESIZE_CONFIG: File 'missing' does not exist."]),
    ({"FORKRESIZE_WIDTH": "0"}, "", ["FORKRESIZE_WIDTH: invalid value '0': use a whole number from 1 to 100000"]),
    ({"FORKRESIZE_TRIM": "maybe"}, "", ["FORKRESIZE_TRIM: 'maybe' is not a valid boolean."]),
    ({}, "\nwidth = 0", ["forkresize.toml:2: width: invalid value '0': use a whole number from 1 to 100000"]),
    ({}, "[presets.it]\nfit = 'snug'", ["forkresize.toml:2: presets.it.fit: invalid value 'snug': use one of inside"]),
    ({"FORKRESIZE_FORMAT": "png"}, "quality = 8", ["--quality: ", "--quality is set by forkresize.toml:1"]),
    (
        {"FORKRESIZE_QUIET": "1", "FORKRESIZE_VERBOSE": "1"},
        "",
        ["cannot be combined with", "--quiet is set by FORKRESIZE_QUIET", "--verbose is set by FORKRESIZE_VERBOSE"],
    ),
]


@pytest.mark.parametrize(("env", "project", "lines"), REPORTED)
def test_an_invalid_value_is_reported_with_its_place(
    env: dict[str, str],
    project: str,
    lines: list[str],
    parse: Parse,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "forkresize.toml").write_text(f"{project}\n[presets.none]")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert call(["in", "out", *(["--preset", "it"] if "it]" in project else [])]) == 2
    printed = capsys.readouterr().err.splitlines()
    for line, expected in zip(printed, lines, strict=False):
        assert line.startswith("forkresize: ")
        assert expected in line
    assert len(printed) >= len(lines)


def test_an_invalid_flag_is_reported_even_if_the_files_are_broken(
    parse: Parse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "forkresize.toml").write_text("width = ")
    assert call(["--width", "0", "in", "out"]) == 2
    assert capsys.readouterr().err.startswith("forkresize: --width: invalid value '0': use a whole number")


def test_help_works_even_if_the_files_are_broken(
    parse: Parse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.toml").write_text("width = ")
    (tmp_path / "good.toml").write_text("retries = 719\n[presets.it]")
    assert call(["--config", "broken.toml", "--preset", "it", "--help"]) == 0
    assert call(["--config", "good.toml", "--preset", "it", "--help"]) == 0
    assert "719" not in capsys.readouterr().out


def test_file_defaults_are_a_mapping(parse: Parse, tmp_path: Path) -> None:
    (tmp_path / "forkresize.toml").write_text("width = 3\ntrim = true\n")
    defaults = FileDefaults(click.Context(forkresize))
    assert dict(defaults) == {"width": "3", "trim": True}
    assert len(defaults) == 2
    assert "config" not in defaults


def test_the_documented_file_and_error_are_correct(parse: Parse) -> None:
    docs = (Path(__file__).parents[3] / "docs/reference/settings.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```toml\n(.*?)```", docs, re.DOTALL)
    values = parse("--preset", "web", project=example)
    assert (values["width"], values["format"], values["quality"]) == (
        (800,),
        ("avif", "webp"),
        {"avif": 50, "webp": 75},
    )
    with pytest.raises(ForkresizeError) as refusal:
        parse(project=f"\n{example.replace('width', 'widht')}")
    assert f"    {refusal.value}\n" in docs
