"""OpenSeadragon shows a picture of the gateway, tile by tile, on a page of another origin."""

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from PIL import Image

from tests.browser import Browser, find_npm_package, is_installed
from tests.gateway.conftest import Gateway, run_gateway

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not is_installed(), reason="install chromium")]

SIDE = int(os.environ.get("FORKRESIZE_VIEWER_SIDE", "5000"))
"""Pixels; 10,000 make 100 megapixels, which take a minute on two cores."""

FIELDS = 10
"""The picture has as many fields a side, each with its own color."""

PAGE = """\
<!doctype html><meta charset="utf-8"><title>Viewer</title><link rel="icon" href="data:,">
<body style="margin: 0"><div id="viewer" style="width: 800px; height: 800px"></div>
<script src="openseadragon.min.js"></script>
<script>
  const tiles = [], failures = [];
  let loaded = false;
  const viewer = OpenSeadragon({
    id: "viewer", tileSources: new URLSearchParams(location.search).get("source"), drawer: "canvas",
    crossOriginPolicy: "Anonymous", showNavigationControl: false, animationTime: 0, timeout: 60000, tileRetryMax: 3,
  });
  viewer.addHandler("tile-loaded", (event) => tiles.push(event.tile.getUrl()));
  viewer.addHandler("tile-load-failed", (event) => failures.push(event.message));
  viewer.addHandler("open-failed", (event) => failures.push(event.message));
  viewer.addHandler("open", () => viewer.world.getItemAt(0).addHandler(
    "fully-loaded-change", (event) => { loaded = event.fullyLoaded; }));
  function showPixels(x, y) {
    tiles.length = 0;
    loaded = false;
    viewer.viewport.zoomTo(viewer.viewport.imageToViewportZoom(1), null, true);
    viewer.viewport.panTo(new OpenSeadragon.Point(x, y), true);
  }
  function colorAt(x, y) {
    const canvas = viewer.drawer.canvas, scale = canvas.width / 800, copy = document.createElement("canvas");
    const context = copy.getContext("2d", {willReadFrequently: true});
    context.drawImage(canvas, x * scale, y * scale, 1, 1, 0, 0, 1, 1);
    return Array.from(context.getImageData(0, 0, 1, 1).data.slice(0, 3));
  }
</script>
"""


def color_of(across: int, down: int) -> tuple[int, int, int]:
    return 20 + 23 * across, 20 + 23 * down, 128 if (across + down) % 2 else 60


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("large")
    picture = Image.new("RGB", (FIELDS, FIELDS))
    picture.putdata([color_of(across, down) for down in range(FIELDS) for across in range(FIELDS)])
    picture.resize((SIDE, SIDE), Image.Resampling.NEAREST).save(folder / "large.jpg", quality=90)
    with run_gateway("--root", f"photos={folder}", "--unsigned", "--workers", "2", "--timeout", "60s") as found:
        yield found


@pytest.fixture
def page_url(tmp_path: Path) -> Iterator[str]:
    package = find_npm_package("openseadragon")
    if package is None:
        assert not os.environ.get("FORKRESIZE_REQUIRE_SERVERS"), "install openseadragon with npm"
        pytest.skip("install openseadragon with npm")
    (tmp_path / "index.html").write_text(PAGE)
    script = package / "build" / "openseadragon" / "openseadragon.min.js"
    (tmp_path / "openseadragon.min.js").write_bytes(script.read_bytes())
    handler = functools.partial(QuietHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/index.html"
        server.shutdown()
        thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_a_viewer_shows_the_whole_picture_and_then_its_pixels(
    gateway: Gateway, page_url: str, browser: Browser, tmp_path: Path
) -> None:
    source = quote(f"{gateway.url}iiif/3/photos%2Flarge.jpg/info.json", safe="")
    page = browser.open(f"{page_url}?source={source}")
    page.wait_for("loaded")
    field = 800 / FIELDS
    for across, down in ((0, 0), (9, 0), (4, 6), (9, 9)):
        found = page.evaluate(f"colorAt({(across + 0.5) * field}, {(down + 0.5) * field})")
        assert found == pytest.approx(color_of(across, down), abs=8)
    page.screenshot(tmp_path / "whole.png")
    corner = 7.5 / FIELDS
    page.evaluate(f"showPixels({corner}, {corner})")
    page.wait_for("loaded && tiles.length")
    # Field 7 is in the middle.
    assert page.evaluate("colorAt(400, 400)") == pytest.approx(color_of(7, 7), abs=8)
    assert any("/1024,1024/0/default.jpg" in url for url in page.evaluate("tiles"))
    page.screenshot(tmp_path / "pixels.png")
    assert page.evaluate("failures") == []
    assert page.logs == []
