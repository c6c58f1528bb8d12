"""Globs of requests: what is included, unless it is excluded."""

from pathlib import Path

import pytest

from forkresize.errors import FieldError
from forkresize.gateway.runs.patterns import make_filter, select_rules
from forkresize.job import Source
from forkresize.walk import Rule, Selection, roots, walk

FILES = ["a.jpg", "b.png", "tmp/c.jpg", "2026/d.jpg", "2026/e.png", "2026/raw/f.jpg"]


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ([], [], FILES),
        (["*.jpg"], [], ["a.jpg", "tmp/c.jpg", "2026/d.jpg", "2026/raw/f.jpg"]),
        ([], ["*.jpg"], ["b.png", "2026/e.png"]),
        (["*.jpg"], ["tmp/"], ["a.jpg", "2026/d.jpg", "2026/raw/f.jpg"]),
        (["2026/"], ["*.png"], ["2026/d.jpg", "2026/raw/f.jpg"]),
        (["/2026/*.png", "/a.jpg"], ["raw/"], ["a.jpg", "2026/e.png"]),
        (["*.gif"], ["*.png"], []),
    ],
)
def test_pictures_are_chosen(tmp_path: Path, include: list[str], exclude: list[str], expected: list[str]) -> None:
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(b"x")
    found = walk(roots([str(tmp_path)]), Selection(rules=select_rules(include, exclude)))
    accepts = make_filter(include) if include and exclude else lambda _: True
    assert sorted(each.relative for each in found if isinstance(each, Source) and accepts(each)) == sorted(expected)


def test_an_error_names_the_list() -> None:
    with pytest.raises(FieldError) as found:
        select_rules([], ["[a"])
    assert found.value.field == "exclude"
    assert select_rules(["a"], []) == (Rule(True, "a"),)
