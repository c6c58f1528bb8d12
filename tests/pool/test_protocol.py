import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.pool.protocol import (
    MESSAGE_RULES,
    RESULTS_PROPER,
    Failure,
    FrameReader,
    MessageType,
    WorkerMessage,
    decode_failure,
    encode_failure,
    encode_message,
)

HEADER = struct.Struct("=BQddIQ")

messages = st.builds(
    WorkerMessage,
    kind=st.sampled_from([MessageType.RETURNED, MessageType.RAISED, MessageType.INIT_FAILED]),
    number=st.integers(0, 2**64 - 1),
    seconds=st.floats(0, 1e9),
    stderr=st.binary(max_size=40),
    payload=st.binary(max_size=200),
    files=st.just(()),
    started=st.floats(0, 1e9),
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


infinite = st.sampled_from([float("inf"), float("-inf"), float("nan")])

invalid_headers = st.one_of(
    st.tuples(st.sampled_from([0, max(MessageType) + 1, 255]), st.just(0.0), st.just(0.0), st.just(0), st.just(0)),
    st.tuples(st.sampled_from(MessageType), infinite, st.just(0.0), st.just(0), st.just(0)),
    st.tuples(st.sampled_from(MessageType), st.just(0.0), infinite, st.just(0), st.just(0)),
    st.sampled_from(MessageType).flatmap(
        lambda kind: st.tuples(
            st.just(kind),
            st.just(0.0),
            st.just(0.0),
            st.integers(MESSAGE_RULES[kind].stderr + 1, 2**32 - 1),
            st.just(0),
        )
    ),
    st.sampled_from(MessageType).flatmap(
        lambda kind: st.tuples(
            st.just(kind),
            st.just(0.0),
            st.just(0.0),
            st.just(0),
            st.integers(MESSAGE_RULES[kind].payload + 1, 2**64 - 1),
        )
    ),
)


@given(
    sent=st.lists(messages, max_size=3),
    header=invalid_headers,
    after=st.binary(max_size=300),
    cuts=st.lists(st.integers(0, 999)),
)
def test_messages_before_an_invalid_header_count_and_later_bytes_are_dropped(
    sent: list[WorkerMessage], header: tuple[int, float, float, int, int], after: bytes, cuts: list[int]
) -> None:
    kind, seconds, started, stderr_size, payload_size = header
    stream = (
        b"".join(map(encode_message, sent)) + HEADER.pack(kind, 1, seconds, started, stderr_size, payload_size) + after
    )
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reader = FrameReader()
    received = [message for start, end in pairwise(edges) for message in reader.feed(stream[start:end])]
    assert received == sent
    assert reader.corrupt
    assert not list(reader.feed(encode_message(WorkerMessage(1, 1, 0.0, b"", b"")) + bytes(1 << 20)))
    assert not reader._rest  # noqa: SLF001


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_arbitrary_bytes_raise_nothing_and_are_not_multiplied(chunks: list[bytes]) -> None:
    reader = FrameReader()
    for chunk in chunks:
        list(reader.feed(chunk))
    assert len(reader._rest) <= sum(map(len, chunks))  # noqa: SLF001


@pytest.mark.parametrize("kind", MessageType)
def test_largest_allowed_sizes_are_accepted(kind: MessageType) -> None:
    rule = MESSAGE_RULES[kind]
    reader = FrameReader()
    list(reader.feed(HEADER.pack(kind, 1, 0.0, 0.0, rule.stderr, rule.payload)))
    assert not reader.corrupt


def test_every_kind_of_message_has_a_rule_and_only_results_may_be_large() -> None:
    assert set(MESSAGE_RULES) == set(MessageType)
    assert {kind for kind, rule in MESSAGE_RULES.items() if rule.payload > 1 << 16} == RESULTS_PROPER


def test_header_is_checked_when_the_messages_before_it_were_handled() -> None:
    handled: list[int] = []
    reader = FrameReader(expects=lambda header: header[1] == len(handled))
    stream = b"".join(encode_message(WorkerMessage(1, number, 0.0, b"", b"x")) for number in (0, 1, 2, 9))
    handled.extend(message.number for message in reader.feed(stream))
    assert handled == [0, 1, 2]
    assert reader.corrupt


def test_result_above_the_pools_maximum_is_refused_by_its_header_alone() -> None:
    for size, corrupt in ((1000, False), (1001, True)):
        reader = FrameReader(1000)
        list(reader.feed(HEADER.pack(MessageType.RETURNED, 1, 0.0, 0.0, 0, size)))
        assert reader.corrupt is corrupt


@given(st.text(max_size=9000), st.text(max_size=50), st.sampled_from([1, 30]))
def test_failure_of_any_length_fits_and_keeps_start_and_end(start: str, end: str, times: int) -> None:
    text = "<" + start * times + "\udcff" + end + ">"
    failure = Failure.of(ValueError(text))
    payload = encode_failure(failure)
    assert len(payload) <= MESSAGE_RULES[MessageType.RAISED].payload
    assert decode_failure(payload) == failure
    assert failure.traceback[-1] == "\n"
    assert failure.error[-1] == ">"
    if len(text) < 500:
        assert failure.traceback.endswith(text.encode(errors="backslashreplace").decode() + "\n")


@given(st.binary(max_size=200))
def test_arbitrary_payload_of_a_failure_is_text_or_a_value_error(payload: bytes) -> None:
    try:
        failure = decode_failure(payload)
    except ValueError:
        return
    assert isinstance(failure.error, str)
    assert isinstance(failure.traceback, str)


def test_exception_that_cannot_be_formatted_still_has_its_name() -> None:
    class GreedyError(Exception):
        @property
        def __cause__(self) -> None:  # type: ignore[override]
            raise MemoryError

    failure = Failure.of(GreedyError())
    assert failure.error == "GreedyError"
    assert "MemoryError" in failure.traceback
