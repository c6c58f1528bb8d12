"""What the tests of watermarks share: a font in a file."""

import io
from pathlib import Path

import pytest
from PIL import ImageFont


@pytest.fixture
def latin(tmp_path: Path) -> str:
    """Path of a font with few letters but the Latin ones: Pillow's own, in a file."""
    own = ImageFont.load_default(10)
    assert isinstance(own, ImageFont.FreeTypeFont)
    assert isinstance(own.path, io.BytesIO)
    path = tmp_path / "latin.otf"
    path.write_bytes(own.path.getvalue())
    return str(path)
