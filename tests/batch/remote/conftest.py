import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.protocols import Draw

DrawBytes = Callable[..., bytes]


@pytest.fixture
def draw_bytes(draw: Draw, tmp_path: Path) -> DrawBytes:
    """Draw a picture as ``draw`` does, and return its bytes: ``draw_bytes("a.jpg", size=(w, h), seed=...)``."""

    def make(name: str = "a.jpg", **options: object) -> bytes:
        return draw(tmp_path / "drawn" / name, **options).read_bytes()  # type: ignore[arg-type]

    return make


def width_of(data: bytes) -> int:
    with Image.open(io.BytesIO(data)) as image:
        return image.width
