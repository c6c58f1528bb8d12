"""The pages of a gateway: they load nothing from other hosts, and are cached until they change."""

import asyncio
import re
from pathlib import Path

import pytest
from markupsafe import Markup

from forkresize.gateway.access.api_keys import create_key
from forkresize.gateway.access.settings import AccessSettings
from forkresize.gateway.app import create_app
from forkresize.gateway.imgproxy.settings import PictureUrlSettings
from forkresize.gateway.page import POLICY
from forkresize.gateway.page.docs import format_prose
from forkresize.gateway.services import Services
from forkresize.gateway.settings import GatewaySettings
from tests.gateway.asgi import call
from tests.gateway.conftest import Gateway

PAGES = ["/", "/docs"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_allows_scripts_and_styles_of_its_own_files_only(path: str, gateway: Gateway) -> None:
    response = gateway.client.get(path)
    assert response.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert not re.search(r"<style|<script(?![^>]* src=)|\sstyle=|\son\w+=|javascript:", response.text)


@pytest.mark.parametrize("path", PAGES)
def test_every_file_that_a_page_names_is_served_for_a_year(path: str, gateway: Gateway) -> None:
    files = re.findall(r'(?:href|src)="(/assets/[^"]+)"', gateway.client.get(path).text)
    assert len(files) >= 2
    for file in files:
        response = gateway.client.get(file)
        assert (response.status_code, response.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
        assert response.headers["content-type"].partition(";")[0] in {"text/css", "text/javascript", "image/svg+xml"}


@pytest.mark.parametrize("path", [*PAGES, "/openapi.json"])
def test_a_page_that_is_known_is_not_sent_again(path: str, gateway: Gateway) -> None:
    first = gateway.client.get(path)
    assert first.headers["cache-control"] == "no-cache"
    again = gateway.client.get(path, headers={"if-none-match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    other = gateway.client.get(path, headers={"if-none-match": '"other"'})
    assert (other.status_code, other.text) == (200, first.text)


@pytest.mark.parametrize(
    "file", ["other/page.css", "{version}/none.css", "{version}/home.html.j2", "{version}/..%2Fdocs.py"]
)
def test_other_files_and_versions_are_not_served(file: str, gateway: Gateway) -> None:
    found = re.search(r"/assets/(\w+)/", gateway.client.get("/").text)
    assert found
    response = gateway.client.get(f"/assets/{file.format(version=found[1])}")
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")


def test_the_overview_names_what_is_served(gateway: Gateway) -> None:
    text = gateway.client.get("/").text
    assert "<code>photos</code>" in text
    for fact in ("10 s", "64.0 MB", "100 megapixels", "unsigned: anyone may ask for any picture"):
        assert f"<dd>{fact}</dd>" in text
    for path in gateway.client.get("/openapi.json").json()["paths"]:
        assert f"<code>{path}</code>" in text


@pytest.mark.parametrize(
    ("has_keys", "unsigned", "key_form", "upload", "form", "note"),
    [
        (False, True, False, False, True, False),
        (True, True, True, True, True, False),
        (True, False, True, True, True, False),
        (False, False, False, False, False, True),
    ],
)
def test_the_page_offers_what_its_visitor_can_do(
    has_keys: bool, unsigned: bool, key_form: bool, upload: bool, form: bool, note: bool, tmp_path: Path
) -> None:
    (tmp_path / "api-keys").write_text(create_key("web", "submitter").line)
    (tmp_path / "keys").write_text(f"{'6b' * 32}:{'73' * 32}\n")
    settings = GatewaySettings(
        roots={"photos": str(tmp_path)},
        unsigned=unsigned,
        picture_urls=PictureUrlSettings(key_file=None if unsigned else str(tmp_path / "keys")),
        access=AccessSettings(api_keys=str(tmp_path / "api-keys") if has_keys else None),
    )

    async def show() -> bytes:
        services = Services(settings)
        status, _, body = await call(create_app(services))
        await services.close()
        assert status == 200
        return body

    body = asyncio.run(show())
    found = b'id="key-form"' in body, b'value="file"' in body, b'id="recipe"' in body, b"it signs none" in body
    assert found == (key_form, upload, form, note)


def test_the_reference_has_every_operation_and_schema(gateway: Gateway) -> None:
    document = gateway.client.get("/openapi.json").json()
    text = gateway.client.get("/docs").text
    operations = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    for anchor in [*operations, *(f"schema-{name}" for name in document["components"]["schemas"])]:
        assert f'id="{anchor}"' in text
    anchors = {*re.findall(r' id="([^"]+)"', text)}
    assert {*re.findall(r'href="#([^"]+)"', text)} <= anchors


def test_prose_is_escaped_and_code_is_marked() -> None:
    text = "A `<b>` & ``c``.\nOn.\n\n<script>"
    assert format_prose(text) == Markup(
        "<p>A <code>&lt;b&gt;</code> &amp; <code>c</code>.\nOn.</p><p>&lt;script&gt;</p>"
    )
