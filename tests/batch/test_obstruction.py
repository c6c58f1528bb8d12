"""Sources that are replaced by directories of the same name, and the reverse."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from forkresize import MaxPrune, Outcome, Recipe, Selection, Settings, Summary, run
from forkresize.outcome import Failed, Planned, Pruned, Reason
from tests.protocols import Draw

ALL = MaxPrune(100)
RECIPE = Recipe.of(width=4)
NAMES = ("a.png", "b.png")

Again = Callable[..., tuple[Summary, list[Outcome]]]


@pytest.fixture
def again(tmp_path: Path) -> Again:
    """Run over ``in``; return the summary and the outcomes."""

    def execute(**changes: object) -> tuple[Summary, list[Outcome]]:
        outcomes: list[Outcome] = []
        asked = Settings(**{"prune": True, "max_prune": ALL, "serial": True, **changes})  # type: ignore[arg-type]
        summary = run([tmp_path / "in"], tmp_path / "out", RECIPE, settings=asked, observers=[outcomes.append])
        return summary, outcomes

    return execute


@pytest.fixture
def file_then_directory(tmp_path: Path, draw: Draw, again: Again) -> None:
    draw(tmp_path / "in/a.jpg")
    draw(tmp_path / "in/c.jpg")
    again()
    (tmp_path / "in/a.jpg").unlink()
    draw(tmp_path / "in/a.jpg/b.jpg")


@pytest.fixture
def directory_then_file(tmp_path: Path, draw: Draw, again: Again) -> None:
    draw(tmp_path / "in/a.jpg/b.jpg")
    draw(tmp_path / "in/a.jpg/sub/c.jpg")
    again()
    shutil.rmtree(tmp_path / "in/a.jpg")
    draw(tmp_path / "in/a.jpg")


def outputs(folder: Path) -> dict[str, bytes]:
    """Return the outputs by their paths."""
    files = (path for path in folder.rglob("*") if path.is_file() and ".forkresize" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def details(outcomes: list[Outcome], tmp_path: Path) -> dict[str, type]:
    return {str(Path(str(each.destination)).relative_to(tmp_path / "out")): type(each.detail) for each in outcomes}


@pytest.mark.usefixtures("file_then_directory")
def test_a_directory_in_the_place_of_a_file_is_processed_by_the_run_that_prunes(tmp_path: Path, again: Again) -> None:
    summary, outcomes = again()
    assert (summary.exit_code, summary.pruned, summary.written, summary.unchanged) == (0, 1, 1, 1)
    assert details(outcomes, tmp_path)["a.jpg"] is Pruned
    assert sorted(outputs(tmp_path / "out")) == ["a.jpg/b.jpg", "c.jpg"]
    summary, _ = again()
    assert (summary.exit_code, summary.unchanged, summary.pruned) == (0, 2, 0)


@pytest.mark.usefixtures("directory_then_file")
def test_a_file_in_the_place_of_a_directory_is_processed_by_the_run_that_prunes(tmp_path: Path, again: Again) -> None:
    summary, _ = again()
    assert (summary.exit_code, summary.pruned, summary.written) == (0, 2, 1)
    assert list(outputs(tmp_path / "out")) == ["a.jpg"]
    assert again()[0].unchanged == 1


@pytest.mark.usefixtures("file_then_directory")
def test_without_pruning_the_failure_says_what_is_in_the_way_and_what_to_do(tmp_path: Path, again: Again) -> None:
    for _ in range(2):
        summary, outcomes = again(prune=False)
        (failed,) = [each for each in outcomes if isinstance(each.detail, Failed)]
        assert (failed.source.relative, failed.reason) == ("a.jpg/b.jpg", Reason.NOT_WRITTEN)
        path = tmp_path / "out/a.jpg"
        assert failed.error == f"{path}, an output whose source is gone, is in the way; prune to remove it"
        assert summary.exit_code == 1
    assert sorted(outputs(tmp_path / "out")) == ["a.jpg", "c.jpg"]


@pytest.mark.usefixtures("directory_then_file")
def test_without_pruning_a_directory_of_such_outputs_is_named(tmp_path: Path, again: Again) -> None:
    _, outcomes = again(prune=False)
    (failed,) = [each for each in outcomes if isinstance(each.detail, Failed)]
    path = tmp_path / "out/a.jpg"
    assert failed.error == f"{path}, a directory of outputs whose sources are gone, is in the way; prune to remove it"


@pytest.mark.usefixtures("file_then_directory")
def test_a_file_that_was_altered_is_kept_and_named(tmp_path: Path, again: Again) -> None:
    (tmp_path / "out/a.jpg").write_bytes(b"mine")
    summary, outcomes = again()
    (failed,) = [each for each in outcomes if isinstance(each.detail, Failed)]
    assert failed.error == f"{tmp_path / 'out/a.jpg'} is in the way, and no unchanged output of an earlier run; move it"
    assert (summary.exit_code, (tmp_path / "out/a.jpg").read_bytes()) == (1, b"mine")


@pytest.mark.usefixtures("directory_then_file")
def test_a_directory_with_another_file_is_kept(tmp_path: Path, again: Again) -> None:
    (tmp_path / "out/a.jpg/mine").touch()
    summary, outcomes = again()
    (failed,) = [each for each in outcomes if isinstance(each.detail, Failed)]
    assert failed.error == f"{tmp_path / 'out/a.jpg'} is in the way, and no unchanged output of an earlier run; move it"
    assert (summary.exit_code, summary.pruned) == (1, 2)
    assert sorted(outputs(tmp_path / "out")) == ["a.jpg/mine"]


@pytest.mark.usefixtures("directory_then_file")
def test_a_directory_that_is_not_empty_after_pruning_is_kept(tmp_path: Path, again: Again) -> None:
    (tmp_path / "out/a.jpg/mine").mkdir()
    summary, outcomes = again()
    (failed,) = [each for each in outcomes if isinstance(each.detail, Failed)]
    assert failed.error.startswith(f"{tmp_path / 'out/a.jpg'} is in the way")
    assert (summary.exit_code, summary.pruned, outputs(tmp_path / "out")) == (1, 2, {})


@pytest.mark.usefixtures("file_then_directory")
def test_a_directory_that_a_link_leads_to_takes_the_place_of_a_file(tmp_path: Path, again: Again) -> None:
    (tmp_path / "in/a.jpg").rename(tmp_path / "elsewhere")
    (tmp_path / "in/a.jpg").symlink_to(tmp_path / "elsewhere")
    summary, _ = again(selection=Selection(symlinks="follow"))  # type: ignore[arg-type]
    assert (summary.exit_code, summary.pruned, summary.written) == (0, 1, 1)


@pytest.mark.usefixtures("file_then_directory")
def test_above_the_limit_nothing_is_removed(tmp_path: Path, again: Again) -> None:
    summary, outcomes = again(max_prune=MaxPrune(0))
    (failed,) = [each for each in outcomes if isinstance(each.detail, Failed)]
    assert failed.error.endswith(
        "is in the way: 1 of 2 outputs would be removed (1 whose source is gone), more than the limit of 0%; "
        "none was removed; to remove them, set the limit to 1"
    )
    assert (summary.exit_code, summary.pruned, sorted(outputs(tmp_path / "out"))) == (3, 0, ["a.jpg", "c.jpg"])


@pytest.mark.usefixtures("file_then_directory")
def test_a_dry_run_shows_both_and_changes_nothing(tmp_path: Path, again: Again) -> None:
    summary, outcomes = again(dry_run=True)
    found = details(outcomes, tmp_path)
    assert (found["a.jpg"], found["a.jpg/b.jpg"], summary.exit_code) == (Pruned, Planned, 0)
    assert sorted(outputs(tmp_path / "out")) == ["a.jpg", "c.jpg"]


PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
EDITS = st.lists(st.tuples(PATHS, st.integers(-1, 5)), min_size=1, max_size=4)


def edit(root: Path, path: str, color: int) -> None:
    """Put a picture at a path, instead of what is there or on the way; with a negative color, remove what is there."""
    target = root / path
    for each in [*reversed(target.relative_to(root).parents[:-1]), target.relative_to(root)]:
        if (root / each).is_file():
            (root / each).unlink()
    if target.is_dir():
        shutil.rmtree(target)
    if color >= 0:
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), color * 40).save(target)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(history=st.lists(EDITS, min_size=2, max_size=5))
def test_after_any_history_the_outputs_are_those_of_a_first_run(
    history: list[list[tuple[str, int]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("history")
    (folder / "in").mkdir()
    pruning = Settings(prune=True, max_prune=ALL, serial=True)
    for edits in history:
        for path, color in edits:
            edit(folder / "in", path, color)
        summary = run([folder / "in"], folder / "out", RECIPE, settings=pruning)
        assert summary.exit_code == 0, summary
    shutil.rmtree(folder / "fresh", ignore_errors=True)
    run([folder / "in"], folder / "fresh", RECIPE, settings=pruning)
    assert outputs(folder / "out") == outputs(folder / "fresh")
