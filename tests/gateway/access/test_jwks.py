"""Sets of keys: which keys are used, when they are fetched, and what happens while they cannot be."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from forkresize.errors import FieldError
from forkresize.gateway.access.jwks import KeySetFile, KeySetUrl, open_key_source, parse_keys
from forkresize.gateway.problem import Problem
from tests.gateway.access.issuer import Issuer
from tests.gateway.access.test_api_keys import Clock


class KeyServer:
    """A server that answers with ``body``, or fails if there is none, and waits until ``may_answer`` is set."""

    def __init__(self) -> None:
        self.body: bytes | None = None
        self.requests = 0
        self.was_asked = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # The library calls it.
                server.requests += 1
                server.was_asked.set()
                assert server.may_answer.wait(30)
                self.send_response(503 if server.body is None else 200)
                self.end_headers()
                self.wfile.write(server.body or b"")

            def log_message(self, *arguments: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/jwks"


@pytest.fixture
def server() -> Iterator[KeyServer]:
    found = KeyServer()
    thread = threading.Thread(target=found.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    found.may_answer.set()
    found.http.shutdown()
    found.http.server_close()
    thread.join()


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


def test_an_unknown_key_is_fetched_at_most_once_a_minute(server: KeyServer, issuer: Issuer) -> None:
    async def look() -> None:
        clock = Clock()
        keys = KeySetUrl(server.url, clock)
        server.body = issuer.jwks("rsa")
        assert await keys.find("rsa") is not None
        server.body = issuer.jwks("rsa", "ec")
        for clock.now in (1.0, 30.0, 59.0):
            assert await keys.find("ec") is None
        assert server.requests == 1
        clock.now = 60.0
        assert await keys.find("ec") is not None
        assert [await keys.find(f"guess{number}") for number in range(50)] == [None] * 50
        assert server.requests == 2

    asyncio.run(look())


def test_many_callers_share_one_fetch_and_the_event_loop_goes_on(server: KeyServer, issuer: Issuer) -> None:
    async def look() -> None:
        server.body = issuer.jwks()
        server.may_answer.clear()
        keys = KeySetUrl(server.url)
        callers = [asyncio.create_task(keys.find("rsa")) for _ in range(20)]
        assert await asyncio.to_thread(server.was_asked.wait, 30)
        # The loop runs while the server does not answer; a caller that leaves does not end the fetch.
        callers[0].cancel()
        await asyncio.sleep(0)
        server.may_answer.set()
        assert all(await asyncio.gather(*callers[1:]))
        assert server.requests == 1

    asyncio.run(look())


def test_keys_outlive_a_failing_server_for_a_day_and_then_no_token_is_verified(
    server: KeyServer, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    async def look() -> None:
        clock = Clock()
        keys = KeySetUrl(server.url, clock)
        with pytest.raises(Problem) as found:
            await keys.find("rsa")
        assert (found.value.status, found.value.retry_after) == (503, 60)
        clock.now = 60.0
        server.body = issuer.jwks()
        assert await keys.find("rsa") is not None
        server.body = None
        clock.now += 86_400
        assert await keys.find("rsa") is not None
        clock.now += 61
        with pytest.raises(Problem):
            await keys.find("rsa")

    asyncio.run(look())
    assert "cannot be fetched" in caplog.text


async def with_withdrawn_key(server: KeyServer, issuer: Issuer, seconds: float) -> KeySetUrl:
    """Return a key set that was fetched this long ago, just before its key "ec" was withdrawn."""
    clock = Clock()
    keys = KeySetUrl(server.url, clock)
    server.body = issuer.jwks("rsa", "ec")
    assert await keys.find("ec") is not None
    server.body = issuer.jwks("rsa")
    clock.now = seconds
    return keys


def test_a_key_that_was_withdrawn_is_dropped_after_ten_minutes(server: KeyServer, issuer: Issuer) -> None:
    async def look() -> None:
        keys = await with_withdrawn_key(server, issuer, 601.0)
        async with asyncio.timeout(30):
            # The one who asks first does not wait.
            while await keys.find("ec") is not None:  # noqa: ASYNC110  # It is the caller's view that counts.
                await asyncio.sleep(0.01)

    asyncio.run(look())


def test_a_key_that_was_withdrawn_while_no_caller_came_is_not_accepted_once_more(
    server: KeyServer, issuer: Issuer
) -> None:
    async def look() -> None:
        keys = await with_withdrawn_key(server, issuer, 1201.0)
        assert await keys.find("ec") is None
        assert await keys.find("rsa") is not None

    asyncio.run(look())


@pytest.mark.parametrize("body", [b"[]", b"{}", b"no json", b'{"keys": []}', b"\xff"])
def test_what_is_not_a_set_of_keys_is_logged_and_gives_no_key(
    server: KeyServer, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    server.body = body
    with pytest.raises(Problem):
        asyncio.run(KeySetUrl(server.url).find("rsa"))
    assert "cannot be fetched" in caplog.text


def test_keys_in_a_file_follow_the_file(tmp_path: Path, issuer: Issuer, caplog: pytest.LogCaptureFixture) -> None:
    file, clock = tmp_path / "keys.json", Clock()
    file.write_bytes(issuer.jwks("rsa"))
    keys = KeySetFile(str(file), clock)
    file.write_bytes(issuer.jwks("ec"))
    clock.now = 1.0
    assert asyncio.run(keys.find("rsa")) is None
    assert asyncio.run(keys.find("ec")) is not None
    file.write_bytes(b"broken")
    clock.now = 2.0
    assert asyncio.run(keys.find("ec")) is None
    assert "none of its keys is valid" in caplog.text


def test_symmetric_keys_keys_without_id_and_keys_for_encryption_are_not_used(issuer: Issuer) -> None:
    secret = {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "kid": "secret", "alg": "HS256"}
    rsa, ec, ed = json.loads(issuer.jwks())["keys"]
    rsa["use"], ec["kid"] = "enc", ""
    assert list(parse_keys(json.dumps({"keys": [secret, rsa, ec, ed]}).encode())) == ["ed"]
    with pytest.raises(ValueError, match="no key has a 'kid'"):
        parse_keys(json.dumps({"keys": [secret, rsa, ec]}).encode())
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_keys(b"[" * 100_000)


@pytest.mark.parametrize("member", ["kid", "use", "alg"])
def test_a_member_of_another_type_makes_a_set_unusable(issuer: Issuer, member: str) -> None:
    keys = json.loads(issuer.jwks("rsa"))["keys"]
    with pytest.raises(ValueError, match="not a JSON Web Key Set"):
        parse_keys(json.dumps({"keys": [{**keys[0], member: ["a"]}]}).encode())


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("http://login.example/jwks", "use https://"),
        ("ftp://login.example/jwks", "use https://"),
        ("https:///jwks", "use https://"),
        ("https://user:geheim@login.example/jwks", "need no user"),
        ("/nowhere/keys.json", "cannot be used: No such file"),
    ],
)
def test_a_place_without_keys_is_refused(place: str, message: str) -> None:
    with pytest.raises(FieldError, match=message) as found:
        open_key_source(place)
    assert found.value.field == "jwks"


def test_a_url_that_is_refused_shows_no_password() -> None:
    with pytest.raises(FieldError, match="example") as found:
        open_key_source("http://user:geheim@login.example/jwks")
    assert "geheim" not in str(found.value)
