"""What the HTML report says about the run itself."""

import shlex
from datetime import UTC, datetime

import pytest

from forkresize.cli.run_info import format_command, run_info
from forkresize.recipe import Recipe
from tests.protocols import ParseArguments

STARTED = datetime(2026, 11, 23, 8, 47, tzinfo=UTC)


def test_a_shell_reads_the_command_as_it_was_given() -> None:
    words = ["in", "out dir", "--name", "{stem}'s $HOME", "--exclude", "*.tif"]
    assert shlex.split(format_command(words)) == ["forkresize", *words]
    assert format_command([]) == ""


@pytest.mark.parametrize(
    "words", [["--ledger", "postgresql://u:hush@db/x"], ["--ledger=postgresql://u:hush@db/x?password=hush"]]
)
def test_the_command_shows_no_password_of_a_url(words: list[str]) -> None:
    shown = format_command(["in", "out", *words])
    assert "hush" not in shown
    assert "--ledger" in shown
    assert "@db/x" in shown


def test_the_recipe_is_shown_as_a_file(arguments: ParseArguments) -> None:
    info = run_info(arguments("in", "out", "--width", "800"), Recipe.of(width=800, format="webp"), STARTED)
    assert "width = 800" in info.recipe
    assert 'format = "webp"' in info.recipe
    assert (info.sources, info.destination, info.started) == (("in",), "out", STARTED)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"width": 800}, True),
        ({"width": 800, "grayscale": True, "watermark_text": "x"}, True),
        ({"width": 800, "rotate": 180}, False),
        ({"width": 800, "flip": "h"}, False),
        ({"width": 800, "crop": "10x10"}, False),
        ({"width": 800, "trim": True}, False),
        ({"width": 800, "border": 9}, False),
    ],
)
def test_a_recipe_that_turns_or_crops_shows_another_view(
    options: dict[str, object], expected: bool, arguments: ParseArguments
) -> None:
    assert run_info(arguments("in", "out"), Recipe.of(**options), STARTED).same_view is expected
