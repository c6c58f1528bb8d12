"""What is remembered of a job."""

import os

import pytest

from forkresize.job import Job, Output, Source
from forkresize.ledger import OutputRecord, RecipeFingerprints
from forkresize.ledger.records import records_for
from forkresize.outcome import Failed, Outcome, OutputRef, Reason

JOB = Job(Source("in/a.jpg", "a.jpg", 10, 20), (Output("out/a.jpg"),))
ABOUT = OutputRecord(b"", 1, b"a.jpg", 10, 20, None, b"", "", run=1, size=0, mtime_ns=0)
PRINTS = RecipeFingerprints(renditions=(b"one",), together=b"all", limits={Reason.TIMED_OUT: 120})


@pytest.mark.parametrize(
    ("reason", "signal", "remembered"),
    [
        (Reason.CRASHED, "SIGSEGV", 1),
        (Reason.CRASHED, "SIGKILL", 0),
        (Reason.TIMED_OUT, "SIGKILL", 1),
        (Reason.PROTOCOL_VIOLATION, "SIGKILL", 1),
        (Reason.DAMAGED, None, 1),
        (Reason.INTERRUPTED, "SIGKILL", 0),
        (Reason.NOT_WRITTEN, None, 0),
    ],
)
def test_only_what_is_the_picture_s_own_doing_is_held_against_it(
    reason: Reason, signal: str | None, remembered: int
) -> None:
    failed: list[Outcome] = [Outcome(OutputRef(JOB.source, "out/a.jpg"), Failed(reason, signal=signal))]
    assert len(list(records_for(ABOUT, JOB, failed, PRINTS, os.fsencode))) == remembered


def test_a_name_of_any_bytes_in_an_error_is_kept_as_text() -> None:
    failed: list[Outcome] = [Outcome(OutputRef(JOB.source), Failed(Reason.DAMAGED, "in/\udcff\n.jpg: é"))]
    (entry,) = records_for(ABOUT, JOB, failed, PRINTS, os.fsencode)
    assert entry.error == "in/\\udcff\n.jpg: é"
