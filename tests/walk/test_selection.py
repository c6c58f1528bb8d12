"""Which files and directories a selection includes."""

import os
from typing import Any

import pytest

from forkresize.errors import FieldError
from forkresize.walk import Rule, Selection, Symlinks


def test_enum_values_may_be_given_as_strings() -> None:
    values: dict[str, Any] = {"symlinks": "follow"}

    assert Selection(**values) == Selection(symlinks=Symlinks.FOLLOW)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_depth": 0}, "max_depth: must be at least 1, not 0"),
        ({"symlinks": "some"}, "symlinks: invalid value 'some': use one of skip, follow"),
        ({"symlinks": ""}, "symlinks: invalid value '': use one of skip, follow"),
    ],
)
def test_an_invalid_value_is_refused_with_its_field(values: dict[str, Any], message: str) -> None:
    with pytest.raises(FieldError) as refusal:
        Selection(**values)

    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("includes", "included"),
    [([], True), ([True], False), ([True, True], False), ([True, False], True), ([False], True)],
)
def test_an_unmatched_file_is_included_unless_all_rules_are_includes(includes: list[bool], included: bool) -> None:
    selection = Selection(rules=tuple(Rule(include, "a") for include in includes))

    assert selection.includes_unmatched is included


@pytest.mark.parametrize(
    ("selection", "deepest"),
    [(Selection(max_depth=1), 1), (Selection(max_depth=3), 3), (Selection(recursive=False, max_depth=3), 1)],
)
def test_directories_are_entered_down_to_a_depth(selection: Selection, deepest: int) -> None:
    assert [depth for depth in range(1, 6) if selection.enters(depth)] == list(range(1, deepest + 1))


def test_depth_is_unlimited_by_default() -> None:
    assert Selection().enters(100_000)


def status(size: int, mtime_ns: int) -> os.stat_result:
    return os.stat_result((0o100644, 1, 1, 1, 0, 0, size, 0, 0, 0), {"st_mtime_ns": mtime_ns})


@pytest.mark.parametrize(
    ("selection", "included"),
    [
        (Selection(), [(0, 0), (9, 5), (10, 6), (20, 7), (21, 9)]),
        (Selection(min_size=10), [(10, 6), (20, 7), (21, 9)]),
        (Selection(max_size=20), [(0, 0), (9, 5), (10, 6), (20, 7)]),
        (Selection(max_size=0), [(0, 0)]),
        (Selection(newer_than=6), [(20, 7), (21, 9)]),
        (Selection(min_size=10, max_size=20, newer_than=6), [(20, 7)]),
    ],
)
def test_files_are_included_by_size_and_modification_time(
    selection: Selection, included: list[tuple[int, int]]
) -> None:
    files = [(0, 0), (9, 5), (10, 6), (20, 7), (21, 9)]
    assert [(size, mtime) for size, mtime in files if selection.includes(status(size, mtime))] == included


def test_a_maximum_size_below_the_minimum_is_refused() -> None:
    with pytest.raises(FieldError, match="max_size: 5 is less than the minimum size, 6"):
        Selection(min_size=6, max_size=5)
