"""Keys are selected as a walk selects the files of the same tree."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forkresize.job import Source
from forkresize.walk import KeySelection, Root, Rule, Selection, walk

KEYS = [
    "a.jpg",
    ".hidden.jpg",
    "trip/a.jpg",
    "trip/b.png",
    "trip/day/a.jpg",
    "trip/day/night/c.gif",
    ".cache/a.jpg",
    "trip/.cache/a.jpg",
    "trip/.forkresize/a.jpg",
    "raw/a.jpg",
    "raw/keep/b.jpg",
]

PATTERNS = ["*.jpg", "*.png", "trip/", "trip/**", "/raw/", "raw/keep/", "a.*", "**/day/*", "/a.jpg", "in/", "in/raw/"]

selections = st.builds(
    Selection,
    recursive=st.booleans(),
    max_depth=st.none() | st.integers(1, 4),
    hidden=st.booleans(),
    rules=st.lists(st.builds(Rule, st.booleans(), st.sampled_from(PATTERNS)), max_size=4).map(tuple),
    min_size=st.none() | st.just(3),
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree") / "in"
    for number, key in enumerate(KEYS):
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * number)
    return root


@pytest.mark.slow
@given(selection=selections, prefix=st.sampled_from(["", "in"]))
@settings(max_examples=400, deadline=None)
def test_the_same_keys_are_selected_as_files(tree: Path, selection: Selection, prefix: str) -> None:
    found = [each for each in walk([Root(str(tree), prefix)], selection) if isinstance(each, Source)]
    keys = KeySelection(selection, prefix)
    included = [key for key in KEYS if keys.includes(key, (tree / key).stat().st_size, (tree / key).stat().st_mtime_ns)]
    assert sorted(os.path.relpath(each.path, tree) for each in found) == sorted(included)
    assert {each.relative for each in found} == {keys.relative(key) for key in included}


def test_new_and_small_objects_are_selected_by_their_metadata() -> None:
    keys = KeySelection(Selection(newer_than=5, max_size=10))
    assert keys.includes("a.jpg", 10, 6)
    assert not keys.includes("a.jpg", 11, 6)
    assert not keys.includes("a.jpg", 10, 5)
