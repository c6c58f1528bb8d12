"""``forkresized health`` asks whether a program is ready."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from forkresize.daemon import main
from tests.servers.program import HOST, find_free_port


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = int(self.path.strip("/"))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps({"status": status}).encode() + b"\x1b[2J\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name in the base class.
        """Print nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    server = HTTPServer((HOST, 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://{HOST}:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (404, 1)])
def test_the_exit_code_is_that_of_the_answer(
    status: int, code: int, url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://{HOST}:{find_free_port()}")
    assert main(["health", f"{url}{status}"]) == code
    assert capsys.readouterr().out == f'{{"status": {status}}}[2J\n'


def test_no_answer_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    address = f"{HOST}:{find_free_port()}/readyz"
    assert main(["health", f"http://user:geheim@{address}"]) == 1
    output = capsys.readouterr().out
    assert "no answer" in output
    assert "geheim" not in output
    assert main(["health", f"http://{address}"]) == 1
    assert capsys.readouterr().out.startswith(f"http://{address}: no answer: ")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "localhost:8080"])
def test_other_addresses_are_usage_errors(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["health", url]) == 2
    assert "use http://HOST:PORT/readyz" in capsys.readouterr().err
