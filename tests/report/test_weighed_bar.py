"""A bar whose length follows the work, and whose text counts sources."""

from io import StringIO

from tqdm import tqdm

from forkresize.job import Source
from forkresize.outcome import Execution, Failed, Outcome, OutputRef, Reason
from forkresize.report.weighed_bar import add_weights
from forkresize.report.work import WorkEstimate, expected_work

LARGE, SMALL = 1_000_000, 4_000


def shown(**options: object) -> str:
    """Return what a bar shows when one of two pictures is done, the larger, in two seconds."""
    now = [10.0]
    work = WorkEstimate(lambda: now[0])
    work.total = expected_work(LARGE) + expected_work(SMALL)
    now[0] += 2
    ref = OutputRef(Source("a", "a", LARGE))
    work.add(Outcome(ref, Failed(Reason.DAMAGED), Execution(1, 1, 2.0)))
    file = StringIO()
    bar = add_weights(tqdm)(file=file, total=2, ascii=True, unit=" files", **options)
    bar.follow(work)
    bar.refresh()
    bar.close()
    return file.getvalue().strip().rpartition("\r")[2]


def test_length_follows_the_work_and_text_counts_sources() -> None:
    text = shown()
    assert text.startswith(" 98%|#########8| 1/2 [")
    assert "<00:00," in text


def test_own_format_counts_sources_and_has_the_time_left() -> None:
    assert shown(bar_format="{n_fmt} of {total_fmt}, {remaining}") == "1 of 2, 00:00"


def test_bar_without_an_estimate_is_that_of_tqdm() -> None:
    file = StringIO()
    add_weights(tqdm)(file=file, total=4, ascii=True).close()
    assert "0%|          | 0/4 [" in file.getvalue()
