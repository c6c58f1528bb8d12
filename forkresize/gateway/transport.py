"""What a connection writes to: LingeringTransport, and an option of its socket."""

import asyncio
from socket import AF_INET, AF_INET6, IPPROTO_TCP, TCP_NODELAY
from typing import Any, Protocol


class _Connection(Protocol):
    """What a transport needs of the protocol of its connection; see ``BoundedProtocol``."""

    @property
    def is_lingering(self) -> bool:
        """Whether the connection is closed except for reading."""

    def linger(self, transport: asyncio.Transport) -> bool:
        """Keep a connection for a moment, if its client is about to send more; return whether it is kept."""

    def count_written(self, size: int) -> None:
        """Count bytes that are about to be written."""


class LingeringTransport:
    """A transport that is closed only after its client has read the answer.

    Args:
        transport: the transport itself.
        protocol: of the connection.
    """

    def __init__(self, transport: asyncio.Transport, protocol: _Connection) -> None:
        self._transport = transport
        self._protocol = protocol

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        """Close the connection, at once or in a moment."""
        if not self._protocol.linger(self._transport):
            self._transport.close()

    def write(self, data: bytes) -> None:
        """Send data; drop them if the connection is closed, as asyncio does and uvloop does not."""
        if not self.is_closing():
            self._protocol.count_written(len(data))
            self._transport.write(data)

    def is_closing(self) -> bool:
        """Return whether nothing more can be written."""
        return self._protocol.is_lingering or self._transport.is_closing()


def send_at_once(transport: asyncio.Transport) -> None:
    """Have a body sent right after its head; otherwise it waits until the client acknowledges the head, for 40 ms.

    asyncio does so by itself only for sockets that were created with the number of TCP.
    """
    socket = transport.get_extra_info("socket")
    if socket is not None and socket.family in {AF_INET, AF_INET6}:
        socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
