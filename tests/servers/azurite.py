"""Azurite: Microsoft's emulator of Azure Blob Storage. It checks signatures and conditions."""

import base64
import hashlib
import hmac
import urllib.request
from collections.abc import Iterator
from email.utils import formatdate
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.servers.program import HOST, accepts_connections, find_free_port, find_program, run_server

_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_VERSION = "2021-08-06"


class AzureServer(NamedTuple):
    """How to reach an Azure server.

    Attributes:
        endpoint: its URL, with the account.
        access_key: the account.
        secret_key: the account's key.
        scheme: of the URLs of its containers.
    """

    endpoint: str
    access_key: str = _ACCOUNT
    secret_key: str = _KEY
    scheme: str = "az"

    @property
    def env(self) -> dict[str, str]:
        """The variables that lead Azure's clients to it."""
        return {
            "AZURE_STORAGE_ENDPOINT": self.endpoint,
            "AZURE_STORAGE_ACCOUNT_NAME": self.access_key,
            "AZURE_STORAGE_ACCOUNT_KEY": self.secret_key,
        }

    def create_bucket(self, name: str) -> None:
        """Create a container, by a request that is signed with the shared key."""
        date = formatdate(usegmt=True)
        headers = [f"x-ms-date:{date}", f"x-ms-version:{_VERSION}"]
        resource = [f"/{self.access_key}{urlsplit(self.endpoint).path}/{name}", "restype:container"]
        text = "\n".join(["PUT", *[""] * 11, *headers, *resource])
        signature = hmac.digest(base64.b64decode(self.secret_key), text.encode(), hashlib.sha256)
        request = urllib.request.Request(  # noqa: S310 -- it is an http URL.
            f"{self.endpoint}/{name}?restype=container",
            method="PUT",
            headers={
                "x-ms-date": date,
                "x-ms-version": _VERSION,
                "Authorization": f"SharedKey {self.access_key}:{base64.b64encode(signature).decode()}",
                "Content-Length": "0",
            },
        )
        with urllib.request.urlopen(request, timeout=30):  # noqa: S310 -- same.
            pass


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureServer]:
    """An Azurite server; mark its tests with ``uses("azurite")``."""
    program = find_program("azurite-blob", "azurite (from npm)")
    port = find_free_port()
    options = "--inMemoryPersistence --skipApiVersionCheck --disableTelemetry --silent".split()
    log = tmp_path_factory.mktemp("azurite") / "log"
    command = [program, "--blobHost", HOST, "--blobPort", str(port), *options]
    with run_server(command, log, lambda: accepts_connections(port)):
        yield AzureServer(f"http://{HOST}:{port}/{_ACCOUNT}")
