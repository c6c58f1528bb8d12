"""Which pictures the report shows before and after, and which parts at full size."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from msgspec.structs import replace

from forkresize.outcome import Outcome, OutputRef
from forkresize.report.html.contact_sheet import Detail, make_sheet
from forkresize.report.html.excerpt import Excerpt
from forkresize.report.outcome_store import OutcomeStore
from tests.protocols import MakeOutcome


def _details(*outcomes: Outcome, same_view: bool = True) -> tuple[list[Detail], list[Excerpt]]:
    requested: list[Excerpt] = []

    def draw(excerpts: Sequence[Excerpt]) -> Mapping[Excerpt, bytes]:
        requested.extend(excerpt for excerpt in excerpts if excerpt.box)
        return dict.fromkeys(excerpts, b"picture")

    with OutcomeStore() as store:
        for outcome in outcomes:
            store.on_outcome(outcome)
        return make_sheet(store, draw, same_view=same_view).details, requested


def test_a_detail_is_the_middle_of_the_output_and_the_same_part_of_the_source(written: MakeOutcome) -> None:
    [detail], requested = _details(written())
    # The middle 256 x 192 of 800 x 600, and the same part of 4000 x 3000.
    assert requested == [
        Excerpt("in/a.jpg", (1360, 1020, 1280, 960), (256, 192)),
        Excerpt("out/a.jpg", (272, 204, 256, 192)),
    ]
    assert (detail.size, bool(detail.before)) == ((256, 192), True)


def test_an_output_of_another_shape_has_no_detail_of_its_source(written: MakeOutcome) -> None:
    square = replace(written(), detail=replace(written().detail, out_size=(600, 600)))
    [detail], requested = _details(square)
    assert (detail.before, [excerpt.path for excerpt in requested]) == (None, ["out/a.jpg"])


def test_a_rounded_side_is_the_same_shape(written: MakeOutcome) -> None:
    rounded = replace(written(), detail=replace(written().detail, in_size=(1000, 667), out_size=(400, 267)))
    [detail], _ = _details(rounded)
    assert detail.before


def test_a_recipe_that_turns_or_crops_shows_no_details_of_sources(written: MakeOutcome) -> None:
    [detail], _ = _details(written(), same_view=False)
    assert detail.before is None


def test_a_small_output_is_its_own_detail(written: MakeOutcome) -> None:
    small = replace(written(), detail=replace(written().detail, out_size=(100, 75)))
    [detail], [_, after] = _details(small)
    assert (detail.size, after.box) == ((100, 75), (0, 0, 100, 75))


def test_eight_details_are_of_the_outputs_with_the_most_bytes_per_pixel(written: MakeOutcome) -> None:
    outcomes = []
    for number in range(20):
        outcome = written(f"{number}.jpg")
        detail = replace(outcome.detail, out_bytes=1000 * number)
        outcomes += [replace(outcome, detail=detail)]
    details, _ = _details(*outcomes)
    assert [detail.row.source for detail in details] == [f"in/{number}.jpg".encode() for number in range(19, 11, -1)]


def test_details_are_of_every_rendition(written: MakeOutcome) -> None:
    outcomes = []
    for number in range(20):
        large = written(f"{number}.jpg")
        small = replace(large.detail, out_size=(80, 60))
        outcomes += [large, replace(large, ref=OutputRef(large.source, f"out/{number}-s.jpg", 1), detail=small)]
    details, _ = _details(*outcomes)
    assert Counter(detail.row.rendition for detail in details) == {0: 4, 1: 4}


@pytest.mark.parametrize("size", [(0, 0), ((1 << 63) - 1, (1 << 63) - 1), (1, (1 << 63) - 1)])
def test_any_sizes_that_a_worker_sends_are_harmless(size: tuple[int, int], written: MakeOutcome) -> None:
    for sizes in ({"in_size": size}, {"out_size": size}, {"in_size": size, "out_size": size}):
        [detail], _ = _details(replace(written(), detail=replace(written().detail, **sizes)))
        assert 1 <= detail.size[0] <= 256
        assert 1 <= detail.size[1] <= 192
