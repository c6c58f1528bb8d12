"""What is in a destination after a run."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from forkresize import Outcome, Summary
from forkresize.store import STATE_DIR

Make = Callable[..., tuple[Summary, list[Outcome]]]
Stage = Callable[[str, bytes], None]


def width(path: Path) -> int:
    with Image.open(path) as image:
        image.load()
        return image.width


def left(tmp_path: Path) -> list[str]:
    found = (path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*"))
    return sorted(str(path) for path in found if path.parts[0] != STATE_DIR)


def write(path: str, data: bytes) -> None:
    Path(path).write_bytes(data)
