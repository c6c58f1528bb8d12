from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from forkresize.pool.message import Failure, Inbox, Report, pack_report

reports = st.builds(
    Report,
    kind=st.integers(1, 4),
    number=st.integers(0, 2**64 - 1),
    seconds=st.floats(0, 1e9),
    stderr=st.binary(max_size=40),
    payload=st.binary(max_size=200),
)


@given(sent=st.lists(reports, max_size=6), cuts=st.lists(st.integers(0, 1500), max_size=12))
def test_reports_arrive_whole_and_in_order_however_the_stream_is_cut(sent: list[Report], cuts: list[int]) -> None:
    stream = b"".join(map(pack_report, sent))
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    inbox = Inbox()
    received = [report for start, end in pairwise(edges) for report in inbox.feed(stream[start:end])]
    assert received == sent


def test_an_exception_for_whose_description_there_is_no_memory_still_has_its_name() -> None:
    class GreedyError(Exception):
        @property
        def __cause__(self) -> None:  # type: ignore[override]
            raise MemoryError

    failure = Failure.of(GreedyError())
    assert failure.error == "GreedyError"
    assert "MemoryError" in failure.traceback
