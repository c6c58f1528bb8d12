import struct
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from forkresize.pool.protocol import MAX_PAYLOAD, Failure, FrameReader, MessageType, WorkerMessage, encode_message

HEADER = struct.Struct("=BQdIQ")

reports = st.builds(
    WorkerMessage,
    kind=st.integers(1, 4),
    number=st.integers(0, 2**64 - 1),
    seconds=st.floats(0, 1e9),
    stderr=st.binary(max_size=40),
    payload=st.binary(max_size=200),
)


@given(sent=st.lists(reports, max_size=6), cuts=st.lists(st.integers(0, 1500), max_size=12))
def test_reports_arrive_whole_and_in_order_however_the_stream_is_cut(
    sent: list[WorkerMessage], cuts: list[int]
) -> None:
    stream = b"".join(map(encode_message, sent))
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    inbox = FrameReader()
    received = [report for start, end in pairwise(edges) for report in inbox.feed(stream[start:end])]
    assert received == sent


lies = st.one_of(
    st.tuples(st.sampled_from([0, max(MessageType) + 1, 255]), st.just(0.0), st.just(0), st.just(0)),
    st.tuples(
        st.sampled_from(MessageType),
        st.sampled_from([float("inf"), float("-inf"), float("nan")]),
        st.just(0),
        st.just(0),
    ),
    st.tuples(st.sampled_from(MessageType), st.just(0.0), st.integers(2**16 + 1, 2**32 - 1), st.just(0)),
    st.tuples(st.sampled_from(MessageType), st.just(0.0), st.just(0), st.integers(MAX_PAYLOAD + 1, 2**64 - 1)),
)


@given(sent=st.lists(reports, max_size=3), lie=lies, after=st.binary(max_size=300), cuts=st.lists(st.integers(0, 999)))
def test_what_comes_before_a_lie_counts_and_nothing_after_it_is_kept(
    sent: list[WorkerMessage], lie: tuple[int, float, int, int], after: bytes, cuts: list[int]
) -> None:
    kind, seconds, stderr_size, payload_size = lie
    stream = b"".join(map(encode_message, sent)) + HEADER.pack(kind, 1, seconds, stderr_size, payload_size) + after
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    inbox = FrameReader()
    received = [report for start, end in pairwise(edges) for report in inbox.feed(stream[start:end])]
    assert received == sent
    assert inbox.is_broken
    assert inbox.feed(encode_message(WorkerMessage(1, 1, 0.0, b"", b"")) + bytes(1 << 20)) == []
    assert len(inbox._rest) == 0  # noqa: SLF001 (what is buffered is what this is about)


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_whatever_comes_is_cut_without_an_error_and_no_more_is_kept_than_came(chunks: list[bytes]) -> None:
    inbox = FrameReader()
    for chunk in chunks:
        inbox.feed(chunk)
    assert len(inbox._rest) <= sum(map(len, chunks))  # noqa: SLF001


@given(stderr=st.sampled_from([0, 2**16]), payload=st.sampled_from([0, MAX_PAYLOAD]))
def test_what_is_just_small_enough_is_waited_for(stderr: int, payload: int) -> None:
    inbox = FrameReader()
    inbox.feed(HEADER.pack(1, 1, 0.0, stderr, payload))
    assert not inbox.is_broken


def test_an_exception_for_whose_description_there_is_no_memory_still_has_its_name() -> None:
    class GreedyError(Exception):
        @property
        def __cause__(self) -> None:  # type: ignore[override]
            raise MemoryError

    failure = Failure.of(GreedyError())
    assert failure.error == "GreedyError"
    assert "MemoryError" in failure.traceback
