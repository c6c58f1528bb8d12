"""The outputs that exist after a run, by source."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from forkresize.errors import ForkresizeError
from forkresize.formats.header import Header
from forkresize.job import Source
from forkresize.outcome import Outcome, OutputRef, Reason, Written
from forkresize.report.index.outputs import OutputFile, OutputIndex, SourceOutputs
from forkresize.report.outcome_store import OutcomeStore
from tests.protocols import MakeOutcome

NAMES = ["b.jpg", "a/z.jpg", "a.jpg", "a\nb.jpg", "\udcff.jpg", "é.jpg", "%s'\"; DROP TABLE renditions.jpg"]


def unread(path: str) -> Header:
    raise ForkresizeError(f"{path} was read")


def gathered(outcomes: list[Outcome], probe: Callable[[str], Header] = unread) -> list[SourceOutputs]:
    with OutcomeStore(probe) as store:
        for outcome in outcomes:
            store.on_outcome(outcome)
        return list(OutputIndex(store))


@pytest.fixture
def several(written: MakeOutcome) -> list[Outcome]:
    """Three outputs of each of some sources."""
    return [
        replace(
            each,
            ref=OutputRef(each.source, f"out/{number}/{each.source.relative}", number),
            detail=replace(each.detail, out_size=(100 * number + 1, 60)),
        )
        for each in map(written, NAMES)
        for number in range(3)
    ]


@pytest.mark.slow
@given(order=st.randoms(use_true_random=False))
def test_order_of_outcomes_does_not_matter(order: random.Random) -> None:
    outcomes: list[Outcome] = [
        Outcome(
            OutputRef(Source(f"in/{name}", name, 7), f"out/{number}/{name}", number),
            Written(out_bytes=9, in_size=(4, 3), out_size=(2, 1), in_format="png", out_format="png"),
        )
        for name in NAMES
        for number in range(3)
    ]
    expected = gathered(outcomes)
    order.shuffle(outcomes)
    assert gathered(outcomes) == expected


def test_sources_are_sorted_with_outputs_in_the_order_of_the_recipe(several: list[Outcome]) -> None:
    entries = gathered(several)
    assert [entry.name for entry in entries] == sorted(NAMES, key=lambda name: name.encode("utf-8", "surrogateescape"))
    for entry in entries:
        assert entry.size == 1_200_000
        assert [(listed.path, listed.width) for listed in entry.renditions] == [
            (f"out/{number}/{entry.name}", 100 * number + 1) for number in range(3)
        ]


def test_sources_with_the_same_name_stay_apart(written: MakeOutcome) -> None:
    one = written()
    other = replace(one, ref=OutputRef(replace(one.source, path="elsewhere/a.jpg"), "out/a-1.jpg"))
    assert [entry.renditions[0].path for entry in gathered([one, other])] == ["out/a-1.jpg", "out/a.jpg"]


def test_existing_outputs_are_probed(unchanged: MakeOutcome, skipped: MakeOutcome) -> None:
    kept = skipped("s.jpg", Reason.EXISTS)
    kept = replace(kept, ref=OutputRef(kept.source, "out/s.jpg"))
    headers = {"out/u.jpg": OutputFile("", 8, 6, "jpeg", 400), "out/s.jpg": OutputFile("", 4, 3, "png", 200)}
    assert [entry.renditions for entry in gathered([unchanged(), kept], headers.__getitem__)] == [
        (replace(headers["out/s.jpg"], path="out/s.jpg"),),
        (replace(headers["out/u.jpg"], path="out/u.jpg"),),
    ]


def test_missing_outputs_are_not_listed(due: MakeOutcome, skipped: MakeOutcome, failed: MakeOutcome) -> None:
    duplicate = skipped("a.jpg", Reason.DUPLICATE)
    duplicate = replace(duplicate, ref=OutputRef(duplicate.source, "out/a.jpg"))
    assert gathered([due(), duplicate, skipped(), failed(), failed(reason=Reason.EXISTS)]) == []


def test_last_outcome_of_an_output_counts(written: MakeOutcome, unchanged: MakeOutcome) -> None:
    header = OutputFile("", 8, 6, "jpeg", 400)
    [entry] = gathered([written(), replace(unchanged(), ref=written().ref)], lambda _path: header)
    assert entry.renditions == (replace(header, path="out/a.jpg"),)
