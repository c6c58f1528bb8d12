"""Pictures as bytes, and runs between two stores in memory."""

import io
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from forkresize.batch.remote.renderer import Renderer
from forkresize.batch.remote.source_stores import SourceStores
from forkresize.batch.remote.transfers import Endpoints, TransferExecutor, TransferOptions
from forkresize.pool import PoolOptions
from tests.batch.remote.transferring import RECIPE, DrawBytes, ObservedStore, Start
from tests.protocols import Draw


@pytest.fixture
def draw_bytes(draw: Draw, tmp_path: Path) -> DrawBytes:
    """Draw a picture as ``draw`` does, and return its bytes: ``draw_bytes("a.jpg", size=(w, h), seed=...)``."""

    def make(name: str = "a.jpg", **options: object) -> bytes:
        return draw(tmp_path / "drawn" / name, **options).read_bytes()  # type: ignore[arg-type]

    return make


def width_of(data: bytes) -> int:
    with Image.open(io.BytesIO(data)) as image:
        return image.width


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with Renderer(PoolOptions(workers=2, timeout=30)) as renderer:
        yield renderer


@pytest.fixture
def photos() -> ObservedStore:
    return ObservedStore("photos")


@pytest.fixture
def web() -> ObservedStore:
    return ObservedStore("web")


@pytest.fixture
def start(renderer: Renderer, photos: ObservedStore, web: ObservedStore) -> Iterator[Start]:
    with ExitStack() as stack:

        def make(put_options: Any = None, on_tick: Any = None, **options: Any) -> TransferExecutor:
            ends = Endpoints(SourceStores([photos]), web, *([put_options] if put_options else []))
            executor = TransferExecutor(renderer, RECIPE, ends, TransferOptions(**options), on_tick)
            return stack.enter_context(executor)

        yield make
