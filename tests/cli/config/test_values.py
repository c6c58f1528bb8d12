"""Numbers and lists in a settings file become texts of a command line."""

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.cli.config.values import command_line_value
from forkresize.cli.options.model import Option

ONE = Option("--one", metavar="N")
SEVERAL = Option("--several", metavar="N,N|NAME=N")
REPEATED = Option("--repeated", multiple=True)
COUNT = Option("-v", "--verbose", count=True)


@given(st.integers())
def test_an_integer_is_its_digits(number: int) -> None:
    assert command_line_value(ONE, number, "") == str(number)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_without_an_exponent(number: float) -> None:
    text = command_line_value(ONE, number, "")
    assert "e" not in text.lower()
    assert float(text) == number


@given(st.lists(st.integers(), min_size=1))
def test_an_array_is_separated_by_commas_or_a_list(numbers: list[int]) -> None:
    texts = [str(number) for number in numbers]
    assert command_line_value(SEVERAL, numbers, "") == ",".join(texts)
    assert command_line_value(REPEATED, numbers, "") == texts


@given(st.dictionaries(st.sampled_from(["jpeg", "webp", "avif"]), st.integers(), min_size=1))
def test_a_table_is_names_and_values_separated_by_commas(table: dict[str, int]) -> None:
    text = command_line_value(SEVERAL, table, "")
    assert {name: int(value) for name, _, value in (part.partition("=") for part in text.split(","))} == table


@given(st.text(st.characters(exclude_characters="\0")))
def test_a_text_is_unchanged(text: str) -> None:
    assert command_line_value(ONE, text, "/elsewhere") == text


def test_a_nul_character_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        command_line_value(ONE, "a\0b", "/elsewhere")


def test_a_count_is_a_number_or_true() -> None:
    assert command_line_value(COUNT, 2, "") == 2
    assert command_line_value(COUNT, value=True, folder="") == 1
    for value in (-1, "2"):
        with pytest.raises(ValueError, match="expected a number from 0, or true, got"):
            command_line_value(COUNT, value, "")


def test_each_path_of_several_is_relative_to_the_folder() -> None:
    option = Option("--path", type=click.Path(), multiple=True)
    assert command_line_value(option, ["a", "/b", "-"], "/etc") == ["/etc/a", "/b", "-"]
