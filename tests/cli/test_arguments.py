"""The parsed command line as typed values."""

import io
import sys
from pathlib import Path

import click
import pytest

from forkresize.cli.arguments import recipe_from
from forkresize.plan import IfExists
from forkresize.recipe import Recipe
from forkresize.recipefile import dumps
from tests.protocols import ParseArguments


def test_settings_hold_the_values_of_their_options(arguments: ParseArguments) -> None:
    settings = arguments("in", "out", "--workers", "3", "--min-size", "5k", "--force", "--max-duration", "2m").settings
    assert (settings.pool.workers, settings.selection.min_size) == (3, 5000)
    assert (settings.if_exists, settings.max_duration) == (IfExists.OVERWRITE, 120.0)


def test_zero_durations_mean_no_limit(arguments: ParseArguments) -> None:
    settings = arguments("in", "out", "--timeout", "0", "--max-duration", "0").settings
    assert (settings.pool.timeout, settings.max_duration) == (None, None)


def test_in_place_uses_the_one_directory_as_source_and_destination(arguments: ParseArguments) -> None:
    resolved = arguments("photos", "--in-place").resolve_in_place()
    assert (resolved.sources, resolved.destination) == (("photos",), "photos")
    assert arguments("in", "out").resolve_in_place().sources == ("in",)


@pytest.mark.parametrize("paths", [[], ["in", "out"]])
def test_in_place_takes_exactly_one_directory(paths: list[str], arguments: ParseArguments) -> None:
    with pytest.raises(click.UsageError, match="--in-place: specify one directory"):
        arguments(*paths, "--in-place").resolve_in_place()


def test_recipe_comes_from_the_options(arguments: ParseArguments) -> None:
    assert recipe_from(arguments("in", "out", "--width", "8")) == Recipe.of(width=8)


def test_recipe_comes_from_a_file(arguments: ParseArguments, tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(dumps(Recipe.of(width=8)))
    assert recipe_from(arguments("in", "out", "--recipe", str(path))) == Recipe.of(width=8)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "nothing to do: specify --width"),
    ],
)
def test_contradictory_recipes_are_refused(
    flags: list[str], message: str, arguments: ParseArguments, tmp_path: Path
) -> None:
    (tmp_path / "recipe.toml").touch()
    with pytest.raises(click.UsageError, match=message):
        recipe_from(arguments("in", "out", *flags))


@pytest.mark.parametrize(
    ("flags", "terminal", "interactive"),
    [
        ([], False, False),
        ([], True, True),
        (["--verbose"], False, True),
        (["--quiet"], True, False),
    ],
)
def test_command_is_interactive_on_a_terminal_or_if_verbose(
    flags: list[str], terminal: bool, interactive: bool, arguments: ParseArguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = arguments("in", "out", *flags)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    assert parsed.is_interactive is interactive
