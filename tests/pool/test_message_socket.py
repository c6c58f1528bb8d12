import os
import socket
import struct
from collections.abc import Callable, Iterator
from io import FileIO

import pytest

from forkresize.pool import sealed_memfd
from forkresize.pool.message_socket import MessageSocket

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs memfds")


@pytest.fixture
def ends() -> Iterator[tuple[MessageSocket, MessageSocket]]:
    near, far = map(MessageSocket, socket.socketpair())
    yield near, far
    near.close()
    far.close()


def receive_all(sender: MessageSocket, receiver: MessageSocket, count: int) -> list[tuple[bytes, tuple[FileIO, ...]]]:
    received: list[tuple[bytes, tuple[FileIO, ...]]] = []
    while len(received) < count:
        sender.flush()
        received += receiver.receive()
    return received


def read(*files: FileIO) -> list[bytes]:
    contents = [os.pread(file.fileno(), 100, 0) for file in files]
    for file in files:
        file.close()
    return contents


def test_messages_of_all_sizes_arrive_in_order_with_their_files(ends: tuple[MessageSocket, MessageSocket]) -> None:
    near, far = ends
    payloads = [b"", b"small", bytes(3 << 20), b"last"]
    for number, payload in enumerate(payloads):
        files = [sealed_memfd(b"%d-%d" % (number, index)) for index in range(number)]
        near.send(payload, files, close=True)
    received = receive_all(near, far, 4)
    assert [payload for payload, _ in received] == payloads
    assert [read(*files) for _, files in received] == [[], [b"1-0"], [b"2-0", b"2-1"], [b"3-0", b"3-1", b"3-2"]]
    assert near.flush()


def test_nothing_to_receive_is_not_the_end(ends: tuple[MessageSocket, MessageSocket]) -> None:
    assert ends[0].receive() == []
    assert not ends[0].eof


def test_closed_peer_is_the_end(ends: tuple[MessageSocket, MessageSocket]) -> None:
    near, far = ends
    far.close()
    assert near.receive() == []
    assert near.eof


@pytest.mark.parametrize("unread", [b"", b"never read"])
def test_messages_of_a_closed_peer_are_read_to_the_last_after_a_failed_send(
    ends: tuple[MessageSocket, MessageSocket], unread: bytes
) -> None:
    near, far = ends
    if unread:
        near.send(unread)
        near.flush()
    for number in range(3):
        far.send(b"%d" % number, [sealed_memfd(b"file %d" % number)], close=True)
    far.flush()
    far.close()
    file = sealed_memfd(b"not sent")
    near.send(b"x", [file], close=True)
    assert near.flush()
    assert file.closed
    received: list[tuple[bytes, tuple[FileIO, ...]]] = []
    while not near.eof:
        received += near.receive()
    assert [payload for payload, _ in received] == [b"0", b"1", b"2"]
    assert [read(*files) for _, files in received] == [[b"file 0"], [b"file 1"], [b"file 2"]]


@pytest.mark.parametrize("room", [0, 1])
def test_connection_is_lost_when_files_of_a_message_are(
    ends: tuple[MessageSocket, MessageSocket], exhaust_descriptors: Callable[[int], None], room: int
) -> None:
    near, far = ends
    for name in (b"first", b"second"):
        near.send(name, [sealed_memfd(name), sealed_memfd(name)], close=True)
    near.flush()
    exhaust_descriptors(room)
    assert far.receive() == []
    assert far.eof


def test_closing_closes_files_that_were_not_sent_or_not_taken(ends: tuple[MessageSocket, MessageSocket]) -> None:
    near, far = ends
    before = len(os.listdir("/dev/fd"))
    near.send(bytes(3 << 20), [sealed_memfd(b"taken too late")], close=True)
    near.flush()
    far.receive()
    file = sealed_memfd(b"not sent")
    near.send(b"x", [file], close=True)
    near.close()
    far.close()
    assert file.closed
    assert len(os.listdir("/dev/fd")) == before - 2


def test_too_many_files_are_refused(ends: tuple[MessageSocket, MessageSocket]) -> None:
    with sealed_memfd(b"x") as file, pytest.raises(ValueError, match="65 files with one message, more than 64"):
        ends[0].send(b"x", [file] * 65)


HEADER = struct.Struct("=QB")


@pytest.mark.parametrize("header", [HEADER.pack(1001, 0), HEADER.pack(1 << 60, 0), HEADER.pack(5, 1), b"\xff" * 9])
def test_message_that_is_too_large_or_lacks_its_files_ends_the_connection(header: bytes) -> None:
    near, far = socket.socketpair()
    receiver = MessageSocket(near, 1000)
    far.sendall(HEADER.pack(1000, 0) + bytes(1000) + header)
    assert [len(payload) for payload, _ in receiver.receive()] == [1000]
    assert receiver.eof
    far.sendall(bytes(1000))
    assert receiver.receive() == []
    assert not receiver._received  # noqa: SLF001  Nothing is kept.
    receiver.close()
    far.close()
