"""Differences that are known, with their reasons."""

import re

from benchmarks.encoders.case import Case
from benchmarks.encoders.compare import Verdict

KNOWN: tuple[tuple[str, str, str], ...] = ()
"""Verdict, regular expression of the case's name, reason."""


def reason_for(case: Case, verdict: Verdict) -> str:
    """Return why a difference is accepted; empty if it is not."""
    return next(
        (reason for word, names, reason in KNOWN if word == verdict.word and re.search(names, case.name)),
        "",
    )
