"""Random trees and selections: every file is found exactly once, or excluded for a reason."""

import os
import tempfile
from collections.abc import Iterator
from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forkresize.job import Source
from forkresize.outcome import Failed, Skipped
from forkresize.walk import Rule, Selection, Symlinks, roots, walk

pytestmark = pytest.mark.slow

FILE, FIFO, DANGLING, TO_FILE, TO_TOP = "file", "fifo", "dangling", "to file", "to top"
Tree = dict[str, "str | Tree"]

NAMES = st.text("ab.\n\udcff", min_size=1, max_size=3).filter(lambda name: name not in {".", ".."})
TREES = st.recursive(
    st.sampled_from([FILE, FILE, FILE, FIFO, DANGLING, TO_FILE, TO_TOP]),
    lambda children: st.dictionaries(NAMES, children, max_size=4),
    max_leaves=20,
).filter(lambda tree: isinstance(tree, dict))
SELECTIONS = st.builds(
    Selection,
    recursive=st.sampled_from([True, True, True, False]),
    max_depth=st.none() | st.integers(1, 3),
    hidden=st.booleans(),
    symlinks=st.sampled_from([None, *Symlinks]),
    rules=st.lists(st.builds(Rule, st.booleans(), st.sampled_from(["a*", "*b", "?", "a", ".*"])), max_size=3).map(
        tuple
    ),
)


def grow(tree: Tree, path: str, top: str) -> None:
    for name, what in tree.items():
        place = f"{path}/{name}"
        match what:
            case dict():
                os.mkdir(place)
                grow(what, place, top)
            case "file":
                open(place, "w").close()
            case "fifo":
                os.mkfifo(place)
            case _:
                os.symlink({DANGLING: "nowhere", TO_FILE: "/etc/passwd", TO_TOP: top}[what], place)


def leaves(tree: Tree, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, what in tree.items():
        if isinstance(what, dict):
            yield from leaves(what, (*prefix, name))
        else:
            yield (*prefix, name), what


def verdict(name: str, selection: Selection) -> bool | None:
    return next((rule.include for rule in selection.rules if fnmatchcase(name, rule.pattern)), None)


def excluded_because(parts: tuple[str, ...], selection: Selection, *, is_directory: bool) -> str | None:
    *above, name = parts
    verdicts = [verdict(each, selection) for each in above]
    own = verdict(name, selection)
    only_includes = bool(selection.rules) and all(rule.include for rule in selection.rules)
    depth = len(parts) + is_directory
    if not selection.hidden and any(part.startswith(".") for part in parts):
        return "it is hidden"
    if depth > (selection.max_depth or depth) or (depth > 1 and not selection.recursive):
        return "it is too deep"
    if False in verdicts or own is False:
        return "a rule excludes it"
    if only_includes and own is None and True not in verdicts and not is_directory:
        return "no rule includes it"
    return None


def expected(what: str, selection: Selection) -> type:
    if selection.symlinks is Symlinks.SKIP and what in {DANGLING, TO_FILE, TO_TOP}:
        return Skipped
    return {FILE: Source, TO_FILE: Source, FIFO: Skipped, TO_TOP: Skipped, DANGLING: Failed}[what]


@settings(deadline=None)
@given(TREES, SELECTIONS)
def test_every_file_is_found_exactly_once_or_excluded_for_a_reason(tree: Tree, selection: Selection) -> None:
    with tempfile.TemporaryDirectory() as top:
        grow(tree, top, top)
        found = [
            (each.relative, Source) if isinstance(each, Source) else (each.source.relative, type(each.detail))
            for each in walk(roots([top]), selection)
        ]

    assert sorted(found, key=str) == sorted(
        (
            ("/".join(parts), expected(what, selection))
            for parts, what in leaves(tree)
            if not excluded_because(
                parts, selection, is_directory=what == TO_TOP and selection.symlinks is not Symlinks.SKIP
            )
        ),
        key=str,
    )
