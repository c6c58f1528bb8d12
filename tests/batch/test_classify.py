"""Classification: which outputs of a source have to be made, and the outcomes of the others."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from forkresize.batch import Settings, prepare
from forkresize.batch.classify import Classified, classify
from forkresize.job import Output, Source
from forkresize.outcome import UNCHANGED, Detail, Failed, Outcome, OutputRef, Planned, Reason, Skipped
from forkresize.plan import OnCollision
from forkresize.pool import NothingYet
from forkresize.recipe import Recipe
from tests.protocols import Draw

Check = Callable[[Source, Output], Outcome]
Classify = Callable[..., list[Classified]]


def always(detail: Detail, *, covers_all: bool = False) -> Check:
    """Return a check that gives the same detail for every output."""
    return lambda source, output: Outcome(
        OutputRef(source, None if covers_all else output.key, output.rendition), detail
    )


@pytest.fixture
def run_classify(tmp_path: Path) -> Classify:
    def classify_all(check: Check, width: Any = 8, **settings: Any) -> list[Classified]:
        plan = prepare([tmp_path / "in"], tmp_path / "out", Recipe.of(width=width), Settings(**settings))
        return [each for each in classify(plan, plan.discovery.walk(), check) if isinstance(each, Classified)]

    return classify_all


@pytest.fixture
def photo(tmp_path: Path, draw: Draw) -> Path:
    return draw(tmp_path / "in/a.jpg")


def test_planned_outputs_become_a_job(run_classify: Classify, photo: Path) -> None:
    [classified] = run_classify(always(Planned("no output yet")), width=[8, 4])
    assert classified.job is not None
    assert (classified.job.source.path, classified.outcomes) == (str(photo), [])
    assert [(output.key, output.rendition) for output in classified.job.outputs] == [("a-8w.jpg", 0), ("a-4w.jpg", 1)]


def test_outputs_that_need_no_work_have_outcomes_and_no_job(run_classify: Classify, photo: Path) -> None:
    [classified] = run_classify(always(UNCHANGED), width=[8, 4])
    assert classified.job is None
    assert [outcome.status for outcome in classified.outcomes] == ["unchanged", "unchanged"]


def test_a_source_may_have_both(run_classify: Classify, photo: Path) -> None:
    def check(source: Source, output: Output) -> Outcome:
        detail = UNCHANGED if output.rendition else Planned("the output is gone")
        return Outcome(OutputRef(source, output.key, output.rendition), detail)

    [classified] = run_classify(check, width=[8, 4])
    assert classified.job is not None
    assert [output.rendition for output in classified.job.outputs] == [0]
    assert [(each.rendition, each.status) for each in classified.outcomes] == [(1, "unchanged")]


def test_an_outcome_for_all_outputs_is_reported_once(run_classify: Classify, photo: Path) -> None:
    [classified] = run_classify(always(Failed(Reason.DAMAGED), covers_all=True), width=[8, 4])
    assert [(outcome.destination, outcome.rendition) for outcome in classified.outcomes] == [(None, 0)]


def test_a_dry_run_has_the_planned_outcomes_of_pictures_only(
    run_classify: Classify, tmp_path: Path, photo: Path
) -> None:
    (tmp_path / "in/notes.txt").write_text("notes")
    found = {each.source.relative: each for [each] in _outcomes(run_classify(always(Planned("new")), dry_run=True))}
    assert isinstance(found["a.jpg"].detail, Planned)
    assert found["notes.txt"].detail == Skipped(Reason.NOT_A_PICTURE)


def _outcomes(all_classified: list[Classified]) -> Iterator[list[Outcome]]:
    return (classified.outcomes for classified in all_classified)


def test_what_the_walk_refuses_is_passed_on(run_classify: Classify, tmp_path: Path, photo: Path) -> None:
    os.mkfifo(tmp_path / "in/pipe")
    statuses = {outcome.source.relative: outcome.reason for [outcome] in _outcomes(run_classify(always(UNCHANGED)))}
    assert statuses == {"a.jpg": None, "pipe": Reason.NOT_A_FILE}


def test_the_second_source_of_an_output_is_skipped_by_that_policy(
    run_classify: Classify, tmp_path: Path, photo: Path, draw: Draw
) -> None:
    draw(tmp_path / "in/a.png")
    found = run_classify(always(UNCHANGED), name="{stem}.img", on_collision=OnCollision.SKIP)
    reasons = [outcome.reason for [outcome] in _outcomes(found)]
    assert sorted(map(str, reasons)) == ["None", str(Reason.COLLISION)]


def test_sources_that_the_filter_rejects_are_not_reported(run_classify: Classify, photo: Path) -> None:
    assert run_classify(always(UNCHANGED), source_filter=lambda _: False) == []


def test_a_stop_ends_the_search_for_sources_of_the_run(tmp_path: Path, photo: Path) -> None:
    plan = prepare([tmp_path / "in"], tmp_path / "out", Recipe.of(width=8))
    asked: list[Source] = []

    def reject(source: Source) -> bool:
        asked.append(source)
        plan.stop.request()
        return False

    for number in range(5):
        (tmp_path / f"in/{number}.jpg").write_bytes(photo.read_bytes())
    rejecting = replace(plan, settings=Settings(source_filter=reject))
    assert list(classify(rejecting, plan.discovery.walk(), always(UNCHANGED))) == []
    assert len(asked) == 1


def test_a_walk_that_found_nothing_yet_is_passed_on(tmp_path: Path, photo: Path) -> None:
    plan = prepare([tmp_path / "in"], tmp_path / "out", Recipe.of(width=8), Settings(source_filter=lambda _: False))
    (source,) = plan.discovery.walk()
    assert list(classify(plan, [NothingYet(7), source, NothingYet(8)], always(UNCHANGED))) == [
        NothingYet(7),
        NothingYet(8),
    ]
