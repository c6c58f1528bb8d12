import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest

from forkresize.pool import sealed_memfd
from forkresize.pool.files import to_files
from forkresize.pool.sandbox.fd_channel import FdChannel

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs memfds")

ExhaustDescriptors = Callable[[int], None]


@pytest.fixture
def channel() -> Iterator[FdChannel]:
    channel = FdChannel()
    yield channel
    channel.close()


def send_files(channel: FdChannel) -> None:
    """Answer a request for two files and send two files as a result."""
    with sealed_memfd(b"first") as first, sealed_memfd(b"second") as second:
        channel.send(nullcontext((first, second)))
        channel.send_result((first, second))


def test_files_arrive_in_order(channel: FdChannel) -> None:
    send_files(channel)
    for descriptors in (channel.receive(), channel.receive_result()):
        files = to_files(descriptors)
        assert [os.pread(file.fileno(), 10, 0) for file in files] == [b"first", b"second"]
        for file in files:
            file.close()


@pytest.mark.parametrize("room", [0, 1])
def test_files_that_do_not_all_arrive_are_an_error_for_the_worker(
    channel: FdChannel, exhaust_descriptors: ExhaustDescriptors, room: int
) -> None:
    send_files(channel)
    exhaust_descriptors(room)
    with pytest.raises(OSError, match="Too many open files") as caught:
        channel.receive("path")
    assert caught.value.errno == errno.EMFILE


@pytest.mark.parametrize("room", [0, 1])
def test_files_of_a_result_that_do_not_all_arrive_count_as_none(
    channel: FdChannel, exhaust_descriptors: ExhaustDescriptors, room: int
) -> None:
    send_files(channel)
    exhaust_descriptors(room)
    assert channel.receive_result() == []


_WAITS = """
import os, resource, socket, sys, threading
from contextlib import nullcontext
from forkresize.pool.message_socket import MessageSocket
from forkresize.pool import sealed_memfd
from forkresize.pool.sandbox.fd_channel import FdChannel

if os.getuid() == 0:
    # Root is not limited. No other process uses this number.
    os.setresuid(*[0x70000000 + os.getpid()] * 3)
channel, (near, far) = FdChannel(), socket.socketpair()
socket.send_fds(near, [b"x"], [0] * 40)
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
with sealed_memfd(b"result") as file:
    try:
        socket.send_fds(near, [b"x"], [file.fileno()])
    except OSError as error:
        print(error.strerror)
    threading.Timer(0.3, lambda: far.recv(1)).start()
    SEND
"""

_SENDS = {
    "result": "channel.send_result((file,)); print(len(channel.receive_result()))",
    "answer": "channel.send(nullcontext((file,))); print(len(channel.receive()))",
    "message": """
    sender, receiver = map(MessageSocket, socket.socketpair())
    sender.send(b"task", (file,))
    waits = 0
    while not sender.flush():
        waits += 1
    while not (messages := receiver.receive()):
        pass
    print(len(messages[0][1]) if waits else "it did not have to wait")
""",
}


@pytest.mark.parametrize("kind", _SENDS)
def test_files_wait_while_too_many_of_their_user_are_on_their_way(kind: str) -> None:
    program = _WAITS.replace("SEND", _SENDS[kind].strip())
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines() == ["Too many references: cannot splice", "1"], done.stderr
