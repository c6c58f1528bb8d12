"""A gateway that runs as an installed command, and pictures for it."""

import contextlib
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

import httpx
import pytest
from PIL import Image

from forkresize.gateway.access.api_keys import create_key
from forkresize.gateway.imgproxy.signature import Signer, load_keys
from tests.browser import Browser, is_installed

DEADLINE = 60.0
"""Seconds until a gateway that does not serve counts as broken."""


class Gateway:
    """A gateway that runs.

    Attributes:
        process: of the command.
        url: where it serves, with a slash at the end.
        client: sends requests to it.
    """

    def __init__(self, process: "subprocess.Popen[str]", url: str, lines: list[str]) -> None:
        self.process = process
        self.url = url
        self.client = httpx.Client(base_url=url, timeout=DEADLINE)
        self.lines = lines

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """Ask it to stop; return its exit code."""
        self.client.close()
        self.process.send_signal(signum)
        return self.process.wait(DEADLINE)


class StartGateway(Protocol):
    def __call__(self, *arguments: str, cwd: Path | None = None) -> Gateway: ...


@contextlib.contextmanager
def run_gateway(*arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Iterator[Gateway]:
    """Run ``forkresized gateway`` on a free port until the body ends."""
    program = Path(sys.executable).with_name("forkresized")
    command = [str(program), "gateway", "--port", "0", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=cwd, env=env) as process:
        assert process.stderr is not None
        lines: list[str] = []
        try:
            url = None
            while url is None:
                line = process.stderr.readline()
                assert line, f"the gateway ended: {lines}"
                lines.append(line)
                found = re.search(r"http://\S+/", line)
                url = found and found[0]
            # A full pipe would stop it.
            threading.Thread(target=lines.extend, args=(process.stderr,), daemon=True).start()
            gateway = Gateway(process, url, lines)
            with gateway.client:
                yield gateway
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(DEADLINE)
                except subprocess.TimeoutExpired:
                    process.kill()


class SignedGateway(NamedTuple):
    """A gateway whose URLs are signed.

    Attributes:
        gateway: that runs.
        signer: signs its URLs.
        keys: an API key for each role.
    """

    gateway: Gateway
    signer: Signer
    keys: Mapping[str, str]

    def authorize(self, role: str) -> dict[str, str]:
        """Return the header of a caller with a role."""
        return {"authorization": f"Bearer {self.keys[role]}"}


@contextlib.contextmanager
def run_signed_gateway(photos: Path, folder: Path, *options: str) -> Iterator[SignedGateway]:
    """Run a gateway that serves ``photos`` by signed URLs, with an API key for each role, until the body ends."""
    created = {role: create_key(role, role) for role in ("reader", "submitter", "admin")}
    (folder / "api-keys").write_text("".join(f"{each.line}\n" for each in created.values()))
    (folder / "keys").write_text(f"{'6b' * 32}:{'73' * 32}\n")
    arguments = ["--root", f"photos={photos}", "--key-file", "keys", "--api-keys", "api-keys", "--workers", "1"]
    with run_gateway(*arguments, *options, cwd=folder) as gateway:
        keys = {role: each.key for role, each in created.items()}
        yield SignedGateway(gateway, Signer(load_keys(str(folder / "keys"))), keys)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with some pictures, one of them in a folder below, and a file that is not a picture."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "below").mkdir()
    for number, name in enumerate(("one.jpg", "two.png", "below/three.jpg")):
        Image.linear_gradient("L").resize((640 + number, 480)).convert("RGB").save(folder / name)
    (folder / "text.txt").write_text("no picture")
    return folder


@pytest.fixture
def start_gateway() -> Iterator[StartGateway]:
    """Start gateways that are stopped after the test."""
    with contextlib.ExitStack() as stack:

        def start(*arguments: str, cwd: Path | None = None) -> Gateway:
            return stack.enter_context(run_gateway(*arguments, cwd=cwd))

        yield start


@pytest.fixture(scope="session")
def gateway(photos: Path) -> Iterator[Gateway]:
    """A gateway that serves ``photos`` to anyone, shared by the tests of a process."""
    with run_gateway("--root", f"photos={photos}", "--unsigned", "--workers", "2") as found:
        yield found


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium, shared by the tests of a process; each test opens pages of its own."""
    if not is_installed():
        pytest.skip("install chromium: it shows the pages")
    found = Browser(tmp_path_factory.mktemp("browser") / "profile")
    yield found
    found.close()
