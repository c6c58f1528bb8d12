"""The documentation site builds without warnings, is complete, and needs no other host."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="install the extra docs: the site is built by Sphinx")

ROOT = Path(__file__).parent.parent
PAGES = [page.relative_to(ROOT / "docs").with_suffix("") for page in (ROOT / "docs").rglob("*.md")]

pytestmark = pytest.mark.slow


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


def test_the_search_finds_words_of_pages_of_each_part(site: Path) -> None:
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    expected = {"watermark": "howto/pictures", "ledger": "explanation/repeat-runs", "sigterm": "reference/exit-codes"}
    for word, page in expected.items():
        found = [index[terms].get(word, []) for terms in ("terms", "titleterms")]
        numbers = [number for each in found for number in (each if isinstance(each, list) else [each])]
        assert page in {index["docnames"][number] for number in numbers}
