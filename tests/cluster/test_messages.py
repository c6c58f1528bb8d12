import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.cluster.messages import MAX_BYTES, ChunkMessage, MessageError, decode_message, encode_message

KEY = b"k" * 32
NUMBERS = st.integers(1, (1 << 63) - 1)


@given(NUMBERS, NUMBERS, st.sampled_from([None, KEY]))
def test_a_message_is_read_as_it_was_written(run: int, chunk: int, key: bytes | None) -> None:
    data = encode_message(run, chunk, key)
    message = decode_message(data, key)
    assert (message.run, message.chunk) == (run, chunk)
    assert len(data) < 200


@pytest.mark.parametrize(
    "change",
    [
        {"run": 8},
        {"chunk": 8},
        {"signature": "0" * 64},
        {"signature": "é"},
        {"signature": None},
    ],
)
def test_with_a_key_a_forged_message_is_refused(change: dict[str, object]) -> None:
    fields = json.loads(encode_message(7, 3, KEY))
    with pytest.raises(MessageError, match="signature; it is refused"):
        decode_message(json.dumps(fields | change).encode(), KEY)


def test_with_a_key_an_unsigned_message_is_refused() -> None:
    with pytest.raises(MessageError, match="with no signature; it is refused"):
        decode_message(encode_message(7, 3), KEY)


def test_with_a_key_a_message_that_was_signed_with_another_is_refused() -> None:
    with pytest.raises(MessageError, match="chunk 3 of run 7 with a wrong signature"):
        decode_message(encode_message(7, 3, b"l" * 32), KEY)


def test_without_a_key_a_signature_is_not_looked_at() -> None:
    assert decode_message(encode_message(7, 3, KEY)) == ChunkMessage(
        7, 3, 1, json.loads(encode_message(7, 3, KEY))["signature"]
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"run": 1}',
        b'{"run": 1, "chunk": 0}',
        b'{"run": -1, "chunk": 1}',
        b'{"run": 1.5, "chunk": 1}',
        b'{"run": "1", "chunk": 1}',
        b'{"run": 9223372036854775808, "chunk": 1}',
        b'{"run": 1, "chunk": 1, "path": "/etc/passwd"}',
        b'{"run": 1, "chunk": 1, "signature": 5}',
        b'{"run": 1, "chunk": 1, "x": ' + b"[" * 60_000 + b"}",
        b"\x80\x04K\x01.",
    ],
)
def test_a_malformed_message_is_refused(data: bytes) -> None:
    with pytest.raises(MessageError, match="malformed message: "):
        decode_message(data)


def test_another_version_is_refused() -> None:
    with pytest.raises(MessageError, match="message of version 2: this program reads version 1"):
        decode_message(b'{"run": 1, "chunk": 1, "version": 2}')


def test_a_message_that_is_too_large_is_refused_before_it_is_read() -> None:
    data = encode_message(1, 1)
    assert decode_message(data + b" " * (MAX_BYTES - len(data))) == ChunkMessage(1, 1)
    with pytest.raises(MessageError, match="message of 65537 bytes: at most 65536 are accepted"):
        decode_message(data + b" " * (MAX_BYTES - len(data) + 1))


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_a_message_error(data: bytes) -> None:
    try:
        decode_message(data, KEY)
    except MessageError:
        return
    raise AssertionError(data)
