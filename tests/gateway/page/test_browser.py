"""The pages in a browser: they can be read and used in both themes, on narrow screens, and by keyboard."""

import os
from typing import Any

import pytest

from tests.browser import Browser, Page, find_npm_package
from tests.gateway.conftest import Gateway

pytestmark = pytest.mark.slow

PAGES = ["", "docs"]


def check_accessibility(page: Page) -> list[str]:
    """Return what axe-core finds to be hard to use."""
    package = find_npm_package("axe-core")
    if package is None:
        assert not os.environ.get("FORKRESIZE_REQUIRE_SERVERS"), "install axe-core with npm"
        pytest.skip("install axe-core with npm")
    page.evaluate((package / "axe.min.js").read_text(encoding="utf-8"))
    found: Any = page.evaluate("axe.run().then((found) => found.violations)")
    return [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in found]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_its_window_and_can_be_read(
    path: str, width: int, dark: bool, browser: Browser, gateway: Gateway
) -> None:
    page = browser.open(f"{gateway.url}{path}", width=width, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(13, 17, 23)" if dark else "rgb(246, 248, 250)"
    )
    assert check_accessibility(page) == []
    assert page.logs == []


def test_without_scripts_the_overview_shows_what_is_served(browser: Browser, gateway: Gateway) -> None:
    page = browser.open(gateway.url, scripts=False)
    text = page.evaluate("document.body.innerText")
    assert "photos" in text
    assert "/v1/roots" in text
    assert "switch on JavaScript" in text
    assert "Try a recipe" not in text
