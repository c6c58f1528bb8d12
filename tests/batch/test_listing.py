"""The walk in a process of its own."""

import os
import select
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.batch import RunPlan, Settings, prepare
from forkresize.batch.listing import Found, decode_found, decode_groups, encode_found, list_sources
from forkresize.errors import FieldError
from forkresize.job import Source
from forkresize.outcome import Failed, Outcome, OutputRef, Reason, Skipped
from forkresize.pool import ForkedIterator, NothingYet
from forkresize.recipe import Recipe
from forkresize.walk import FileGroup

PATHS = st.binary(max_size=40).map(os.fsdecode)
SOURCES = st.builds(Source, PATHS, PATHS, st.integers(0, 2**62), st.integers(-(2**62), 2**62))
TEXTS = st.one_of(PATHS, st.text(max_size=20))
DETAILS = st.one_of(
    st.builds(Skipped, st.sampled_from(Reason), TEXTS), st.builds(Failed, st.sampled_from(Reason), TEXTS)
)
FOUND = st.one_of(SOURCES, st.builds(lambda source, detail: Outcome(OutputRef(source), detail), SOURCES, DETAILS))


def take_all(plan: RunPlan) -> list[Found]:
    found: list[Found] = []
    with list_sources(plan) as listed:
        for each in listed:
            if isinstance(each, NothingYet):
                assert select.select([each.descriptor], [], [], 30)[0]
            elif isinstance(each, FileGroup):
                found += each.sources()
            else:
                found.append(each)
    return found


@pytest.mark.slow
@given(st.lists(FOUND, max_size=20))
def test_what_a_walk_finds_crosses_unchanged(found: list[Found]) -> None:
    assert decode_found(encode_found(found)) == found


@given(st.lists(st.one_of(FOUND, st.builds(FileGroup, PATHS, PATHS, st.lists(PATHS), st.lists(st.integers(0, 2**62))))))
def test_groups_cross_unchanged(found: list[Found | FileGroup]) -> None:
    assert decode_groups(encode_found(found)) == found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for number in range(300):
        path = tmp_path / "in" / f"{number % 7}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * number)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/in/\xff.jpg")).touch()
    os.mkfifo(tmp_path / "in/pipe")
    (tmp_path / "in/dangling.jpg").symlink_to("nowhere")
    return tmp_path / "in"


@pytest.mark.parametrize("serial", [False, True])
def test_a_listing_is_what_the_walk_finds_in_its_order(tmp_path: Path, tree: Path, serial: bool) -> None:
    plan = prepare([tree], tmp_path / "out", Recipe.of(width=8), Settings(serial=serial))
    found = take_all(plan)
    assert found == list(plan.discovery.walk())
    assert len(found) == 303


def test_a_serial_run_and_a_single_file_need_no_other_process(tmp_path: Path, tree: Path) -> None:
    def is_forked(source: Path, **settings: Any) -> bool:
        plan = prepare([source], tmp_path / "out", Recipe.of(width=8), Settings(**settings))
        with list_sources(plan) as listed, plan.count_sources() as numbers:
            assert sum(filter(None, numbers)) == sum(each.size for each in plan.sources() if isinstance(each, Source))
            return isinstance(listed, ForkedIterator)

    assert is_forked(tree)
    assert not is_forked(tree, serial=True)
    assert not is_forked(tree / "1/1.jpg")
    assert is_forked(tree / "1", files_from=lambda: ["1.jpg"])


def test_errors_of_a_list_of_names_are_raised_with_their_type(tmp_path: Path, tree: Path) -> None:
    calls = 0

    def names() -> Iterator[str]:
        nonlocal calls
        calls += 1
        yield "0/0.jpg"
        if calls > 3:
            yield "../outside.jpg"

    plan = prepare([tree], tmp_path / "out", Recipe.of(width=8), Settings(files_from=names))
    calls = 3
    with pytest.raises(FieldError, match=r"'\.\./outside\.jpg' leads out of the destination") as raised:
        take_all(plan)
    assert raised.value.field == "files_from"


def test_sources_are_counted(tmp_path: Path, tree: Path) -> None:
    plan = prepare([tree], tmp_path / "out", Recipe.of(width=8))
    with plan.count_sources() as numbers:
        assert len([size for size in numbers if size is not None]) == 303
