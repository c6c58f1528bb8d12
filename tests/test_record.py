"""Tests of the record."""

import json

from forkresize.outcome import Outcome, Reason
from forkresize.record import record
from tests.protocols import MakeOutcome

FIELDS = """
source destination status reason error signal attempts worker in_bytes out_bytes in_width in_height out_width out_height
in_format out_format quality ssim seconds decode_seconds resize_seconds encode_seconds peak_rss warnings
"""


def test_a_written_output_is_told_in_full(written: MakeOutcome) -> None:
    assert record(written(warnings=("odd",))) == {
        "source": "in/a.jpg",
        "destination": "out/a.jpg",
        "status": "written",
        "reason": None,
        "error": None,
        "signal": None,
        "attempts": 1,
        "worker": 4711,
        "in_bytes": 1_200_000,
        "out_bytes": 80_000,
        "in_width": 4000,
        "in_height": 3000,
        "out_width": 800,
        "out_height": 600,
        "in_format": "jpeg",
        "out_format": "webp",
        "quality": 78,
        "ssim": None,
        "seconds": 0.051235,
        "decode_seconds": 0.03,
        "resize_seconds": 0.01,
        "encode_seconds": 0.011,
        "peak_rss": 50_000_000,
        "warnings": ["odd"],
    }


def test_a_failure_tells_why_and_which_signal(failed: MakeOutcome) -> None:
    told = record(failed(reason=Reason.CRASHED, error="", signal="SIGSEGV"))
    assert (told["status"], told["reason"], told["error"], told["signal"]) == (
        "failed",
        "worker crashed",
        None,
        "SIGSEGV",
    )
    assert type(told["reason"]) is str
    assert (told["in_bytes"], told["out_bytes"], told["quality"]) == (700, None, None)


def test_a_skipped_source_tells_why(skipped: MakeOutcome) -> None:
    told = record(skipped(error="a text"))
    assert (told["status"], told["reason"], told["error"]) == ("skipped", "not a picture", "a text")
    assert (told["destination"], told["worker"], told["attempts"]) == (None, None, 0)


def test_every_record_has_the_documented_fields_in_order_and_is_ready_for_json(
    outcomes: list[Outcome], due: MakeOutcome
) -> None:
    for outcome in (*outcomes, due()):
        told = record(outcome)
        assert list(told) == FIELDS.split()
        assert json.loads(json.dumps(told)) == told
