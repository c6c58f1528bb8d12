"""Pictures on demand from a gateway that runs as a command."""

import asyncio
import io
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from PIL import Image, ImageStat

from forkresize.gateway.app import create_app
from forkresize.gateway.imgproxy.signature import Signer, load_keys
from forkresize.gateway.pictures import Picture
from forkresize.gateway.roots import Located
from forkresize.gateway.services import Services
from forkresize.gateway.settings import GatewaySettings, Limits
from forkresize.pool import PoolOptions
from forkresize.recipe import Recipe
from tests.gateway.conftest import Gateway, run_gateway

KEYS = f"{'6b' * 32}:{'73' * 32}\n{'6c' * 32}:{'74' * 32}\n"

PRESET = """
[[steps]]
resize = { fit = "cover" }
[[renditions]]
size = "64x48"
format = "webp"
"""


class Site:
    """A gateway with keys, presets and a watermark, and its client that signs."""

    def __init__(self, gateway: Gateway, keys: Path) -> None:
        self.gateway = gateway
        self.client = gateway.client
        self.keys = load_keys(str(keys))
        self.signer = Signer(self.keys)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(self.signer.url(path), headers={k.replace("_", "-"): v for k, v in headers.items()})

    def open(self, path: str) -> Image.Image:
        response = self.get(path)
        assert response.status_code == 200, response.text
        return Image.open(io.BytesIO(response.content))


@pytest.fixture(scope="module")
def site(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "keys").write_text(KEYS)
    (folder / "thumb.toml").write_text(PRESET)
    (folder / "mark.toml").write_text(
        PRESET.replace("resize =", 'watermark = { image = "red.png", opacity = 1.0 }\n[[steps]]\nresize =')
    )
    for color in ("red", "blue"):
        Image.new("RGB", (30, 30), color).save(folder / f"{color}.png")
    (photos / "summer 2024").mkdir(exist_ok=True)
    Image.new("RGB", (40, 30), "green").save(photos / "summer 2024" / 'sé"a@2x.png')
    options = ["--root", f"photos={photos}", "--workers", "2", "--key-file", "keys", "--watermark", "blue.png"]
    presets = ["--preset", "thumb=thumb.toml", "--preset", "mark=mark.toml"]
    with run_gateway(*options, *presets, cwd=folder) as gateway:
        yield Site(gateway, folder / "keys")


def problem(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    document = response.json()
    assert document["status"] == response.status_code
    return response.status_code, document.get("field", "")


@pytest.mark.parametrize(
    ("path", "output", "size"),
    [
        ("/w:64/plain/photos/one.jpg", "JPEG", (64, 48)),
        ("/rs:fill:40:40/plain/photos/one.jpg@webp", "WEBP", (40, 40)),
        ("/rs:force:40:20/f:png/plain/photos/two.png", "PNG", (40, 20)),
        ("/rs:auto:40:20/plain/photos/one.jpg", "JPEG", (40, 20)),
        ("/rs:auto:20:40/plain/photos/one.jpg", "JPEG", (20, 15)),
        ("/c:100:50:soea/plain/photos/one.jpg", "JPEG", (100, 50)),
        ("/rs:fit:64:64:0:1/plain/photos/below/three.jpg@png", "PNG", (64, 64)),
        ("/pr:thumb/plain/photos/one.jpg", "WEBP", (64, 48)),
        ("/pr:thumb/w:32/f:jpg/plain/photos/one.jpg", "JPEG", (32, 48)),
        ("/plain/photos/summer%202024/s%C3%A9%22a%402x.png", "PNG", (40, 30)),
    ],
)
def test_a_signed_url_gets_its_picture(site: Site, path: str, output: str, size: tuple[int, int]) -> None:
    image = site.open(path)
    assert (image.format, image.size) == (output, size)


def test_either_key_signs_and_a_changed_url_is_refused(site: Site) -> None:
    path = "/w:64/plain/photos/one.jpg"
    for key in site.keys:
        assert site.client.get(Signer([key]).url(path)).status_code == 200
    signature = site.signer.sign(path)
    for url in (f"/i/{signature}/w:65/plain/photos/one.jpg", f"/i/unsafe{path}", f"/i/{signature[:-4]}{path}"):
        assert problem(site.client.get(url)) == (403, "signature")


def test_a_url_is_served_until_it_expires(site: Site) -> None:
    now = int(time.time())
    response = site.get(f"/exp:{now + 100}/cb:1/w:64/plain/photos/one.jpg")
    assert response.status_code == 200
    age = int(response.headers["cache-control"].removeprefix("public, max-age=").removesuffix(", immutable"))
    assert 0 < age <= 100
    assert problem(site.get(f"/exp:{now - 1}/w:64/plain/photos/one.jpg")) == (404, "expires")


def test_what_is_refused_is_named(site: Site) -> None:
    assert problem(site.get("/widht:64/plain/photos/one.jpg")) == (400, "widht")
    assert problem(site.get("/raw:1/plain/photos/one.jpg")) == (400, "raw")
    assert problem(site.get("/g:no:5:5/w:64/plain/photos/one.jpg")) == (400, "gravity")
    assert problem(site.get("/w:64/plain/other/one.jpg")) == (404, "root")
    assert problem(site.get("/w:64/plain/photos/missing.jpg")) == (404, "key")
    assert problem(site.get("/w:64/plain/photos/%2e%2e/one.jpg")) == (400, "key")
    assert problem(site.get("/w:64/plain/photos/text.txt"))[0] == 415


def test_watermarks_are_those_of_the_gateway_and_of_presets(site: Site) -> None:
    blue = site.open("/w:64/wm:1:ce:::0.5/f:png/plain/photos/one.jpg")
    red = site.open("/pr:mark/f:png/plain/photos/one.jpg")
    assert blue.getpixel((32, 24)) == (0, 0, 255)
    assert ImageStat.Stat(red.crop((58, 42, 61, 45))).mean == pytest.approx([255, 0, 0], abs=5)


def test_a_copy_that_is_up_to_date_is_not_made_again(site: Site) -> None:
    path = "/rs:auto:30:20/cb:v1/plain/photos/one.jpg@webp"
    first = site.get(path)
    assert first.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "vary" not in first.headers
    again = site.get(path, If_None_Match=f'"x", W/{first.headers["etag"]}')
    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "last-modified"):
        assert again.headers[name] == first.headers[name]
    assert site.get(path, If_Modified_Since=first.headers["last-modified"]).status_code == 304
    assert site.get(path, If_None_Match='"x"').status_code == 200
    assert site.get(path.replace("30", "31")).headers["etag"] != first.headers["etag"]
    assert site.get(path.replace("cb:v1", "cb:v2")).headers["etag"] == first.headers["etag"]


def test_a_changed_source_has_another_etag(site: Site, photos: Path) -> None:
    Image.new("RGB", (40, 30), "green").save(photos / "changing.png")
    path = "/w:20/plain/photos/changing.png"
    first = site.get(path)
    Image.new("RGB", (40, 30), "yellow").save(photos / "changing.png")
    deadline = time.monotonic() + 60
    while (second := site.get(path, If_None_Match=first.headers["etag"])).status_code == 304:
        assert time.monotonic() < deadline
    assert second.status_code == 200
    assert Image.open(io.BytesIO(second.content)).getpixel((5, 5)) == (255, 255, 0)


def test_auto_answers_with_the_best_format_that_the_client_names(site: Site) -> None:
    path = "/w:64/plain/photos/one.jpg@auto"
    found = {}
    for accept in ("image/avif,image/webp,*/*", "image/webp", "image/avif;q=0.1,image/webp", "*/*"):
        response = site.get(path, Accept=accept)
        assert response.headers["vary"] == "Accept"
        found[accept] = response.headers["content-type"]
        assert site.get(path, Accept=accept, If_None_Match=response.headers["etag"]).headers["vary"] == "Accept"
    assert list(found.values()) == ["image/avif", "image/webp", "image/webp", "image/jpeg"]


def test_the_answer_to_head_is_that_to_get_without_the_picture(site: Site) -> None:
    url = site.signer.url("/w:64/plain/photos/one.jpg")
    head, get = site.client.head(url), site.client.get(url)
    names = ("content-type", "content-length", "etag", "cache-control", "last-modified", "content-disposition")
    assert [head.headers[name] for name in names] == [get.headers[name] for name in names]
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    ("options", "key", "expected"),
    [
        ("", "one.jpg", 'inline; filename="one.jpg"'),
        ("/f:webp/att:1", "below/three.jpg", 'attachment; filename="three.webp"'),
        ("/fn:my%20sea.jpg", "one.jpg", 'inline; filename="my sea.jpg"'),
        ("", 'summer 2024/sé"a@2x.png', "inline; filename=\"s__a@2x.png\"; filename*=UTF-8''s%C3%A9%22a%402x.png"),
    ],
)
def test_a_picture_has_the_name_to_save_it_under(site: Site, options: str, key: str, expected: str) -> None:
    response = site.get(f"/w:20{options}/plain/photos/{quote(key).replace('@', '%40')}")
    assert response.headers["content-disposition"] == expected


def test_many_requests_for_one_picture_make_it_once_also_if_the_first_client_goes_away(photos: Path) -> None:
    # On a busy machine, the workers take a while to start.
    settings = GatewaySettings(
        roots={"photos": str(photos)}, unsigned=True, pool=PoolOptions(workers=1), limits=Limits(timeout=60)
    )
    services = Services(settings)
    render, find = services.pictures.render, services.roots.find
    rendered, found, may_render = list[Recipe](), list[str](), asyncio.Event()

    async def count_renderings(located: Located, recipe: Recipe) -> tuple[Picture, ...]:
        rendered.append(recipe)
        await may_render.wait()
        return await render(located, recipe)

    async def count_requests(name: str, key: str) -> Located:
        located = await find(name, key)
        found.append(key)
        return located

    services.pictures.render = count_renderings  # type: ignore[method-assign]
    services.roots.find = count_requests  # type: ignore[method-assign]

    async def wait_for(items: Sequence[object], count: int) -> None:
        while len(items) < count:  # noqa: ASYNC110  The calls are counted where they are made.
            await asyncio.sleep(0.01)

    async def ask() -> None:
        url = "/i/unsafe/w:600/plain/photos/one.jpg"
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(services)), base_url="http://x"
        ) as client:
            first = asyncio.ensure_future(client.get(url))
            async with asyncio.timeout(60):
                await wait_for(rendered, 1)
                others = [asyncio.ensure_future(client.get(url)) for _ in range(20)]
                await wait_for(found, 21)
                first.cancel()
                await asyncio.wait([first])
                may_render.set()
                answers = await asyncio.gather(*others)
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert first.cancelled()
        await services.close()

    asyncio.run(ask())
    assert len(rendered) == 1


def test_without_signatures_anything_may_stand_in_their_place(gateway: Gateway) -> None:
    for signature in ("unsafe", "insecure", "_"):
        response = gateway.client.get(f"/i/{signature}/w:64/cb:v1/plain/photos/one.jpg")
        assert response.status_code == 200
        assert response.headers["cache-control"] == "public, max-age=3600"


def test_with_presets_only_no_other_option_is_accepted(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "thumb.toml").write_text(PRESET)
    options = ["--unsigned", "--preset", "thumb=thumb.toml", "--presets-only", "--workers", "1"]
    with run_gateway("--root", f"photos={photos}", *options, cwd=tmp_path) as gateway:
        response = gateway.client.get("/i/unsafe/thumb/plain/photos/one.jpg")
        assert (response.status_code, response.headers["content-type"]) == (200, "image/webp")
        assert problem(gateway.client.get("/i/unsafe/w:64/plain/photos/one.jpg")) == (400, "w")
        [url] = gateway.client.post(
            "/v1/sign", json={"paths": ["/thumb/plain/photos/one.jpg"], "expires_in": 60}
        ).json()["urls"]
        assert "/exp:" in url
        assert gateway.client.get(url).content == response.content
