"""The documentation site builds without warnings, is complete, and needs no other host."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

pytest.importorskip("sphinx", reason="install the extra docs: the site is built by Sphinx")

ROOT = Path(__file__).parent.parent
PAGES = [page.relative_to(ROOT / "docs").with_suffix("") for page in (ROOT / "docs").rglob("*.md")]

FRAMES = "frames.html"

MEASURE = """<!doctype html><body><iframe width="WIDTH" height="900"></iframe><script>
const frame = document.querySelector("iframe"), pages = PAGES, widths = {};
const measure = (view, page) => {
  const scrolls = (place) => place.tagName !== "ARTICLE"
    && (["auto", "scroll"].includes(view.getComputedStyle(place).overflowX) || scrolls(place.parentElement));
  const places = [...page.querySelectorAll("article, article *")].filter((place) => !scrolls(place));
  return Math.round(Math.max(...places.map((place) => place.getBoundingClientRect().right)));
};
const next = () => {
  if (pages.length) { frame.src = pages[0]; return; }
  const shown = document.createElement("output");
  shown.textContent = JSON.stringify(widths);
  document.body.append(shown);
};
frame.addEventListener("load", () => {
  if (!pages.length || !frame.src.endsWith(pages[0])) return;
  widths[pages.shift()] = measure(frame.contentWindow, frame.contentDocument);
  next();
});
next();
</script></body>"""
"""A page that loads each page in a frame, and shows how far to the right their contents reach, in pixels.

Only what can be scrolled by itself may reach further than the window: the theme cuts off all else.
"""

pytestmark = pytest.mark.slow
needs_browser = pytest.mark.skipif(not shutil.which("chromium"), reason="install chromium: it shows the site")


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "docs", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return folder


def test_every_page_is_in_the_navigation(site: Path) -> None:
    index = (site / "index.html").read_text(encoding="utf-8")
    linked = {*re.findall(r'class="reference internal" href="([\w/.-]+)\.html"', index)}
    assert {str(page) for page in PAGES} - {"index"} <= linked


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    loaded = re.compile(r"""<(?:script|img|link|iframe)[^>]*(?:src|href)=["'](?:https?:)?//|@import|url\(["']?http""")
    files = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert len(files) > len(PAGES)
    assert [file for file in files if loaded.search(file.read_text(encoding="utf-8"))] == []


def test_every_anchor_in_a_link_exists(site: Path) -> None:
    texts = {page: page.read_text(encoding="utf-8") for page in site.rglob("*.html")}
    anchors = {page: {*re.findall(r'id="([^"]+)"', text)} for page, text in texts.items()}
    for page, text in texts.items():
        for path, anchor in re.findall(r'href="([^":#]*)#([^"]+)"', text):
            target = (page.parent / path).resolve() if path else page
            assert target.suffix != ".html" or anchor in anchors[target] | {"", "search"}, f"{page}: {path}#{anchor}"


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The address of a server of the site."""
    handler = partial(QuietHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def browse(url: str, profile: Path) -> str:
    """Return the document that a browser makes of a page and its scripts."""
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={profile}",
        "--virtual-time-budget=60000",
    ]
    command = ["chromium", *options, "--dump-dom", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=110, check=True).stdout


@needs_browser
@pytest.mark.parametrize(
    ("word", "page"),
    [("watermark", "howto/pictures"), ("HEIC", "howto/phone-pictures"), ("max-bytes", "reference/options/output")],
)
def test_the_search_finds_pages(word: str, page: str, address: str, tmp_path: Path) -> None:
    document = browse(f"{address}/search.html?q={word}", tmp_path)
    assert f'href="{page}.html' in document.partition('id="search-results"')[2]


@needs_browser
@pytest.mark.parametrize("width", [390, 800, 1300])
def test_no_page_is_wider_than_the_window(width: int, site: Path, address: str, tmp_path: Path) -> None:
    pages = sorted(str(page.relative_to(site)) for page in site.rglob("*.html") if page.name != FRAMES)
    (site / FRAMES).write_text(
        MEASURE.replace("WIDTH", str(width)).replace("PAGES", json.dumps(pages)), encoding="utf-8"
    )
    document = browse(f"{address}/{FRAMES}", tmp_path)
    measured = json.loads(document.partition("<output>")[2].partition("</output>")[0])
    assert sorted(measured) == pages
    assert {page: wide for page, wide in measured.items() if wide > width} == {}
