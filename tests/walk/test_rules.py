"""Which paths a rule matches, which rule decides, and which patterns are refused."""

import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.errors import FieldError
from forkresize.walk import Rule
from forkresize.walk.rules import first_match

NAME = st.text("ab.\n\udcff -", min_size=1, max_size=4).filter(lambda name: name not in {".", ".."})
PATH = st.lists(NAME, min_size=1, max_size=3).map("/".join)
PLAIN_GLOB = st.text("ab*?.\n\udcff-", min_size=1, max_size=5).filter(
    lambda glob: glob == glob.rstrip() and glob not in {".", ".."}
)
ANY_TEXT = st.text("ab*?[]!^\\/#-. \n\udcff&~|:", max_size=8)


def matches(pattern: str, path: str) -> bool:
    return first_match([Rule(include=False, pattern=pattern)])(path) is False


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("a.jpg", ["a.jpg", "b/a.jpg", "b/c/a.jpg", "a.jpg/"], ["A.jpg", "a.jpg/b", "xa.jpg", "a.jpgx", "aXjpg"]),
        ("/a.jpg", ["a.jpg"], ["b/a.jpg"]),
        ("b/a.jpg", ["b/a.jpg"], ["c/b/a.jpg", "a.jpg"]),
        ("raw/", ["raw/", "b/raw/"], ["raw", "raw/a", "b/raw"]),
        ("/raw/", ["raw/"], ["b/raw/", "raw"]),
        ("*/", ["a/", "a/b/"], ["a", "a/b"]),
        ("**/", ["a/", "a/b/"], ["a", "a/b"]),
        ("*", ["a", "a/", "a/b", "\n"], []),
        ("**", ["a", "a/", "a/b/c"], []),
        ("**/*", ["a", "a/", "a/b/c"], []),
        ("/*", ["a", "a/"], ["a/b", "a/b/"]),
        ("b/*", ["b/a", "b/a/"], ["b/a/c", "b/"]),
        ("b/*.jpg", ["b/a.jpg"], ["b/c/a.jpg"]),
        ("**/a", ["a", "b/a", "b/c/a"], ["a/b", "xa"]),
        ("b/**/a", ["b/a", "b/c/a", "b/c/d/a"], ["a", "c/b/a"]),
        ("raw/**", ["raw/", "raw/a", "raw/b/c"], ["raw", "b/raw/a"]),
        ("raw/***", ["raw/", "raw/a", "raw/b/c"], ["raw", "b/raw/a"]),
        ("*/**", ["a/", "a/b"], ["a"]),
        ("**/*/**", ["a/", "a/b"], ["a"]),
        ("[ab].jpg", ["a.jpg", "b.jpg"], ["c.jpg", "[ab].jpg"]),
        ("/a[!b]*", ["ac", "a\n"], ["ab", "a/c"]),
        ("/a[^b]*", ["ac"], ["ab", "a/c"]),
        ("[]a]", ["]", "a"], ["b"]),
        ("[[]a", ["[a"], ["a"]),
        (r"\[a", ["[a"], ["a", r"\[a"]),
        (r"a\*", ["a*"], ["ab"]),
        ("#a", ["#a"], ["a"]),
        ("!a", ["!a"], ["a"]),
        ("a[ ]", ["a "], ["a"]),
        ("a\nb", ["a\nb"], ["a", "b"]),
        ("a", ["b\nc/a"], ["a\n"]),
        ("a?", ["a\udcff", "a\n", "a/b/ac"], ["a", "a/"]),
        ("{stem}%s", ["{stem}%s"], []),
    ],
)
def test_a_pattern_matches_as_in_a_gitignore(pattern: str, matching: list[str], other: list[str]) -> None:
    assert [path for path in matching if not matches(pattern, path)] == []
    assert [path for path in other if matches(pattern, path)] == []


@given(PLAIN_GLOB, PATH)
def test_a_pattern_without_a_slash_is_compared_with_the_name(pattern: str, path: str) -> None:
    name = path.rpartition("/")[2]

    assert matches(pattern, path) == matches(pattern, f"{path}/") == fnmatchcase(name, pattern)
    assert not matches(f"{pattern}/", path)
    assert matches(f"{pattern}/", f"{path}/") == fnmatchcase(name, pattern)


@given(PLAIN_GLOB, PATH)
def test_a_leading_slash_anchors_a_pattern_at_the_top(pattern: str, path: str) -> None:
    all_below = pattern in {"**", "***"}

    assert matches(f"/{pattern}", path) == (all_below or ("/" not in path and fnmatchcase(path, pattern)))


@given(PATH)
def test_an_escaped_name_matches_itself(path: str) -> None:
    name = re.sub(r"\s\Z", lambda last: f"[{last[0]}]", re.sub(r"([^\w\s])", r"\\\1", path.rpartition("/")[2]))

    assert matches(name, path)


@given(st.lists(st.tuples(st.booleans(), PLAIN_GLOB), max_size=4), PATH)
def test_the_first_rule_that_matches_decides(chosen: list[tuple[bool, str]], path: str) -> None:
    rules = [Rule(include, pattern) for include, pattern in chosen]
    name = path.rpartition("/")[2]

    expected = next((include for include, pattern in chosen if fnmatchcase(name, pattern)), None)

    assert first_match(rules)(path) is expected


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", "cannot match"),
        ("/", "cannot match"),
        ("//a", "cannot match"),
        ("a//b", "cannot match"),
        ("./a", "cannot match"),
        ("../a", "cannot match"),
        ("a//", "cannot match"),
        ("a ", "put it in brackets"),
        ("a /", "put it in brackets"),
        ("a\n", "put it in brackets"),
        ("[ab", "an unclosed bracket"),
        ("[a/b]", "an unclosed bracket"),
        ("[z-a]", "a reversed range"),
        ("[[:alpha:]]", "a class such as [:alpha:]"),
        ("a\\", "a backslash at its end"),
    ],
)
@pytest.mark.parametrize(("include", "field"), [(True, "include"), (False, "exclude")])
def test_an_invalid_pattern_is_refused_with_its_field_and_the_fault(
    pattern: str, message: str, include: bool, field: str
) -> None:
    with pytest.raises(FieldError, match=rf"\A{field}: {re.escape(repr(pattern))} .*{re.escape(message)}"):
        Rule(include, pattern)


@given(ANY_TEXT, PATH)
def test_any_text_is_a_valid_rule_or_a_field_error(pattern: str, path: str) -> None:
    try:
        rule = Rule(include=True, pattern=pattern)
    except FieldError as error:
        assert str(error).startswith("include: ")  # noqa: PT017 (either end will do)
    else:
        assert first_match([rule])(path) in {True, None}
