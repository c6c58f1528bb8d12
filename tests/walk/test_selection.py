import os
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


def status(size: int, mtime_ns: int) -> os.stat_result:
    return os.stat_result((0o100644, 1, 1, 1, 0, 0, size, 0, 0, 0), {"st_mtime_ns": mtime_ns})


@pytest.mark.parametrize(
    ("selection", "taken"),
    [
        (Selection(), [(0, 0), (9, 5), (10, 6), (20, 7), (21, 9)]),
        (Selection(min_size=10), [(10, 6), (20, 7), (21, 9)]),
        (Selection(max_size=20), [(0, 0), (9, 5), (10, 6), (20, 7)]),
        (Selection(max_size=0), [(0, 0)]),
        (Selection(newer_than=6), [(20, 7), (21, 9)]),
        (Selection(min_size=10, max_size=20, newer_than=6), [(20, 7)]),
    ],
)
def test_files_are_taken_by_size_and_time(selection: Selection, taken: list[tuple[int, int]]) -> None:
    files = [(0, 0), (9, 5), (10, 6), (20, 7), (21, 9)]
    assert [(size, mtime) for size, mtime in files if selection.takes(status(size, mtime))] == taken


def test_sizes_that_no_file_can_have_are_refused() -> None:
    with pytest.raises(UsageError, match="--max-size: 5 is less than --min-size, 6"):
        Selection(min_size=6, max_size=5)
