"""A source, its output, and records of it, to decide about."""

from typing import Any

from forkresize.ledger import MEMORY_REASONS, InterruptedRun, OutputRecord, RecipeFingerprints
from forkresize.outcome import Reason
from forkresize.plan.staleness import Policy, Rules, SourceState
from forkresize.store import ObjectInfo

FINGERPRINTS = RecipeFingerprints(
    renditions=(b"one", b"two"),
    combined=b"all",
    limits={Reason.TOO_LARGE: 100, Reason.TIMED_OUT: 60, **dict.fromkeys(MEMORY_REASONS, 4000)},
)


SOURCE = SourceState("/in", "a.jpg", 1000, 50)
FOUND = ObjectInfo("a.jpg", 300, 70, 80)


RECORD = OutputRecord(
    key="a.jpg",
    root="/in",
    source="a.jpg",
    source_size=1000,
    source_mtime_ns=50,
    source_hash=None,
    recipe=b"one",
    status="written",
    run=3,
    size=300,
    mtime_ns=70,
)


FAILED = RECORD._replace(
    status="failed",
    reason="damaged or truncated",
    error="cut off",
    signal="SIGSEGV",
    limit_value=4000,
    size=0,
    mtime_ns=0,
)


SKIPPED = RECORD._replace(status="skipped", reason="same as a smaller rendition", recipe=b"all", size=0, mtime_ns=0)


def rules(*interrupted: InterruptedRun, **policy: Any) -> Rules:
    return Rules(Policy(**policy), lambda: FINGERPRINTS, interrupted)


UPDATE = rules()
