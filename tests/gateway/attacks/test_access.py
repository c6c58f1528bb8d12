"""Keys, paths, signatures and tokens of strangers lead nowhere."""

import base64
import time
from pathlib import Path

import pytest

from forkresize.gateway.imgproxy.signature import Signer, SigningKey
from tests.gateway.access.test_tokens import forge
from tests.gateway.attacks.conftest import ISSUED, KEY, SIGNER, Target

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc").exists(), reason="measures by /proc")]


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
