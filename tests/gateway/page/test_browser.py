"""The pages in a browser: they can be read and used in both themes, on narrow screens, and by keyboard."""

import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.browser import Browser, Page, find_npm_package
from tests.gateway.conftest import Gateway, SignedGateway, run_signed_gateway

pytestmark = pytest.mark.slow

PAGES = ["", "docs"]

COMMANDS = {"curl": ["bash", "-c"], "python": [sys.executable, "-c"]}
"""What runs the code of a language."""


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


def fill(page: Page, name: str, value: str) -> None:
    """Type a value into a field of the form, in place of its own."""
    page.evaluate(f"document.getElementById('{name}').focus(); document.activeElement.select?.()")
    page.type(value)


def wait_for_size(page: Page, width: int, height: int) -> None:
    page.wait_for(
        f"(image => !image.hidden && image.naturalWidth === {width} && image.naturalHeight === {height})"
        "(document.getElementById('image'))"
    )


def read_code(page: Page, language: str) -> str:
    page.evaluate(f"document.querySelector('[name=language][value={language}]').click()")
    return str(page.evaluate("document.getElementById('code').textContent"))


@pytest.fixture
def trial(browser: Browser, gateway: Gateway) -> Page:
    """The page, with the form filled in to make ``one.jpg`` 320 pixels wide, as WebP."""
    page = browser.open(gateway.url)
    wait_for_size(page, 642, 480)
    fill(page, "picture", "one.jpg")
    fill(page, "width", "320")
    page.evaluate("document.getElementById('format').value = 'webp'")
    fill(page, "quality", "70")
    wait_for_size(page, 320, 240)
    page.wait_for("document.getElementById('status').textContent.startsWith('320 \u00d7 240 pixels, WEBP')")
    return page


def test_the_form_shows_the_picture_and_its_url(trial: Page, gateway: Gateway) -> None:
    url = trial.evaluate("document.getElementById('url').value")
    assert url == f"{gateway.url}i/unsafe/rs:fit:320:0:0/q:70/f:webp/plain/photos/one.jpg"
    assert gateway.client.get(url).headers["content-type"] == "image/webp"
    assert trial.evaluate("document.querySelector('#image').alt") == "The result: 320 \u00d7 240 pixels"
    assert trial.logs == []


def test_the_code_gets_the_picture(trial: Page, gateway: Gateway, tmp_path: Path) -> None:
    for language, command in COMMANDS.items():
        folder = tmp_path / language
        folder.mkdir()
        subprocess.run([*command, read_code(trial, language)], cwd=folder, check=True, timeout=60, capture_output=True)
        assert (folder / "picture.webp").read_bytes()[8:12] == b"WEBP"
    script = f"(async () => {{ {read_code(trial, 'javascript')} return picture.type; }})()"
    assert trial.evaluate(script) == "image/webp"
    widths = []
    for url, width in re.findall(r"(http\S+) (\d+)w", html.unescape(read_code(trial, "html"))):
        assert gateway.client.get(url).status_code == 200
        widths.append((int(width), f"rs:fit:{width}:0:0" in url))
    assert widths == [(400, True), (800, True), (1600, True)]


def test_a_wrong_option_is_explained_in_the_form(trial: Page) -> None:
    fill(trial, "more", "rot:45")
    trial.wait_for("document.querySelector('#status.bad')?.textContent.startsWith('rot')")
    assert trial.evaluate("document.getElementById('image').hidden")
    fill(trial, "more", "rot:90")
    wait_for_size(trial, 320, 427)


def test_the_form_is_used_by_keyboard(trial: Page) -> None:
    trial.evaluate("document.getElementById('root').focus()")
    names = []
    for _ in range(9):
        trial.press("Tab")
        assert trial.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        names.append(trial.evaluate("document.activeElement.name"))
    assert names == "picture width height fit gravity enlarge format quality blur".split()
    trial.evaluate("document.querySelector('[name=language]').focus()")
    trial.press("ArrowRight")
    assert trial.evaluate("document.getElementById('code').textContent").startswith("curl ")


def test_the_form_fits_a_narrow_window_and_can_be_read(trial: Page) -> None:
    trial.resize(390)
    assert trial.evaluate("document.documentElement.scrollWidth") == 390
    assert check_accessibility(trial) == []


def test_with_a_key_the_form_shows_signed_urls(browser: Browser, photos: Path, tmp_path: Path) -> None:
    with run_signed_gateway(photos, tmp_path) as signed:
        page = browser.open(signed.gateway.url)
        assert page.evaluate("document.getElementById('status').textContent").startswith("Enter a key")
        assert check_accessibility(page) == []
        fill(page, "key", signed.keys["submitter"])
        page.press("Enter")
        wait_for_size(page, 642, 480)
        url = page.evaluate("document.getElementById('url').value")
        assert re.search(r"/i/[\w-]{43}/rs:fit:800:0:0/f:auto/plain/photos/below/three\.jpg$", url)
        assert signed.gateway.client.get(url).status_code == 200
        page.evaluate("document.querySelector('[name=from][value=file]').click()")
        page.choose_file("#file", photos / "two.png")
        page.evaluate("document.getElementById('fit').value = 'fill'; document.getElementById('format').value = ''")
        fill(page, "height", "100")
        fill(page, "width", "150")
        wait_for_size(page, 150, 100)
        environment = {**os.environ, "KEY": signed.keys["submitter"]}
        for language, command in COMMANDS.items():
            code = read_code(page, language).replace("two.png", str(photos / "two.png"))
            (tmp_path / "picture.png").unlink(missing_ok=True)
            done = [*command, code]
            subprocess.run(done, cwd=tmp_path, env=environment, check=True, timeout=60, capture_output=True)
            with Image.open(tmp_path / "picture.png") as picture:
                assert picture.size == (150, 100)
        fill(page, "key", "wrong")
        page.press("Enter")
        page.wait_for("document.querySelector('#status.bad')")


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedGateway]:
    """A gateway that does batches of 40 pictures; one is damaged."""
    folder = tmp_path_factory.mktemp("batches")
    photos = folder / "photos"
    photos.mkdir()
    for number in range(40):
        Image.linear_gradient("L").resize((1600, 1200)).save(photos / f"{number:02}.jpg")
    (photos / "07.jpg").write_bytes((photos / "07.jpg").read_bytes()[:1000])
    options = ["--destination", f"web={folder}/web", "--state-dir", str(folder / "state"), "--batch-workers", "1"]
    with run_signed_gateway(photos, folder, *options) as found:
        yield found


def open_runs(browser: Browser, signed: SignedGateway) -> Page:
    page = browser.open(signed.gateway.url)
    fill(page, "key", signed.keys["submitter"])
    page.press("Enter")
    page.wait_for("document.getElementById('runs-status').textContent !== 'Enter a key above to see runs.'")
    return page


def read_run(text: str) -> str:
    """Return an expression for a text in the first run of the list."""
    return f"document.querySelector('.run .{text}')?.textContent"


def test_a_run_is_followed_to_its_end_and_shows_what_failed(browser: Browser, batches: SignedGateway) -> None:
    page = open_runs(browser, batches)
    fill(page, "destination", "web/small")
    page.evaluate("document.querySelector('#run button').focus()")
    page.press("Enter")
    page.wait_for(f"{read_run('badge')} === 'running'")
    page.wait_for(f"/^[1-9]\\d* of 40 sources/.test({read_run('counts')})")
    page.wait_for(f"{read_run('badge')} === 'failed'")
    page.wait_for(f"{read_run('counts')}.startsWith('40 of 40 sources: 39 written, 1 failed')")
    assert page.evaluate(read_run("failures")).startswith("photos/07.jpg: ")
    page.resize(390)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert check_accessibility(page) == []
    assert page.logs == []
    again = open_runs(browser, batches)
    again.wait_for(f"({read_run('failures')} ?? '').startsWith('photos/07.jpg: ')")


def test_a_run_is_cancelled(browser: Browser, batches: SignedGateway) -> None:
    page = open_runs(browser, batches)
    fill(page, "destination", "web/cancelled")
    page.evaluate("document.querySelector('#run button').click()")
    page.wait_for(f"{read_run('what')} === 'photos → web/cancelled' && {read_run('badge')} === 'running'")
    page.evaluate("document.querySelector('.run .cancel').click()")
    page.wait_for(f"{read_run('badge')} === 'cancelled'")


def test_a_wrong_run_is_explained(browser: Browser, batches: SignedGateway) -> None:
    page = open_runs(browser, batches)
    for name, value, reason in (
        ("destination", "none", "destination: "),
        ("run-recipe", "{", "The recipe is not JSON: "),
    ):
        fill(page, name, value)
        page.evaluate("document.querySelector('#run button').click()")
        page.wait_for(f"document.getElementById('run-status').textContent.startsWith('{reason}')")
        fill(page, name, "web")
