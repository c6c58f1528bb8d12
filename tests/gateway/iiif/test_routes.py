"""The Image API of a gateway that runs: images, information, links, redirects, other origins, errors."""

import io
import time
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.gateway.conftest import DEADLINE, Gateway, StartGateway, run_signed_gateway

pytestmark = pytest.mark.slow

BASE = "iiif/3/photos%2Fbelow%2Fthree.jpg"
PROFILE = '<http://iiif.io/api/image/3/level2.json>;rel="profile"'


def get(gateway: Gateway, path: str, **headers: str) -> httpx.Response:
    return gateway.client.get(path, headers=headers)


def open_image(response: httpx.Response) -> Image.Image:
    assert response.status_code == 200, response.text
    return Image.open(io.BytesIO(response.content))


def test_an_image_is_served_with_its_canonical_uri(gateway: Gateway) -> None:
    response = get(gateway, f"{BASE}/pct:0,0,50,50/!100,100/!90/gray.png")
    image = open_image(response)
    assert (response.headers["content-type"], image.size, image.mode) == ("image/png", (75, 100), "L")
    uri = f"{gateway.url}{BASE}/0,0,321,240/100,75/!90/gray.png"
    assert response.headers["link"] == f'<{uri}>;rel="canonical", {PROFILE}'
    again = get(gateway, uri)
    assert (again.content, again.headers["link"]) == (response.content, response.headers["link"])


@pytest.mark.parametrize(
    ("suffix", "kind"), [("jpg", "JPEG"), ("png", "PNG"), ("gif", "GIF"), ("tif", "TIFF"), ("webp", "WEBP")]
)
def test_every_format_of_the_information_is_served(gateway: Gateway, suffix: str, kind: str) -> None:
    response = get(gateway, f"{BASE}/square/60,/0/default.{suffix}")
    assert open_image(response).format == kind
    assert response.headers["content-type"] == f"image/{kind.lower()}"
    assert suffix in {"jpg", "png", *get(gateway, f"{BASE}/info.json").json()["extraFormats"]}


def test_information_names_the_uri_and_the_upright_size(gateway: Gateway) -> None:
    response = get(gateway, f"{BASE}/info.json")
    document = response.json()
    assert (document["id"], document["width"], document["height"]) == (gateway.url + BASE, 642, 480)
    assert response.headers["content-type"] == ('application/ld+json;profile="http://iiif.io/api/image/3/context.json"')
    assert (response.headers["link"], response.headers["vary"]) == (PROFILE, "accept")
    assert get(gateway, f"{BASE}/info.json", accept="application/json").headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/info.json", "/full/60,/0/default.jpg"])
def test_a_copy_that_is_up_to_date_is_not_sent_again(gateway: Gateway, path: str) -> None:
    first = get(gateway, BASE + path)
    etag, date = first.headers["etag"], first.headers["last-modified"]
    assert first.headers["cache-control"].startswith("public, max-age=")
    for condition in ({"if-none-match": etag}, {"if-none-match": f'"x", {etag}'}, {"if-modified-since": date}):
        again = gateway.client.get(BASE + path, headers=condition)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert gateway.client.get(BASE + path, headers={"if-none-match": '"x"'}).status_code == 200


def test_without_unsigned_callers_need_a_key(photos: Path, tmp_path: Path) -> None:
    with run_signed_gateway(photos, tmp_path) as signed:
        path = f"{BASE}/full/60,/0/default.jpg"
        refused = get(signed.gateway, path)
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "*")
        assert signed.gateway.client.options(path).status_code == 204
        answer = signed.gateway.client.get(path, headers=signed.authorize("reader"))
        assert open_image(answer).size == (60, 45)
        assert answer.headers["cache-control"].startswith("private, max-age=")
        assert answer.headers["vary"] == "authorization"
        information = signed.gateway.client.get(f"{BASE}/info.json", headers=signed.authorize("reader"))
        assert information.headers["vary"] == "accept, authorization"


def test_answers_differ_in_their_etag(gateway: Gateway) -> None:
    paths = ("/info.json", "/full/60,/0/default.jpg", "/full/60,/0/default.png", "/full/60,/90/default.jpg")
    etags = {get(gateway, BASE + path).headers["etag"] for path in paths}
    etags.add(get(gateway, f"{BASE}/info.json", accept="application/json").headers["etag"])
    assert len(etags) == 5


def test_base_uri_redirects_to_the_information(gateway: Gateway) -> None:
    response = get(gateway, "iiif/3/photos%2fbelow%2Fthree%2Ejpg")
    assert (response.status_code, response.headers["location"]) == (303, f"{gateway.url}{BASE}/info.json")


def test_pages_of_other_origins_may_read_everything(gateway: Gateway) -> None:
    for path in (
        f"{BASE}/info.json",
        f"{BASE}/full/50,/0/default.jpg",
        BASE,
        f"{BASE}/full/x/0/default.jpg",
        "iiif/3/x",
    ):
        assert get(gateway, path, origin="https://example.org").headers["access-control-allow-origin"] == "*"
        assert get(gateway, path).headers["access-control-allow-origin"] == "*"
    preflight = {"origin": "https://example.org", "access-control-request-method": "GET"}
    response = gateway.client.options(f"{BASE}/info.json", headers=preflight)
    assert response.status_code == 204
    assert "GET" in response.headers["access-control-allow-methods"]
    assert "authorization" in response.headers["access-control-allow-headers"]
    assert "access-control-allow-origin" not in get(gateway, "livez", origin="https://example.org").headers


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        (f"{BASE}/1,2/max/0/default.jpg", 400, "region"),
        (f"{BASE}/full/full/0/default.jpg", 400, "size"),
        (f"{BASE}/full/700,/0/default.jpg", 400, "size"),
        (f"{BASE}/full/max/400/default.jpg", 400, "rotation"),
        (f"{BASE}/full/max/0/sepia.jpg", 400, "quality"),
        (f"{BASE}/full/max/0/default.jp2", 400, "format"),
        ("iiif/3/photos%2Fnone.jpg/info.json", 404, "key"),
        ("iiif/3/none%2Fone.jpg/info.json", 404, "root"),
        ("iiif/3/photos/info.json", 404, "identifier"),
        ("iiif/3/photos%2F..%2Fone.jpg/info.json", 400, "key"),
        ("iiif/3/photos%2Ftext.txt/info.json", 415, ""),
        ("iiif/3/photos/below/three.jpg/info.json", 404, ""),
        (f"{BASE}/full/max/0", 404, ""),
    ],
)
def test_what_cannot_be_served_is_a_problem(gateway: Gateway, path: str, status: int, field: str) -> None:
    response = get(gateway, path)
    problem = response.json()
    assert (response.status_code, problem["status"], problem.get("field", "")) == (status, status, field)
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["detail"]


def test_escapes_of_other_characters_mean_the_same(gateway: Gateway) -> None:
    response = get(gateway, f"{BASE}/0%2C0%2C100%2C100/%5e200%2C/%210/default%2Ejpg")
    assert response.status_code == 404  # The last part has no dot that is one.
    response = get(gateway, f"{BASE}/0%2C0%2C100%2C100/%5e200%2C/%210/default.jpg")
    assert open_image(response).size == (200, 200)
    assert "/0,0,100,100/^200,200/!0/default.jpg>" in response.headers["link"]


def test_limits_and_public_url_are_those_of_the_options(start_gateway: StartGateway, photos: Path) -> None:
    arguments = ("--root", f"photos={photos}", "--unsigned", "--workers", "1")
    gateway = start_gateway(*arguments, "--max-output", "1", "--public-url", "https://example.org/images")
    document = get(gateway, f"{BASE}/info.json").json()
    assert document["id"] == f"https://example.org/images/{BASE}"
    assert document["maxArea"] == 1_000_000
    assert open_image(get(gateway, f"{BASE}/full/^max/0/default.jpg")).size == (1156, 864)
    assert get(gateway, f"{BASE}/full/^2000,/0/default.jpg").status_code == 400


def test_whole_pictures_are_shared_with_other_urls_by_the_store(photos: Path, tmp_path: Path) -> None:
    store = tmp_path / "web"

    def find_kept() -> list[Path]:
        return [path for path in store.rglob("*.jpg") if ".forkresize" not in path.parts]

    with run_signed_gateway(photos, tmp_path, "--store", str(store)) as site:
        reader = site.authorize("reader")
        proposed = get(site.gateway, f"{BASE}/info.json", **reader).json()["sizes"]
        assert {"width": 321, "height": 240} in proposed
        size = "321,240"
        made = get(site.gateway, f"{BASE}/full/{size}/0/default.jpg", **reader)
        deadline = time.monotonic() + DEADLINE
        while not find_kept():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        (kept,) = find_kept()
        assert kept.read_bytes() == made.content
        # What is neither whole nor of a size that the information proposes is not kept.
        for path in ("0,0,64,64/32,/0/default.jpg", "full/99,/0/default.jpg", f"full/{size}/90/default.jpg"):
            assert get(site.gateway, f"{BASE}/{path}", **reader).status_code == 200
        path = site.signer.url("/rs:fit:321:0/da:1/plain/photos/below/three.jpg@jpg")
        assert get(site.gateway, path).content == made.content
        assert site.gateway.stop() == 0
    assert find_kept() == [kept]
