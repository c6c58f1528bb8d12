import struct
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from forkresize.pool.protocol import MAX_PAYLOAD, Failure, FrameReader, MessageType, WorkerMessage, encode_message

HEADER = struct.Struct("=BQdIQ")

messages = st.builds(
    WorkerMessage,
    kind=st.integers(1, 4),
    number=st.integers(0, 2**64 - 1),
    seconds=st.floats(0, 1e9),
    stderr=st.binary(max_size=40),
    payload=st.binary(max_size=200),
    files=st.just(()),
)


@given(sent=st.lists(messages, max_size=6), cuts=st.lists(st.integers(0, 1500), max_size=12))
def test_messages_arrive_complete_and_in_order_however_the_stream_is_split(
    sent: list[WorkerMessage], cuts: list[int]
) -> None:
    stream = b"".join(map(encode_message, sent))
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reader = FrameReader()
    received = [message for start, end in pairwise(edges) for message in reader.feed(stream[start:end])]
    assert received == sent


invalid_headers = st.one_of(
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


@given(
    sent=st.lists(messages, max_size=3),
    header=invalid_headers,
    after=st.binary(max_size=300),
    cuts=st.lists(st.integers(0, 999)),
)
def test_messages_before_an_invalid_header_count_and_later_bytes_are_dropped(
    sent: list[WorkerMessage], header: tuple[int, float, int, int], after: bytes, cuts: list[int]
) -> None:
    kind, seconds, stderr_size, payload_size = header
    stream = b"".join(map(encode_message, sent)) + HEADER.pack(kind, 1, seconds, stderr_size, payload_size) + after
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reader = FrameReader()
    received = [message for start, end in pairwise(edges) for message in reader.feed(stream[start:end])]
    assert received == sent
    assert reader.corrupt
    assert reader.feed(encode_message(WorkerMessage(1, 1, 0.0, b"", b"")) + bytes(1 << 20)) == []
    assert not reader._rest  # noqa: SLF001


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_arbitrary_bytes_raise_nothing_and_are_not_multiplied(chunks: list[bytes]) -> None:
    reader = FrameReader()
    for chunk in chunks:
        reader.feed(chunk)
    assert len(reader._rest) <= sum(map(len, chunks))  # noqa: SLF001


@given(stderr=st.sampled_from([0, 2**16]), payload=st.sampled_from([0, MAX_PAYLOAD]))
def test_largest_allowed_sizes_are_accepted(stderr: int, payload: int) -> None:
    reader = FrameReader()
    reader.feed(HEADER.pack(1, 1, 0.0, stderr, payload))
    assert not reader.corrupt


def test_exception_that_cannot_be_formatted_still_has_its_name() -> None:
    class GreedyError(Exception):
        @property
        def __cause__(self) -> None:  # type: ignore[override]
            raise MemoryError

    failure = Failure.of(GreedyError())
    assert failure.error == "GreedyError"
    assert "MemoryError" in failure.traceback
