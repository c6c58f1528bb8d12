"""A client of a gateway that does batches."""

import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.gateway.conftest import DEADLINE, Gateway

SMALL = {"renditions": [{"width": 40}]}


def options(folder: Path) -> list[str]:
    return [
        *("--root", f"photos={folder}/in", "--destination", f"web={folder}/out", "--state-dir", f"{folder}/state"),
        *("--unsigned", "--workers", "1", "--batch-workers", "1"),
    ]


def submit(gateway: Gateway, destination: str, source: str = "photos/good", **headers: str) -> Any:
    body = {"sources": [source], "destination": destination, "recipe": SMALL}
    return gateway.client.post("/v1/runs", json=body, headers=headers)


def read_events(gateway: Gateway, run: str, last: str | None = None) -> list[tuple[int, str, Any]]:
    """Return the events of a stream until it ends: number, kind and data."""
    headers = {} if last is None else {"Last-Event-ID": last}
    response = gateway.client.get(f"/v1/runs/{run}/events", headers=headers)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    blocks = (
        dict(line.split(": ", 1) for line in block.splitlines()) for block in response.text.split("\n\n") if block
    )
    return [(int(each["id"]), each["event"], json.loads(each["data"])) for each in blocks if "id" in each]


def wait_for_end(gateway: Gateway, run: str) -> Any:
    read_events(gateway, run)
    return gateway.client.get(f"/v1/runs/{run}").json()


def find_batch(gateway: Gateway) -> int:
    """Return the id of the process of a batch."""
    children = Path(f"/proc/{gateway.process.pid}/task").glob("*/children")
    for child in (int(text) for path in children for text in path.read_text().split()):
        if b"batch_process" in Path(f"/proc/{child}/cmdline").read_bytes():
            return child
    raise AssertionError("no batch is at work")


class Stream:
    """A listener that reads as slowly as it likes."""

    def __init__(self, gateway: Gateway, run: str) -> None:
        address = urlsplit(gateway.url)
        self.socket = socket.create_connection((address.hostname or "", address.port or 0), timeout=DEADLINE)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        self.socket.sendall(
            f"GET /v1/runs/{run}/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )

    def read_all(self) -> bytes:
        data = b""
        with self.socket:
            while piece := self.socket.recv(1 << 16):
                data += piece
        return data
