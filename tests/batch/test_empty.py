"""Runs that find no picture."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from forkresize.batch import RunPlan, Settings, prepare
from forkresize.batch.empty import count_left_out, may_find_picture
from forkresize.job import Source
from forkresize.recipe import Recipe
from forkresize.walk import Rule, Selection
from tests.protocols import Draw


def _plan(folder: Path, **settings: Any) -> RunPlan:
    return prepare([folder / "in"], folder / "out", Recipe.of(width=8), Settings(**settings))


@pytest.fixture
def tree(tmp_path: Path, draw: Draw) -> Path:
    draw(tmp_path / "in/a.jpg")
    draw(tmp_path / "in/sub/b.jpg")
    (tmp_path / "in/notes.txt").write_text("text")
    (tmp_path / "in/.hidden.jpg").write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize("serial", [True, False])
def test_tree_is_searched_for_a_picture(tree: Path, serial: bool) -> None:
    assert may_find_picture(_plan(tree, serial=serial))
    only_text = Selection(rules=(Rule(True, "*.txt"),))
    assert not may_find_picture(_plan(tree, serial=serial, selection=only_text))


@pytest.mark.parametrize(
    "head", [b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", b"\xff\x0a", b"%!PS"], ids=["HEIC", "JPEG XL", "PostScript"]
)
@pytest.mark.parametrize("name", ["a", "a.heic"])
def test_formats_that_pillow_does_not_read_are_found(tmp_path: Path, head: bytes, name: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(head)
    assert may_find_picture(_plan(tmp_path))


def test_source_that_does_not_answer_is_not_waited_for(tree: Path) -> None:
    os.mkfifo(tree / "pipe")

    def block(_: Source) -> bool:
        return bool((tree / "pipe").read_bytes())

    started = time.monotonic()
    assert may_find_picture(_plan(tree, source_filter=block, max_duration=0.2))
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("selection", "counts"),
    [
        (Selection(rules=(Rule(True, "*.png"),)), {"sources": 4, "include": 4, "hidden": 1}),
        (Selection(rules=(Rule(False, "*.jpg"),)), {"sources": 4, "exclude": 3, "hidden": 1}),
        (Selection(rules=(Rule(True, "*.png"), Rule(False, "*"))), {"sources": 4, "rules": 4, "hidden": 1}),
        (Selection(hidden=True, max_depth=1, min_size=10**9), {"sources": 4, "max_depth": 1, "min_size": 4}),
        (Selection(hidden=True, recursive=False), {"sources": 4, "recursive": 1}),
    ],
)
def test_files_are_counted_by_the_setting_that_leaves_them_out(
    tree: Path, selection: Selection, counts: dict[str, int]
) -> None:
    assert count_left_out(_plan(tree, selection=selection)) == counts


def test_empty_directory_has_no_files(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    assert count_left_out(_plan(tmp_path)) == {"sources": 0}
