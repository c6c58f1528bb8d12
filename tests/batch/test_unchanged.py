"""Sources that are left out together as unchanged: exactly those that are unchanged one by one."""

import os
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from forkresize import Observer, Outcome, Recipe, Settings, Summary, run
from forkresize.batch import prepare
from forkresize.batch.fingerprint import fingerprint_recipe
from forkresize.batch.unchanged import UnchangedSources
from forkresize.errors import ForkresizeError
from forkresize.job import Source
from forkresize.ledger import OutputRecord, open_ledger, source_record
from forkresize.ledger.sqlite import ledger_path
from forkresize.outcome import Reason
from forkresize.plan.shard import Shard
from forkresize.walk import Rule, Selection, Symlinks
from tests.protocols import Draw

JPEG = b"\xff\xd8\xff\xe0 not complete "
NAMES = [
    *("a.jpg", "A.jpg", "a.png", "a", "a-1.jpg", "a.xmp", ".hidden.jpg", "é.jpg", "e\u0301.jpg", "\udcff.jpg", "~.jpg"),
    *("a.d/x.jpg", "a.d/y.jpg", "a.d-1.jpg", "b/c/x.jpg", "b/x.jpg", "b/.h/x.jpg", "z\U0001f600.jpg", "z\uffff.jpg"),
]
RECIPES = [
    Recipe.of(width=16),
    Recipe.of(width=16, format="webp"),
    Recipe.of(width=[16, 32]),
    Recipe.of(width=16, quality=50),
]


def touch_source(source: Path, _: Path) -> None:
    os.utime(source, ns=(5, 5))


def grow_source(source: Path, _: Path) -> None:
    with source.open("ab") as file:
        file.write(b"more")


def damage_source(source: Path, _: Path) -> None:
    source.write_bytes(b"no picture")


def link_source(source: Path, _: Path) -> None:
    source.rename(source.with_name(f"{source.name}.target"))
    source.symlink_to(f"{source.name}.target")


def remove_source(source: Path, _: Path) -> None:
    source.unlink()


def remove_output(_: Path, output: Path) -> None:
    output.unlink()


def empty_output(_: Path, output: Path) -> None:
    output.write_bytes(b"")


def change_output(_: Path, output: Path) -> None:
    os.utime(output, ns=(7, 7))


def link_output(_: Path, output: Path) -> None:
    output.rename(output.with_name(f"{output.name}.target"))
    output.symlink_to(f"{output.name}.target")


def replace_output_by_directory(_: Path, output: Path) -> None:
    output.unlink()
    (output / "sub").mkdir(parents=True)


CHANGES: list[Callable[[Path, Path], None] | None] = [
    *[None] * 12,
    *(touch_source, grow_source, damage_source, link_source, remove_source),
    *(remove_output, empty_output, change_output, link_output, replace_output_by_directory),
]
ROWS: list[dict[str, Any] | None] = [
    *[{}] * 12,
    None,
    {"recipe": b"other"},
    {"root": "/elsewhere"},
    {"source": "elsewhere.jpg"},
    {"status": "skipped", "reason": str(Reason.NOT_A_PICTURE)},
    {"status": "failed", "reason": str(Reason.DAMAGED), "error": "broken"},
    {"status": "failed", "reason": str(Reason.TOO_LARGE), "limit_value": 1.0},
    {"reason": str(Reason.DUPLICATE)},
    {"etag": "tag"},
    {"source_etag": "tag", "source_version": "version"},
    {"run": 1},
    {"run": 9},
    {"source_mtime_ns": 2**63 - 1},
    {"size": 0},
]

SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "if_exists": st.sampled_from(["update", "update", "skip", "overwrite", "error"]),
        "compare": st.sampled_from(["stat", "stat", "stat", "checksum"]),
        "retry_failed": st.booleans(),
        "shard": st.sampled_from([Shard(1, 2), Shard(2, 2)]),
        "ledger": st.sampled_from([None, None, False]),
        "on_collision": st.sampled_from(["suffix", "skip"]),
        "name": st.sampled_from(["{stem}{ext}", "{name}", "x-{stem}-{width}{ext}", "{stem}-{width}-{hash8}{ext}"]),
        "flat": st.booleans(),
        "source_filter": st.just(lambda source: len(source.relative) % 2 == 0),
        "selection": st.sampled_from(
            [
                Selection(hidden=True),
                Selection(rules=(Rule(include=False, pattern="a*"),)),
                Selection(symlinks=Symlinks.SKIP),
                Selection(min_size=len(JPEG) + 3),
                Selection(max_depth=1),
            ]
        ),
    },
)
"""Those that a run may have; each is mostly left out."""

INTERRUPTED = st.sampled_from([None, None, None, (3, 0, 2**62), (3, 0, 1), (3, 5, 1)])
"""A run that was interrupted: its number, and when it started and ended, in nanoseconds."""


class World:
    """A tree whose outputs are recorded as made, and then changed."""

    def __init__(self, top: Path, recipe: Recipe, options: dict[str, Any]) -> None:
        self.sources, self.outputs = top / "in", top / "out"
        self.sources.mkdir()
        self._recipe, self._options = recipe, options

    def plant(self, name: str, change: Callable[[Path, Path], None] | None, row: dict[str, Any] | None) -> None:
        path = self.sources / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(JPEG + b"." * (len(name) % 7))
        os.utime(path, ns=(1, 10**18 + len(name)))
        self.files = [*getattr(self, "files", []), (path, name, change, row)]

    def record(self, interrupted: tuple[int, int, int] | None) -> None:
        """Make the outputs of all files, and what changed since."""
        plan = prepare([self.sources], self.outputs, self._recipe, self._settings())
        prints = fingerprint_recipe(self._recipe, plan.settings.pool.timeout, plan.settings.memory)
        records: list[OutputRecord] = []
        made: list[tuple[Path, Path, Callable[[Path, Path], None] | None]] = []
        for path, name, change, row in self.files:
            status = path.stat()
            source = Source(str(path), name, status.st_size, status.st_mtime_ns)
            for output in plan.naming.outputs(source, plan.collisions.suffixes.get(source.path, "")):
                target = self.outputs / output.key
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(b"output")
                found = target.stat()
                base = source_record(source, 2)._replace(key=output.key, status="written")
                recipe = prints.for_rendition(output.rendition)
                known = base._replace(recipe=recipe, size=found.st_size, mtime_ns=found.st_mtime_ns)
                records += [] if row is None else [known._replace(**row)]
                made.append((path, target, change))
        (self.outputs / ".forkresize").mkdir(mode=0o700, parents=True)
        with open_ledger(str(self.outputs)) as ledger:
            ledger.begin_run()
            ledger.record(records)
        if interrupted is not None:
            with sqlite3.connect(ledger_path(str(self.outputs))) as database:
                database.execute("INSERT INTO runs VALUES (?, ?, ?, 1, 0)", interrupted)
            database.close()
        changed = set()
        for path, target, change in made:
            if change is not None and path not in changed and path.exists() and target.is_file():
                changed.add(path)
                change(path, target)

    def preview(self) -> tuple[list[Outcome], Summary] | str:
        """Return what a dry run does; the text of an error."""
        outcomes: list[Outcome] = []
        try:
            summary = run(
                [self.sources], self.outputs, self._recipe, settings=self._settings(), observers=[outcomes.append]
            )
        except ForkresizeError as error:
            return str(error)
        return outcomes, summary

    def count(self) -> dict[str, Any]:
        """Return what a dry run counts if no observer looks at the outcomes."""
        summary = run([self.sources], self.outputs, self._recipe, settings=self._settings())
        return {
            name: value for name, value in summary.to_json().items() if name not in {"seconds", "pictures_per_second"}
        }

    def _settings(self) -> Settings:
        return Settings(dry_run=True, **{"on_collision": "suffix", **self._options})


FILES = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(CHANGES), st.sampled_from(ROWS)),
    unique_by=lambda each: each[0],
    min_size=1,
    max_size=8,
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(FILES, st.sampled_from(RECIPES), SETTINGS, INTERRUPTED)
def test_groups_are_decided_as_single_files(
    files: Sequence[tuple[str, Any, Any]], recipe: Recipe, options: dict[str, Any], interrupted: Any
) -> None:
    # Several renditions need names that differ.
    assume(len(recipe.renditions) == 1 or "width" in options.get("name", "width"))
    with tempfile.TemporaryDirectory() as top, pytest.MonkeyPatch.context() as patch:
        world = World(Path(top), recipe, options)
        for each in files:
            world.plant(*each)
        world.record(interrupted)
        by_groups = world.preview()
        patch.setattr(UnchangedSources, "supports", lambda _: False)
        one_by_one = world.preview()
        if isinstance(one_by_one, str):
            assert by_groups == one_by_one
            return
        assert by_groups[0] == one_by_one[0]
        assert not isinstance(by_groups, str)
        patch.undo()
        outcomes = Counter(outcome.status for outcome in one_by_one[0])
        counted = world.count()
        assert counted["unchanged"] == outcomes["unchanged"]
        assert counted["failed"] == outcomes["failed"]
        assert counted["sources"] == one_by_one[1].sources
        assert counted["skipped"] == outcomes["skipped"]


def count_decided_one_by_one(patch: pytest.MonkeyPatch) -> list[str]:
    """Return the keys of outputs that a run looks at one by one, as it goes on."""
    from forkresize.batch.staleness_checker import StalenessChecker

    keys: list[str] = []
    check = StalenessChecker.check

    def counting(self: StalenessChecker, source: Source, output: Any) -> Outcome:
        keys.append(output.key)
        return check(self, source, output)

    patch.setattr(StalenessChecker, "check", counting)
    return keys


@pytest.mark.parametrize("recipe", RECIPES, ids=["size", "format", "sizes", "quality"])
def test_unchanged_sources_are_not_looked_at_one_by_one(
    tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, recipe, {})
    for name in ("a.jpg", "b/x.jpg", "b/c/x.jpg", "e\u0301.jpg", "\udcff.jpg"):
        world.plant(name, None, {})
    world.plant("new.jpg", None, None)
    world.plant("z.jpg", touch_source, {})
    world.record((7, 0, 1))
    looked_at = count_decided_one_by_one(monkeypatch)

    counted = world.count()

    renditions = len(recipe.renditions)
    assert counted["unchanged"] == 6 * renditions
    assert {key.partition(".")[0].partition("-")[0] for key in looked_at} == {"new", "z"}


class Counts(Observer):
    """Counts what it is called with."""

    def __init__(self, *, wants_unchanged: bool) -> None:
        self.wants_unchanged = wants_unchanged
        self.outcomes: list[str] = []
        self.unchanged = (0, 0, 0)

    def on_outcome(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome.status)

    def on_unchanged(self, sources: int, outputs: int, size: int) -> None:
        before = self.unchanged
        self.unchanged = (before[0] + sources, before[1] + outputs, before[2] + size)


def test_an_observer_that_does_not_want_them_gets_counts_unless_another_wants_them(tmp_path: Path, draw: Draw) -> None:
    for number in range(3):
        draw(tmp_path / f"in/{number}.jpg", seed=number)
    arguments: Any = ([tmp_path / "in"], tmp_path / "out", Recipe.of(width=[8, 16]))
    run(*arguments, settings=Settings(serial=True))
    (tmp_path / "out/1-8w.jpg").unlink()
    lazy, eager = Counts(wants_unchanged=False), Counts(wants_unchanged=True)

    summary = run(*arguments, settings=Settings(serial=True), observers=[lazy])

    assert lazy.unchanged == (2, 4, sum((tmp_path / f"in/{number}.jpg").stat().st_size for number in (0, 2)))
    assert sorted(lazy.outcomes) == ["unchanged", "written"]
    assert (summary.sources, summary.unchanged, summary.written) == (3, 5, 1)
    lazy = Counts(wants_unchanged=False)
    summary = run(*arguments, settings=Settings(serial=True), observers=[lazy, eager])
    assert lazy.outcomes == eager.outcomes == ["unchanged"] * 6
    assert lazy.unchanged == eager.unchanged == (0, 0, 0)
    assert (summary.sources, summary.unchanged) == (3, 6)


def test_an_observer_without_outcomes_wants_none(tmp_path: Path, draw: Draw) -> None:
    size = draw(tmp_path / "in/a.jpg").stat().st_size
    arguments: Any = ([tmp_path / "in"], tmp_path / "out", Recipe.of(width=8))
    run(*arguments, settings=Settings(serial=True))
    lazy = Counts(wants_unchanged=False)
    run(*arguments, settings=Settings(serial=True), observers=[Observer(), lazy])
    assert lazy.unchanged == (1, 1, size)


def test_a_stop_between_groups_ends_the_search(tmp_path: Path) -> None:
    world = World(tmp_path, Recipe.of(width=16), {"max_duration": 1e-9})
    world.plant("a.jpg", None, {})
    world.record(None)
    time.sleep(0.001)
    assert world.count()["unchanged"] == 0
