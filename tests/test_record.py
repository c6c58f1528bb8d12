"""Tests of the record."""

import json

from forkresize.outcome import Outcome, Reason
from forkresize.record import record
from tests.protocols import MakeOutcome

FIELDS = """
source destination status reason error signal attempts worker in_bytes out_bytes in_width in_height out_width out_height
in_format out_format quality ssim seconds decode_seconds resize_seconds encode_seconds peak_rss warnings
"""


def test_the_record_of_a_written_output_is_complete(written: MakeOutcome) -> None:
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


def test_the_record_of_a_failure_has_reason_and_signal(failed: MakeOutcome) -> None:
    fields = record(failed(reason=Reason.CRASHED, error="", signal="SIGSEGV"))
    assert (fields["status"], fields["reason"], fields["error"], fields["signal"]) == (
        "failed",
        "worker crashed",
        None,
        "SIGSEGV",
    )
    assert type(fields["reason"]) is str
    assert (fields["in_bytes"], fields["out_bytes"], fields["quality"]) == (700, None, None)


def test_the_record_of_a_skipped_source_has_its_reason(skipped: MakeOutcome) -> None:
    fields = record(skipped(error="a text"))
    assert (fields["status"], fields["reason"], fields["error"]) == ("skipped", "not a picture", "a text")
    assert (fields["destination"], fields["worker"], fields["attempts"]) == (None, None, 0)


def test_every_record_has_the_documented_fields_in_order_and_is_ready_for_json(
    outcomes: list[Outcome], due: MakeOutcome
) -> None:
    for outcome in (*outcomes, due()):
        fields = record(outcome)
        assert list(fields) == FIELDS.split()
        assert json.loads(json.dumps(fields)) == fields
