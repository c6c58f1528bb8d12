"""The sockets of a server: one that listens, and what connections write to: LingeringTransport."""

import asyncio
import errno
from socket import AF_INET, AF_INET6, IPPROTO_TCP, TCP_NODELAY, create_server, has_dualstack_ipv6, socket
from typing import Any, Protocol

from forkresize.errors import FieldError, describe

_OF_PORT = {errno.EADDRINUSE, errno.EACCES}
"""Errors that another port may not have."""


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
        # Called for each request; ``__getattr__`` takes longer.
        self.get_write_buffer_size = transport.get_write_buffer_size
        self._is_transport_closing = transport.is_closing

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
        return self._protocol.is_lingering or self._is_transport_closing()


def listen(host: str, port: int, backlog: int) -> socket:
    """Return a socket that accepts connections from now on.

    Args:
        host: an address, or a name for one; ``::`` stands for all addresses.
        port: 0 for any free one.
        backlog: connections that may wait to be accepted.

    Raises:
        FieldError: the address or the port cannot be used.
    """
    family = AF_INET6 if ":" in host else AF_INET
    is_dual = family is AF_INET6 and has_dualstack_ipv6()
    try:
        return create_server((host, port), family=family, backlog=backlog, dualstack_ipv6=is_dual)
    except OSError as error:
        field = "port" if error.errno in _OF_PORT else "host"
        raise FieldError(field, f"cannot listen on {host}:{port}: {describe(error)}") from error


def send_at_once(transport: asyncio.Transport) -> None:
    """Have a body sent right after its head; otherwise it waits until the client acknowledges the head, for 40 ms.

    asyncio does so by itself only for sockets that were created with the number of TCP.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in {AF_INET, AF_INET6}:
        connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
