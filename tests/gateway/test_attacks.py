"""Attacks on a gateway that runs: each ends with a clean answer, and the gateway serves on."""

import base64
import contextlib
import http.client
import io
import os
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from forkresize.gateway.access.api_keys import create_key
from forkresize.gateway.imgproxy.signature import Signer, SigningKey
from tests.gateway.access.issuer import AUDIENCE, ISSUER, Issuer
from tests.gateway.access.test_tokens import forge
from tests.gateway.conftest import DEADLINE, Gateway, run_gateway

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc").exists(), reason="measures by /proc")]

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


@pytest.fixture(scope="module")
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


KEYS = [
    "../outside/secret.jpg",
    "..%2foutside%2fsecret.jpg",
    "%2e%2e/outside/secret.jpg",
    "%2e%2e%2foutside%2fsecret.jpg",
    "%252e%252e%252foutside%252fsecret.jpg",
    "..%5coutside%5csecret.jpg",
    "..%c0%afoutside/secret.jpg",
    "below/../../outside/secret.jpg",
    "../photos.private/secret.jpg",
    "./../outside/secret.jpg",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "//etc/passwd",
    "file:///etc/passwd",
    "http://127.0.0.1/secret.jpg",
    "one.jpg%00.png",
    "%00",
    "one.jpg%0a",
    "link.jpg",
    "up/secret.jpg",
    "text.jpg",
    "",
    ".",
    "..",
    "%ff%fe",
    "a" * 5000,
    "a/" * 2500 + "a",
]


def test_no_key_leaves_its_root(target: Target) -> None:
    bearer = {"authorization": f"Bearer {KEY.key}"}
    for key in KEYS:
        plain = SIGNER.url(f"/rs:fit:80:0/plain/photos/{key}")
        encoded = base64.urlsafe_b64encode(f"photos/{key}".encode()).decode().rstrip("=")
        escaped = key.replace("/", "%2F")
        requests: list[tuple[str, dict[str, str]]] = [(plain, {}), (SIGNER.url(f"/rs:fit:80:0/{encoded}"), {})]
        requests += [(f"/iiif/3/photos%2F{escaped}/full/80,/0/default.jpg", bearer)]
        requests += [(f"/v1/roots/photos/keys?prefix={escaped}", bearer)]
        for path, headers in requests:
            status, body = target.request(path, **headers)
            if path.startswith("/v1/roots") and status == 200:
                assert b"secret" not in body
            else:
                assert 400 <= status < 500, (path, status, body)
            assert b"root:" not in body
            assert target.secret[-1000:] not in body


def test_a_link_inside_its_root_is_followed(target: Target) -> None:
    assert target.request(SIGNER.url("/rs:fit:80:0/plain/photos/inside.jpg"))[0] == 200


@pytest.mark.parametrize(
    "path",
    ["/../../etc/passwd", "/assets/../../../etc/passwd", "/assets/x/..%2f..%2f..%2fsettings.py", "//etc/passwd",
     "/.env", "/%2e%2e/%2e%2e/etc/passwd", "/v1/roots/..%2f..%2fetc/keys",
     "/docs/../v1/runs", "/i/../livez/..", "/\\..\\etc"],
)  # fmt: skip
def test_no_path_leads_to_a_file(target: Target, path: str) -> None:
    status, body = target.request(path)
    assert 400 <= status < 500
    assert b"root:" not in body
    assert b"import" not in body


def test_a_signature_is_valid_for_its_own_url_alone(target: Target) -> None:
    path, other = "/rs:fit:80:0/plain/photos/one.jpg", "/rs:fit:81:0/plain/photos/one.jpg"
    good = SIGNER.sign(path)
    stranger = Signer([SigningKey(b"x" * 32, b"y" * 32)])
    forged = ["unsafe", "insecure", "_", "0", good[:-1], good[:8], good + "A", good.swapcase(), good + "%00", "%ff",
              SIGNER.sign(other), stranger.sign(path), f"{good}=", "A" * 43]  # fmt: skip
    for signature in forged:
        assert target.request(f"/i/{signature}{path}")[0] == 403, signature
    assert target.request(f"/i/{path}")[0] in {403, 404}
    for changed in (other, path + "@png", path.replace("one", "%6fne"), path.replace("/rs", "//rs"), path + "/"):
        assert target.request(f"/i/{good}{changed}")[0] == 403, changed
    assert target.request(f"/i/{good}{path}")[0] == 200
    # A replay is the same picture again; what must end has an expiry.
    assert target.request(f"/i/{good}{path}")[0] == 200
    assert target.request(SIGNER.url(f"/exp:{int(time.time()) - 1}{path}"))[0] == 404
    assert target.request(SIGNER.url(f"/exp:{int(time.time()) + 60}{path}"))[0] == 200
    late = SIGNER.sign(f"/exp:{int(time.time()) + 60}{path}")
    assert target.request(f"/i/{late}/exp:{int(time.time()) + 9999}{path}")[0] == 403


def test_a_forged_token_is_worth_nothing(target: Target) -> None:
    for name, token in forge(ISSUED).items():
        if token and token.isascii():
            status, body = target.request("/v1/transform", "POST", authorization=f"Bearer {token}", content_length="0")
            assert status in {401, 431}, (name, status, body)
            assert token.encode() not in body
    assert target.request("/v1/roots", authorization=f"Bearer {ISSUED.sign(roles=['reader'])}")[0] == 200


@pytest.mark.parametrize("value", ["bytes=0-", "bytes=0-0,-1", "bytes=" + ",".join(["0-"] * 1000), "bytes=9-1", "x"])
def test_ranges_multiply_nothing(target: Target, value: str) -> None:
    url = SIGNER.url("/rs:fit:80:0/plain/photos/one.jpg")
    size = len(target.request(url)[1])
    status, body = target.request(url, range=value)
    assert status in {200, 206, 416}
    assert len(body) <= size + 1000


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "PATCH", "PROPFIND", "DELETE", "POST"])
def test_other_methods_are_refused(target: Target, method: str) -> None:
    for path in ("/", SIGNER.url("/rs:fit:80:0/plain/photos/one.jpg")):
        assert target.request(path, method, content_length="0")[0] in {400, 405}


def head(path: str, *headers: str) -> bytes:
    return "\r\n".join(
        [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {KEY.key}", *headers, "", ""]
    ).encode()


def read_all(connection: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


ENDLESS = [
    (head("/v1/transform?width=8", "Content-Length: 99999999999"), b""),
    (head("/v1/transform?width=8", "Content-Length: " + "9" * 60), b""),
    (head("/v1/transform?width=8", "Transfer-Encoding: chunked"), b"10000\r\n" + b"x" * 65_536 + b"\r\n"),
    (head("/v1/transform?width=8", "Transfer-Encoding: chunked", "Content-Type: multipart/form-data; boundary=b")
     + b"1b\r\n--b\r\nContent-Disposition: \r\n", b"10000\r\n" + b"x" * 65_536 + b"\r\n"),
    (head("/v1/transform?" + "a" * 9000, "Content-Length: 0", "Connection: close"), b""),
    (head("/", "X: " + "y" * 40_000, "Content-Length: 0", "Connection: close"), b""),
    (head("/", *["X: y"] * 200, "Content-Length: 0", "Connection: close"), b""),
    (head("/", "Transfer-Encoding: chunked"), b"10000\r\n" + b"x" * 65_536 + b"\r\n"),
    (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"ext=" + b"e" * 65_536),
    (b"GET /", b"a" * 65_536),
    (b"GET / HTTP/1.1\r\n", b"X: y\r\n" * 10_000),
    (b"GET / HTTP/1.1\r\nX: ", b"y" * 65_536),
]  # fmt: skip


def send_without_end(target: Target, start: bytes, repeated: bytes) -> bytes:
    """Send a part of a request again and again until the gateway has enough; return its answer."""
    with target.connect() as connection:
        connection.sendall(start)
        deadline = time.monotonic() + DEADLINE
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while repeated:
                connection.sendall(repeated)
                assert time.monotonic() < deadline, start
        return read_all(connection)


def test_what_never_ends_is_ended(target: Target) -> None:
    with ThreadPoolExecutor(len(ENDLESS)) as threads:
        answers = [threads.submit(send_without_end, target, *parts) for parts in ENDLESS]
        for (start, repeated), answer in zip(ENDLESS, answers, strict=True):
            response = answer.result()
            # A client that goes on sending may lose the answer.
            assert not response or 400 <= int(response[9:12]) < 500, (start, response[:100])
            assert response or repeated, start


def send_slowly(target: Target, start: bytes) -> tuple[bytes, float]:
    """Send 10,000 bytes an hour until the gateway has enough; return its answer, and the seconds that it took."""
    started = time.monotonic()
    with target.connect() as connection:
        connection.sendall(start)
        connection.settimeout(0.36)
        while time.monotonic() - started < DEADLINE:
            with contextlib.suppress(TimeoutError):
                return connection.recv(1 << 16), time.monotonic() - started
            connection.sendall(b"x")
    return b"", time.monotonic() - started


def test_slow_clients_are_given_up_together(target: Target) -> None:
    starts = [b"GET /", b"GET / HTTP/1.1\r\nX: ", head("/v1/transform?width=8", "Content-Length: 1000000"),
              head("/v1/transform?width=8", "Transfer-Encoding: chunked") + b"fffff\r\n"] * 10  # fmt: skip
    with ThreadPoolExecutor(len(starts)) as threads:
        answers = [threads.submit(send_slowly, target, start) for start in starts]
        # Others are served while they wait.
        assert target.is_well()
        for answer in answers:
            response, seconds = answer.result()
            assert response.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
            assert seconds < 30


SMUGGLED = f"GET {SIGNER.url('/rs:fit:33:0/plain/photos/one.jpg')} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 5"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        ["Transfer-Encoding: identity, chunked, identity"],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: 5,5"],
        ["Content-Length: 5", " folded: yes"],
        ["Content-Length : 5"],
        ["Content-Length: 0\nTransfer-Encoding: chunked"],
    ],
)
def test_two_readings_of_a_request_are_one_refusal(target: Target, headers: list[str]) -> None:
    with target.connect() as connection:
        connection.sendall(head("/", *headers) + b"0\r\n\r\n" + SMUGGLED)
        connection.shutdown(socket.SHUT_WR)
        response = read_all(connection)
    assert response.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert response.count(b"HTTP/1.1") == 1


def test_a_thousand_connections_leave_room_for_the_health_check(target: Target) -> None:
    with contextlib.ExitStack() as stack:
        some = [stack.enter_context(target.connect()) for _ in range(MAX_CONNECTIONS - 50)]
        for number, connection in enumerate(some):
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" if number % 2 else b"GET / HT")
        assert target.is_well()
        rest = [stack.enter_context(target.connect()) for _ in range(1000 - len(some))]
        refused = 0
        for connection in rest:
            connection.settimeout(DEADLINE)
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = read_all(connection)
            refused += answer.startswith(b"HTTP/1.1 503 ") or not answer
        assert refused > 0
        assert all(connection.recv(12) == b"HTTP/1.1 200" for connection in some[1::2])


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def draw_png(width: int, height: int, *chunks: bytes, size: int | None = None) -> bytes:
    """Return a gray PNG of zeros, whose pixels may have another size than its header says."""
    pixels = zlib.compress(bytes((width + 7) // 8 + 1) * height if size is None else bytes(size))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def draw_gif(frames: int, side: int) -> bytes:
    file = io.BytesIO()
    images = [Image.new("P", (side, side), number % 2) for number in range(frames)]
    images[0].save(
        file, "GIF", save_all=True, append_images=images[1:], duration=[20 + each % 2 for each in range(frames)]
    )
    return file.getvalue()


def make_bombs() -> dict[str, bytes]:
    """Return files that are small, and want to be large."""
    text = zlib.compress(bytes(100_000_000))
    tiff = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(tiff, "TIFF", compression="tiff_adobe_deflate")
    return {
        "144 megapixels": draw_png(12_000, 12_000),
        "a side of 2**31": draw_png(2**31 - 1, 1, size=10),
        "more pixels than its header says": draw_png(100, 100, size=100_000_000),
        "a text of 100 MB": draw_png(10, 10, chunk(b"zTXt", b"Comment\0\0" + text)),
        "a profile of 100 MB": draw_png(10, 10, chunk(b"iCCP", b"x\0\0" + text)),
        "20,000 texts": draw_png(10, 10, *[chunk(b"tEXt", b"Comment\0" + b"x" * 100)] * 20_000),
        "a TIFF of 144 megapixels": tiff.getvalue(),
        "500 frames": draw_gif(500, 64),
        "a chunk of 4 GB": b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR",
        "a JPEG of 65,535 x 65,535": bytes.fromhex("ffd8 ffc0 0011 08 ffff ffff 03 012200 021101 031101"),
    }


def test_decompression_bombs_end_with_the_reason(target: Target) -> None:
    client = target.gateway.client
    for name, bomb in make_bombs().items():
        headers = {"authorization": f"Bearer {KEY.key}"}
        response = client.post("v1/transform", content=bomb, params={"width": 8, "format": "png"}, headers=headers)
        assert response.status_code in {200, 413, 415, 422}, (name, response.status_code, response.text)
        if response.status_code != 200:
            assert response.json().get("reason"), (name, response.text)


def test_uploads_of_many_clients_at_once_are_bounded(target: Target) -> None:
    body: Any = b"\xff\xd8" + bytes(3_900_000)
    before = target.rss()
    with ThreadPoolExecutor(16) as threads:
        send = lambda _: target.gateway.client.post(  # noqa: E731
            "v1/transform", content=body, params={"width": 8}, headers={"authorization": f"Bearer {KEY.key}"}
        )
        statuses = {response.status_code for response in threads.map(send, range(64))}
    assert statuses <= {413, 415, 422, 503}
    assert target.rss() - before < MAX_GROWTH
