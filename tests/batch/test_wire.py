"""Outcomes of workers are checked before they are believed."""

import contextlib
import json
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import DecodeError
from msgspec.structs import replace

from forkresize.batch import wire
from forkresize.batch.wire import OUTCOME_SERIALIZER, WireOutcome
from forkresize.job import Source
from forkresize.outcome import Failed, Outcome, OutputRef, Reason, Skipped, Written

SOURCE = Source("in/a.jpg", "a.jpg", 10)
WRITTEN = Outcome(
    OutputRef(SOURCE, "out/a.jpg", 1),
    Written(
        out_bytes=5,
        in_size=(40, 30),
        out_size=(20, 15),
        in_format="jpeg",
        out_format="webp",
        quality=80,
        ssim=0.98,
        decode_seconds=0.5,
        peak_rss=7,
    ),
    warnings=("odd ü",),
)
OUTCOME: list[Outcome] = [
    WRITTEN,
    Outcome(OutputRef(SOURCE), Skipped(Reason.NOT_A_PICTURE)),
    Outcome(OutputRef(SOURCE, "out/a.jpg"), Failed(Reason.DAMAGED, "short", fatal=True)),
]


def send(*outcomes: Outcome) -> list[WireOutcome]:
    answer: list[WireOutcome] = OUTCOME_SERIALIZER.decode(OUTCOME_SERIALIZER.encode(list(outcomes)))
    return answer


@pytest.mark.parametrize("outcome", OUTCOME, ids=lambda outcome: outcome.status)
def test_outcomes_are_the_same_after_crossing(outcome: Outcome) -> None:
    (answer,) = send(outcome)
    rendition = None if outcome.destination is None else outcome.rendition
    assert (answer.rendition, answer.detail, answer.warnings) == (rendition, outcome.detail, outcome.warnings)


def test_a_similarity_slightly_above_one_is_accepted() -> None:
    (answer,) = send(replace(WRITTEN, detail=replace(WRITTEN.detail, ssim=1.0000001)))
    assert isinstance(answer.detail, Written)
    assert answer.detail.ssim == pytest.approx(1)


def altered(warnings: object = (), rendition: object = 1, extra: tuple[object, ...] = (), **fields: Any) -> bytes:
    ((_, detail, _),) = json.loads(OUTCOME_SERIALIZER.encode([WRITTEN]))
    return json.dumps([[rendition, {**detail, **fields}, warnings, *extra]]).encode()


@pytest.mark.parametrize(
    "lie",
    [
        {"out_bytes": -1},
        {"out_bytes": 1 << 70},
        {"out_bytes": True},
        {"out_bytes": "5"},
        {"in_size": [1, 2, 3]},
        {"out_size": "x"},
        {"in_format": 7},
        {"ssim": "high"},
        {"ssim": float("nan")},
        {"decode_seconds": float("inf")},
        {"warnings": 7},
        {"warnings": [7]},
        {"status": "skipped"},
        {"source": "another"},
        {"fatal": 1},
        {"rendition": -1},
        {"rendition": "all"},
        {"extra": (1,)},
    ],
    ids=str,
)
def test_invalid_values_are_refused(lie: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        OUTCOME_SERIALIZER.decode(altered(**lie))


def test_missing_fields_and_other_details_are_refused() -> None:
    ((_, own, _),) = json.loads(OUTCOME_SERIALIZER.encode([WRITTEN]))
    unchanged = {"status": "unchanged"}
    del own["out_bytes"]
    for detail in (own, unchanged):
        with pytest.raises(ValueError, match=r"out_bytes|unchanged"):
            OUTCOME_SERIALIZER.decode(json.dumps([[1, detail, []]]).encode())


def test_surrogates_in_texts_are_escaped() -> None:
    odd = Outcome(OutputRef(SOURCE), Failed(Reason.DAMAGED, "in/\udcff.jpg is odd"), warnings=("\udcfe",))
    (answer,) = send(odd)
    assert answer.detail == Failed(Reason.DAMAGED, "in/\\udcff.jpg is odd")
    assert answer.warnings == ("\\udcfe",)


def test_too_deep_nesting_is_a_value_error() -> None:
    with pytest.raises(ValueError, match=r"recursion|depth"):
        OUTCOME_SERIALIZER.decode(b'[[1,{"status":' + b"[" * 100_000)


def test_long_texts_are_truncated() -> None:
    (answer,) = OUTCOME_SERIALIZER.decode(altered(warnings=["x" * 10**6] * 10, in_format="y" * 10**6))
    assert len(answer.detail.in_format) < 1000
    assert sum(map(len, answer.warnings)) < 1000


ANYTHING = st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())


@pytest.mark.slow
@given(st.binary() | ANYTHING)
def test_arbitrary_bytes_are_a_value_error_or_an_empty_list(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert OUTCOME_SERIALIZER.decode(data) == []


@pytest.mark.parametrize("detail", [Written, Skipped, Failed])
def test_every_free_text_of_a_detail_is_shortened(detail: type[Written | Skipped | Failed]) -> None:
    hints = get_type_hints(detail)
    texts = {name for name in detail.__struct_fields__ if str in (hints[name], *get_args(hints[name]))}
    assert set(wire._TEXTS[detail]) == texts  # noqa: SLF001
