"""The HTML report in a browser: nothing is cut at any width, and all text can be read in both themes."""

import base64
import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from forkresize.outcome import Outcome, Reason
from tests.protocols import Draw, MakeOutcome, MakePage

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("chromium"), reason="install chromium: it shows the report"),
]

FRAME = """<!doctype html><body><iframe width="{width}" height="900" srcdoc="{page}"></iframe><script>
const frame = document.querySelector("iframe");
frame.addEventListener("load", () => {{
  const view = frame.contentWindow, page = frame.contentDocument;
  page.querySelectorAll("details").forEach((each) => {{ each.open = true; }});
  const number = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (color) => number(color).slice(0, 3)
    .map((level) => level / 255).map((level) => level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4)
    .reduce((sum, level, index) => sum + level * [0.2126, 0.7152, 0.0722][index], 0);
  const back = (place) => {{
    const color = view.getComputedStyle(place).backgroundColor;
    return number(color)[3] === 0 ? back(place.parentElement) : color;
  }};
  const contrast = (place) => {{
    const levels = [view.getComputedStyle(place).color, back(place)].map(light).sort();
    return (Math.max(...levels) + 0.05) / (Math.min(...levels) + 0.05);
  }};
  const named = (place) => `${{place.tagName}}.${{place.className}} ${{place.textContent.trim().slice(0, 40)}}`;
  const texts = [...page.body.querySelectorAll("*")].filter((place) => place.checkVisibility()
    && !place.disabled && [...place.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  const result = {{
    width: page.documentElement.scrollWidth,
    cut: [...page.querySelectorAll(".scroll, .code, figure, dd")]
      .filter((place) => place.scrollWidth > place.clientWidth + 1).map(named),
    pale: texts.filter((place) => !place.matches("script, style, .skip") && contrast(place) < 4.5).map(named),
    rows: page.querySelectorAll("#table tbody tr").length,
    started: page.querySelector("header p").textContent,
    texts: texts.length,
  }};
  const shown = document.createElement("output");
  shown.textContent = JSON.stringify(result);
  document.body.append(shown);
}});
</script></body>"""


def show(page: str, folder: Path, width: int, theme: str) -> Any:
    """Load a page in a frame of a width, and return what a script measures in it."""
    page = page.replace('<html lang="en">', f'<html lang="en" data-theme="{theme}">')
    (folder / "frame.html").write_text(FRAME.format(width=width, page=html.escape(page)), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--window-size=1600,1000"]
    shown = subprocess.run(
        ["chromium", *options, f"--user-data-dir={folder}/profile", "--dump-dom", (folder / "frame.html").as_uri()],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
        timeout=90,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "TZ": "America/New_York"},
    )
    [result] = re.findall(r"<output>(.*?)</output>", shown.stdout)
    return json.loads(html.unescape(result))


@pytest.fixture
def full_page(
    made: MakePage,
    outcomes: list[Outcome],
    written: MakeOutcome,
    skipped: MakeOutcome,
    failed: MakeOutcome,
    draw: Draw,
    tmp_path: Path,
) -> str:
    """A page with every section, and names and errors that are hard to fit."""
    picture = draw(tmp_path / "a.webp", (256, 192)).read_bytes()
    others = [
        written("a-name-without-any-space-" * 8 + ".jpg", warnings=("damaged XMP was dropped: " + "x" * 300,)),
        skipped("b.jpg", reason=Reason.DUPLICATE),
        failed("c.jpg", error="error" * 60),
    ]
    return made(
        *outcomes,
        *others,
        draw=lambda excerpts: dict.fromkeys(excerpts, picture),
        info={"command": "forkresize in out " + "--exclude 'a b' " * 20, "recipe": "width = 800\n" + "#" * 200},
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 800, 1100, 1300])
def test_nothing_is_cut_and_everything_can_be_read(width: int, theme: str, full_page: str, tmp_path: Path) -> None:
    assert base64.b64encode(b"RIFF")[:4].decode() in full_page
    seen = show(full_page, tmp_path, width, theme)
    assert seen["width"] <= width
    assert seen["cut"] == []
    assert seen["pale"] == []
    assert (seen["rows"], seen["texts"] > 100) == (7, True)


def test_the_time_of_the_reader_is_added_if_it_differs(full_page: str, tmp_path: Path) -> None:
    started = show(full_page, tmp_path, 800, "light")["started"]
    assert "2026-11-23 08:47:00 UTC (Nov 23, 2026, 3:47" in started.replace("\u202f", " ")
