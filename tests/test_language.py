"""The check of words to avoid finds them in prose and in names, and lets ordinary English pass."""

import runpy
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

CHECK = runpy.run_path(str(Path(__file__).parent.parent / ".ci/language.py"))
find_in_file: Callable[[str, str], Iterator[tuple[str, str, str]]] = CHECK["find_in_file"]


def findings(text: str, path: str = "forkresize/batch/a.py") -> list[tuple[str, str]]:
    return [(place, word) for _, place, word in find_in_file(path, text)]


def test_a_phrase_is_found_with_its_line_even_across_a_line_break() -> None:
    text = '"""Wait.\n\nIt waits for\never."""\n# As\n# far as it goes.\n'
    assert findings(text) == [("forkresize/batch/a.py:3", "for ever"), ("forkresize/batch/a.py:5", "As far as")]


@pytest.mark.parametrize(
    "text", ["told_once = 1", "class Told: ...", "Crew = WireCrew = list", "# Nobody", "f'{x} said'"]
)
def test_names_comments_and_strings_are_read(text: str) -> None:
    assert findings(text)


@pytest.mark.parametrize(
    "text", ["it is no picture", "there are none, which are none", "it was no file", "names are none"]
)
def test_a_negated_noun_is_found(text: str) -> None:
    assert findings(text, "README.md")


@pytest.mark.parametrize(
    "text", ["there is no limit", "it is no longer needed", "it is no larger than that", "x is None", "f.tell()"]
)
def test_ordinary_english_and_code_pass(text: str) -> None:
    assert not findings(text, "README.md")


def test_a_marked_line_may_use_a_word() -> None:
    assert not findings('OLD = "astray"  # language: allow (accepted as input)')


def test_functions_must_not_be_named_by_a_bare_participle() -> None:
    assert findings("def _counted(): ...\n\ndef taken(): ...") == [
        ("forkresize/batch/a.py:1", "def _counted"),
        ("forkresize/batch/a.py:3", "def taken"),
    ]


@pytest.mark.parametrize(
    "text", ["def feed(): ...", "def embed(): ...", "def started() -> bool: ...", "@property\ndef combined(self): ..."]
)
def test_verbs_predicates_and_properties_may_end_like_a_participle(text: str) -> None:
    assert not findings(text)


def test_each_package_folder_and_file_is_a_room() -> None:
    paths = ["forkresize/batch/a/b.py", "forkresize/lock.py", "tests/cli/test_x.py", "benchmarks/a.py", "README.md"]
    rooms = [next(iter(find_in_file(path, "# told")))[0] for path in paths]
    assert rooms == ["forkresize/batch", "forkresize/lock.py", "tests/cli", "benchmarks", "README.md"]
