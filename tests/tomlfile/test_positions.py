import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forkresize.tomlfile.errors import Path
from forkresize.tomlfile.positions import lines_of, nearest, walk

pytestmark = pytest.mark.slow


def line_of(text: str, path: Path) -> int:
    return nearest(lines_of(text), path)


SNIPPETS = [
    "key$ = @",
    '"quoted ] [x] = # $" = @',
    "'it ] $' = @ # a = comment [[steps]]",
    "dotted$.deep.key = @",
    'dotted$ . "a.b" = @',
    'inline$ = { one = @, "]" = [@, [@]], three.four = @ }',
    "array$ = [\n  @,\n  # ] [[steps]] and a comment\n\n  { resize = { width = @ } }, { trim = @ },\n  [\n^, ^],\n  @]",
    'array$ = [ """\n]\n[[steps]]\nx = 3\n""", ^ ]',
    "text$ = { a = '''\n[steps]\n''', b = ^ }",
    "within$ = { a = [\n^,\n^] }",
    "nested$.array = [ # here\n  @,\n]",
    "[table$]",
    '[ table$ . "x]" . y ]',
    "[[steps]]",
    "[[steps]]\ncrop = { width = @ }\n[steps.resize]\nfit = @\n[[steps.more]]\nx = @\n[[steps.more]]\nx = @",
    "[[others$.deep]]\nx = @\n[[others$.deep]]\nx = @",
    "# = [[steps]]",
    "",
]
"""Statements and headers: $ is a number that makes names unique, @ and ^ the line on which this value is to be found:
its own, and the one on which its statement, or its element of an array over several lines, begins."""


def _numbered(snippets: list[str]) -> str:
    lines: list[str] = []
    for number, snippet in enumerate(snippets):
        begin = len(lines) + 1
        for line in snippet.replace("$", str(number)).split("\n"):
            begin = len(lines) + 1 if line.strip() == "[" else begin
            lines.append(line.replace("@", str(len(lines) + 1)).replace("^", str(begin)))
    return "\n".join(lines)


@given(st.lists(st.sampled_from(SNIPPETS), max_size=8))
@settings(deadline=None)
def test_every_value_is_found_on_its_line(snippets: list[str]) -> None:
    text = _numbered(snippets)
    found = {path: value for path, value in walk(tomllib.loads(text)) if isinstance(value, int)}
    assert {path: line_of(text, path) for path in found} == found


def test_crlf_is_one_line_break() -> None:
    assert line_of("a = 1\r\nb = [\r\n  2,\r\n  3,\r\n]\r\n", ("b", 1)) == 4


def test_a_missing_value_has_the_line_of_its_nearest_parent() -> None:
    text = "a = 1\n\n[[steps]]\n\n[[steps]]\ncrop = { width = 3 }\n"
    assert line_of(text, ("steps", 1, "crop", "height")) == 6
    assert line_of(text, ("steps", 1, "trim")) == 5
    assert line_of(text, ("renditions",)) == 1
    assert line_of(text, ()) == 1


@pytest.mark.parametrize("key", [".".join("a" * 3000), "'" + "a" * 3000 + "'"])
def test_long_and_deep_keys_are_found(key: str) -> None:
    assert line_of(f"x = 1\n{key} = 2\n[{key}1]\n", ("a",) if "." in key else ("a" * 3000,)) == 2
