from typing import Any

import pytest

from forkresize.errors import UsageError
from forkresize.walk import Rule, Selection, Symlinks


def test_words_may_be_given_as_plain_strings() -> None:
    values: dict[str, Any] = {"symlinks": "follow"}

    assert Selection(**values) == Selection(symlinks=Symlinks.FOLLOW)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"max_depth": 0}, "--max-depth: 0 is not at least 1"),
        ({"symlinks": "some"}, "--symlinks: 'some' is none of skip, follow"),
        ({"symlinks": ""}, "--symlinks: '' is none of skip, follow"),
    ],
)
def test_a_bad_value_is_refused_with_its_option_and_what_would_do(values: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as refusal:
        Selection(**values)

    assert str(refusal.value) == told


@pytest.mark.parametrize(
    ("includes", "taken"), [([], True), ([True], False), ([True, True], False), ([True, False], True), ([False], True)]
)
def test_a_file_that_no_rule_matches_is_taken_unless_all_rules_are_includes(includes: list[bool], taken: bool) -> None:
    selection = Selection(rules=tuple(Rule(include, "a") for include in includes))

    assert selection.takes_unmatched is taken


@pytest.mark.parametrize(
    ("selection", "deepest"),
    [(Selection(max_depth=1), 1), (Selection(max_depth=3), 3), (Selection(recursive=False, max_depth=3), 1)],
)
def test_directories_are_entered_down_to_a_depth(selection: Selection, deepest: int) -> None:
    assert [depth for depth in range(1, 6) if selection.enters(depth)] == list(range(1, deepest + 1))


def test_directories_are_entered_however_deep_if_nothing_is_said() -> None:
    assert Selection().enters(100_000)
