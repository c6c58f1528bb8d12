"""The walk: order, exclusions, the destination, rules."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forkresize.job import Source
from forkresize.outcome import Reason
from forkresize.store.files import temporary_path
from forkresize.walk import Rule, Selection, Symlinks, roots, roots_from_names, walk

Helper = Callable[..., Any]


class TestSources:
    def test_a_source_has_its_path_size_and_time(self, top: Path, plant: Helper) -> None:
        plant("sub/a.jpg")
        os.utime(top / "sub/a.jpg", ns=(1, 123_456_789_000_000_001))

        found = list(walk(roots([str(top)]), Selection()))

        assert found == [Source(f"{top}/sub/a.jpg", "sub/a.jpg", 9, 123_456_789_000_000_001)]

    def test_sources_are_sorted_by_name_in_each_directory(self, plant: Helper, found: Helper) -> None:
        plant("b/2", "b/1", "c", "a/z/y", "a/b", "B", "d/1", "\udcff")

        assert found() == ["B", "a/b", "a/z/y", "b/1", "b/2", "c", "d/1", "\udcff"]

    def test_special_characters_in_names_have_no_meaning(self, plant: Helper, found: Helper) -> None:
        names = sorted(["*", "[red]", "\n", " ", "~", "%s{}", "-rf", "\\", "\x1b[31m", "é", "e\u0301", "a\udcffb"])
        plant(*names)

        assert found() == names

    def test_a_single_file_keeps_its_name(self, plant: Helper, found: Helper) -> None:
        plant("sub/a.jpg")

        assert found("sub/a.jpg") == ["a.jpg"]

    def test_several_sources_are_below_their_names(self, plant: Helper, found: Helper) -> None:
        plant("x/a", "y/sub/a", "f")

        assert found("y", "f", "x/") == ["y/sub/a", "f", "x/a"]

    def test_the_walk_is_lazy(self, top: Path, plant: Helper, summarize: Helper) -> None:
        plant("a/1", "b/1")
        walking = walk(roots([str(top)]), Selection())

        next(walking)
        plant("b/2")

        assert summarize(walking) == ["b/1", "b/2"]


class TestExcluded:
    def test_hidden_files_and_directories_are_excluded_by_default(self, plant: Helper, found: Helper) -> None:
        plant(".a", ".b/c", "d/.e", "f")

        assert found() == ["f"]
        assert found(selection=Selection(hidden=True)) == [".a", ".b/c", "d/.e", "f"]

    def test_a_hidden_source_that_is_named_is_walked(self, plant: Helper, found: Helper) -> None:
        plant(".b/c", ".b/.d")

        assert found(".b") == ["c"]
        assert found(".b/.d") == [".d"]

    def test_files_of_forkresize_are_excluded_even_if_they_are_named(self, plant: Helper, found: Helper) -> None:
        temporary = os.path.basename(temporary_path("a.jpg", "1f"))
        long = os.path.basename(temporary_path("a" * 255, "1f"))
        plant(".forkresize/lock", "sub/.forkresize/lock", temporary, long, ".forkresized")

        assert found(selection=Selection(hidden=True)) == [".forkresized"]
        assert found(temporary) == found(".forkresize") == []

    @pytest.mark.parametrize(
        ("selection", "expected"),
        [
            (Selection(recursive=False), ["a"]),
            (Selection(max_depth=1), ["a"]),
            (Selection(max_depth=2), ["a", "b/a"]),
            (Selection(max_depth=9), ["a", "b/a", "b/c/a"]),
        ],
    )
    def test_directories_below_the_maximum_depth_are_excluded(
        self, plant: Helper, found: Helper, selection: Selection, expected: list[str]
    ) -> None:
        plant("a", "b/a", "b/c/a")

        assert found(selection=selection) == expected


class TestDestination:
    def test_the_destination_is_excluded_at_any_depth(self, top: Path, plant: Helper, found: Helper) -> None:
        plant("a", "b/out/c", "b/out/d/e", "out/f")

        assert found(exclude=top / "b/out") == ["a", "out/f"]

    @pytest.mark.parametrize("exclude", ["out", "link", "out/../out", "../other/out"])
    @pytest.mark.parametrize("symlinks", [None, Symlinks.FOLLOW])
    def test_the_destination_is_excluded_under_any_name(
        self, top: Path, plant: Helper, found: Helper, exclude: str, symlinks: Symlinks | None
    ) -> None:
        plant("a", "out/b")
        (top / "link").symlink_to("out")
        (top.parent / "other").symlink_to(top)

        assert found(selection=Selection(symlinks=symlinks), exclude=top / exclude) == ["a"]

    def test_a_destination_created_during_the_walk_is_excluded(
        self, top: Path, plant: Helper, summarize: Helper
    ) -> None:
        plant("a/1", "b/1")
        walking = walk(roots([str(top)]), Selection(), f"{top}/b/out")

        before = [next(walking)]
        plant("b/out/2")

        assert summarize(before) + summarize(walking) == ["a/1", "b/1"]


class TestRules:
    @pytest.fixture(autouse=True)
    def _planted(self, plant: Helper) -> None:
        plant("a.jpg", "a.png", "raw/a.jpg", "raw/deep/a.png", "sub/raw/b.jpg", "sub/c.png")

    @pytest.mark.parametrize(
        ("rules", "expected"),
        [
            (["+*.jpg"], ["a.jpg", "raw/a.jpg", "sub/raw/b.jpg"]),
            (["-*.jpg"], ["a.png", "raw/deep/a.png", "sub/c.png"]),
            (["-raw/"], ["a.jpg", "a.png", "sub/c.png"]),
            (["-/raw"], ["a.jpg", "a.png", "sub/c.png", "sub/raw/b.jpg"]),
            (["+raw/"], ["raw/a.jpg", "raw/deep/a.png", "sub/raw/b.jpg"]),
            (["+/raw/", "+c*"], ["raw/a.jpg", "raw/deep/a.png", "sub/c.png"]),
            (["+raw/**", "-*"], ["raw/a.jpg", "raw/deep/a.png"]),
            (["+raw/", "-*.png"], ["a.jpg", "raw/a.jpg", "sub/raw/b.jpg"]),
            (["+*/", "+*.png", "-*"], ["a.png", "raw/deep/a.png", "sub/c.png"]),
            (["+*.jpg", "-*"], ["a.jpg"]),
            (["-b.*", "+*.jpg"], ["a.jpg", "a.png", "raw/a.jpg", "raw/deep/a.png", "sub/c.png"]),
            (["+b.*", "-*.jpg"], ["a.png", "raw/deep/a.png", "sub/c.png", "sub/raw/b.jpg"]),
        ],
    )
    def test_the_first_matching_rule_decides(
        self, top: Path, found: Helper, summarize: Helper, rules: list[str], expected: list[str]
    ) -> None:
        selection = Selection(rules=tuple(Rule(rule[0] == "+", rule[1:]) for rule in rules))
        files = sorted(os.path.relpath(path, top) for path in top.rglob("*") if path.is_file())

        assert found(selection=selection) == expected
        assert summarize(walk(roots_from_names(files, str(top)), selection)) == expected

    def test_an_excluded_directory_is_not_entered(
        self, top: Path, found: Helper, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        entered = []
        scandir = os.scandir

        def note(path: str) -> object:
            entered.append(path)
            return scandir(path)

        monkeypatch.setattr(os, "scandir", note)
        found(selection=Selection(rules=(Rule(include=False, pattern="raw"),)))

        assert [os.path.relpath(path, top) for path in entered] == [".", "sub"]

    def test_rules_apply_to_named_sources(self, found: Helper) -> None:
        selection = Selection(rules=(Rule(include=False, pattern="raw"), Rule(include=False, pattern="*.png")))

        assert found("raw", "a.png", "a.jpg", "sub", selection=selection) == ["a.jpg"]

    def test_excluded_paths_are_not_reported(self, top: Path, found: Helper) -> None:
        (top / "dangling.tmp").symlink_to("nowhere")
        (top / "round.tmp").symlink_to("round.tmp")
        (top / "raw/link.tmp").symlink_to("..")
        os.mkfifo(top / "fifo.tmp")

        reasons = [each[1] for each in found() if isinstance(each, tuple)]
        assert reasons == [Reason.UNREADABLE, Reason.NOT_A_FILE, Reason.SYMBOLIC_LINK, Reason.UNREADABLE]

        left = found(selection=Selection(rules=(Rule(include=False, pattern="*.tmp"),)))
        assert left == ["a.jpg", "a.png", "raw/a.jpg", "raw/deep/a.png", "sub/c.png", "sub/raw/b.jpg"]
