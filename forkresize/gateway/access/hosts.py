"""Which names a gateway has: what a browser believes to be one site must not be the gateway under a foreign name."""

import ipaddress
from urllib.parse import urlsplit


class OwnHosts:
    """The names under which callers without credentials may do more than read pictures.

    A page of another site can reach a gateway on its visitor's machine, if the name of that site leads to the machine
    for a moment (DNS rebinding). Its requests then have that name as their host. An address is not a name that
    somebody could redirect.

    Args:
        public_url: where clients reach the gateway; empty for none.
    """

    def __init__(self, public_url: str) -> None:
        self._names = {"localhost", urlsplit(public_url).hostname or "localhost"}

    def contains(self, host: str) -> bool:
        """Return whether the gateway has a name.

        Args:
            host: the header of a request, with or without a port.
        """
        try:
            name = urlsplit(f"//{host}").hostname or ""
            return name in self._names or bool(name and ipaddress.ip_address(name))
        except ValueError:
            return False
