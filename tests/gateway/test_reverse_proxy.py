"""The settings in deploy/nginx: the gateway behind nginx, with TLS, a cache, and signatures that stay valid."""

import re
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from PIL import Image

from forkresize.gateway.imgproxy.signature import Signer, load_keys
from tests.gateway.conftest import run_gateway
from tests.servers.program import accepts_connections, find_free_port, find_program, run_server, uses

pytestmark = uses("nginx")

SETTINGS = Path(__file__).parents[2] / "deploy/nginx/forkresize.conf"

KEY = "sé a+b%20c@2x#?.png"
"""The key of a picture that has to be escaped in URLs."""


def create_certificate(folder: Path) -> None:
    """Write a certificate of this machine and its key."""
    command = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    files: list[str | Path] = ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run(["openssl", *command.split(), *files], check=True, capture_output=True, timeout=60)  # noqa: S607


def write_settings(folder: Path, port: int, upstream: str) -> Path:
    """Write what nginx reads: the file in ``deploy/`` with the paths and ports of this test."""
    text = SETTINGS.read_text(encoding="utf-8")
    for pattern, new in (
        (r"/var/cache/nginx/forkresize", f"{folder}/cache"),
        (r"ssl_certificate \S+;", f"ssl_certificate {folder}/cert.pem;"),
        (r"ssl_certificate_key \S+;", f"ssl_certificate_key {folder}/key.pem;"),
        (r"listen 443 ", f"listen 127.0.0.1:{port} "),
        (r"127\.0\.0\.1:8080;", f"{upstream};"),
    ):
        text, count = re.subn(pattern, new, text)
        assert count == 1, pattern
    (folder / "forkresize.conf").write_text(text)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    main = f"daemon off;\nuser root;\npid {folder}/pid;\nerror_log stderr;\nevents {{}}\n"
    (folder / "nginx.conf").write_text(f"{main}http {{ access_log off;\n{temporary}include forkresize.conf; }}\n")
    return folder / "nginx.conf"


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text(f"{'6b' * 32}:{'73' * 32}\n")
    return Signer(load_keys(str(file)))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Sends requests to nginx, in front of a gateway whose URLs are signed."""
    program = find_program("nginx", "nginx-light")
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "photos").mkdir()
    Image.linear_gradient("L").resize((200, 100)).save(folder / "photos" / KEY)
    (folder / "keys").write_text(f"{'6b' * 32}:{'73' * 32}\n")
    create_certificate(folder)
    port = find_free_port()
    options = ["--root", f"photos={folder}/photos", "--key-file", "keys", "--workers", "1"]
    with run_gateway(*options, cwd=folder) as gateway:
        settings = write_settings(folder, port, gateway.url.split("/")[2])
        command = [program, "-p", str(folder), "-c", str(settings), "-e", "stderr"]
        with run_server(command, folder / "log", lambda: accepts_connections(port)):
            context = ssl.create_default_context(cafile=str(folder / "cert.pem"))
            with httpx.Client(base_url=f"https://localhost:{port}", verify=context, timeout=60) as found:
                yield found


def test_a_signed_url_of_a_key_with_escapes_is_answered_and_cached(client: httpx.Client, signer: Signer) -> None:
    url = signer.url(f"/rs:fit:50:0/f:webp/plain/photos/{quote(KEY, safe='')}")
    first, second = client.get(url), client.get(url)
    assert (first.status_code, first.headers["content-type"]) == (200, "image/webp")
    assert (first.headers["x-cache"], second.headers["x-cache"]) == ("MISS", "HIT")
    assert first.content == second.content
    known = client.get(url, headers={"if-none-match": first.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


def test_the_cache_keeps_formats_apart(client: httpx.Client, signer: Signer) -> None:
    url = signer.url(f"/rs:fit:50:0/f:auto/plain/photos/{quote(KEY, safe='')}")
    accepted = ("image/avif", "image/webp", "image/avif", "*/*")
    found = [client.get(url, headers={"accept": kind}).headers["content-type"] for kind in accepted]
    assert found == ["image/avif", "image/webp", "image/avif", "image/png"]


def test_errors_come_through_and_are_not_cached(client: httpx.Client) -> None:
    for _ in range(2):
        response = client.get("/i/wrong/plain/photos/none.jpg")
        assert (response.status_code, response.headers["x-cache"]) == (403, "MISS")
        assert response.headers["content-type"] == "application/problem+json"


def test_the_page_comes_through(client: httpx.Client) -> None:
    assert "forkresize gateway" in client.get("/").text


def test_caddy_accepts_its_settings(tmp_path: Path) -> None:
    program = find_program("caddy", "caddy")
    command: list[str | Path] = [
        program,
        "validate",
        "--adapter",
        "caddyfile",
        "--config",
        SETTINGS.parents[1] / "Caddyfile",
    ]
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "Valid configuration" in done.stdout) == (0, True), done.stderr
    assert "not formatted" not in done.stderr
