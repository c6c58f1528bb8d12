"""A gateway under attack, which lives, serves and does not grow: one for all attacks of a process."""

import contextlib
import http.client
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image

from forkresize.gateway.access.api_keys import create_key
from forkresize.gateway.imgproxy.signature import Signer, SigningKey
from tests.gateway.access.issuer import AUDIENCE, ISSUER, Issuer
from tests.gateway.conftest import DEADLINE, Gateway, run_gateway

SIGNER = Signer([SigningKey(b"k" * 32, b"s" * 32)])
KEY = create_key("web", "submitter")
ISSUED = Issuer()
MAX_CONNECTIONS = 600
MAX_GROWTH = 150_000_000
"""Bytes by which the gateway's own process may grow during all attacks."""


class Target:
    """A gateway under attack.

    Attributes:
        gateway: the process and a client.
        secret: the bytes of a picture outside of its root.
    """

    def __init__(self, gateway: Gateway, secret: bytes) -> None:
        self.gateway = gateway
        self.secret = secret
        parts = urlsplit(gateway.url)
        self.address = (str(parts.hostname), int(parts.port or 0))

    def request(self, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
        """Send a path exactly as it is; return status and body."""
        connection = http.client.HTTPConnection(*self.address, timeout=DEADLINE)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            connection.endheaders()
            response = connection.getresponse()
            return response.status, response.read()

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, DEADLINE)

    def is_well(self) -> bool:
        """Return whether it lives and makes a picture."""
        return (
            self.request("/livez")[0] == 200 and self.request(SIGNER.url("/rs:fit:80:0/plain/photos/one.jpg"))[0] == 200
        )

    def rss(self) -> int:
        """Return the resident bytes of its own process."""
        pages = Path(f"/proc/{self.gateway.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("attacks")
    for name in ("photos/one.jpg", "outside/secret.jpg", "photos/below/two.jpg", "photos.private/secret.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.linear_gradient("L").resize((320, 240)).save(folder / name)
    (folder / "photos/link.jpg").symlink_to(folder / "outside/secret.jpg")
    (folder / "photos/up").symlink_to("../outside")
    (folder / "photos/inside.jpg").symlink_to("below/two.jpg")
    (folder / "photos/text.jpg").write_text("root:x:0:0")
    (folder / "keys").write_text(KEY.line)
    (folder / "jwks").write_bytes(ISSUED.jwks())
    (folder / "signing").write_text(f"{'6b' * 32}:{'73' * 32}\n")
    options = [f"--root=photos={folder}/photos", f"--api-keys={folder}/keys", f"--jwks={folder}/jwks"]
    options += [f"--jwt-issuer={ISSUER}", f"--jwt-audience={AUDIENCE}", f"--key-file={folder}/signing"]
    options += ["--max-size=4M", "--max-pixels=4", "--workers=1", f"--max-connections={MAX_CONNECTIONS}"]
    options += [f"--max-connections-per-address={MAX_CONNECTIONS}"]
    with run_gateway(*options) as gateway:
        yield Target(gateway, (folder / "outside/secret.jpg").read_bytes())


@pytest.fixture
def target(running: Target) -> Iterator[Target]:
    """A gateway that is well before and after each attack, and does not grow."""
    assert running.is_well()
    before = running.rss()
    yield running
    assert running.is_well()
    assert running.gateway.process.poll() is None
    assert running.rss() - before < MAX_GROWTH
