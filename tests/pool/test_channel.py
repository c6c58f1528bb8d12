import os
import socket
from collections.abc import Iterator

import pytest

from forkresize.pool import channel
from forkresize.pool.channel import ParentEnd, WorkerChannel
from forkresize.pool.protocol import FrameReader, WorkerMessage, encode_message

MESSAGE = WorkerMessage(1, 7, 0.5, b"", b"payload")


@pytest.fixture
def pair() -> Iterator[WorkerChannel]:
    """A channel; the test is the worker."""
    opened = WorkerChannel.open()
    yield opened
    opened.close()


def test_messages_sent_before_death_are_read_although_the_worker_left_its_input_unread(pair: WorkerChannel) -> None:
    end = ParentEnd(pair.parent_end, FrameReader())
    end.send(b"unread")
    assert end.flush()
    pair.worker_end.sendall(encode_message(MESSAGE) * 2)
    pair.worker_end.close()
    assert list(end.drain()) == [MESSAGE, MESSAGE]
    assert end.eof


def test_drain_stops_after_max_reads(pair: WorkerChannel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "_CHUNK", len(encode_message(MESSAGE)))
    monkeypatch.setattr(channel, "_MAX_READS", 3)
    end = ParentEnd(pair.parent_end, FrameReader())
    pair.worker_end.sendall(encode_message(MESSAGE) * 5)
    assert list(end.drain()) == [MESSAGE] * 3
    assert list(end.drain()) == [MESSAGE] * 2


def test_socket_that_is_reset_repeatedly_is_at_its_end() -> None:
    class Reset(socket.socket):
        def recv(self, *_: object) -> bytes:
            raise ConnectionResetError

    with Reset() as reset:
        end = ParentEnd(reset, FrameReader())
        assert list(end.receive()) == []
        assert end.eof


def test_socket_with_nothing_to_read_is_not_at_its_end(pair: WorkerChannel) -> None:
    end = ParentEnd(pair.parent_end, FrameReader())
    assert list(end.receive()) == []
    assert not end.eof


def test_frames_that_do_not_fit_into_the_socket_arrive_completely(pair: WorkerChannel) -> None:
    end = ParentEnd(pair.parent_end, FrameReader())
    frames = [str(number).encode() * 600_000 for number in (1, 2, 3)]
    received = b""
    for frame in frames:
        end.send(frame)
        assert not end.flush()
    while not end.flush():
        received += pair.worker_end.recv(1 << 20)
    while len(received) < sum(map(len, frames)):
        received += pair.worker_end.recv(1 << 20)
    assert received == b"".join(frames)


def test_sending_to_a_dead_worker_raises_nothing(pair: WorkerChannel) -> None:
    pair.worker_end.close()
    end = ParentEnd(pair.parent_end, FrameReader())
    end.send(b"lost")
    assert end.flush()


@pytest.mark.parametrize("part", ["CurrentTask", "StderrFile", "FdChannel"])
def test_failed_open_leaves_no_descriptor(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    def fail() -> None:
        raise OSError("too many open files")

    monkeypatch.setattr(channel, part, fail)
    before = os.listdir("/dev/fd")
    with pytest.raises(OSError, match="too many"):
        WorkerChannel.open()
    assert os.listdir("/dev/fd") == before
