"""Formats whose pixels are allocated when they are opened: memory is reserved before that."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from forkresize.batch.render_job import render_job
from forkresize.image.decode.eager import eager_pixels
from forkresize.image.source_image import SourceImage
from forkresize.job import Job, Output, Source
from forkresize.outcome import Reason, Written
from forkresize.recipe import Recipe
from forkresize.store import LocalStore

Scene = Callable[..., Image.Image]

LARGE = (1000, 700)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    image.save(file := io.BytesIO(), kind, **options)
    return file.getvalue()


def icon(image: Image.Image, kind: int = 1) -> bytes:
    """Return an icon that says in its directory that its PNG is small."""
    data = saved(image, "PNG")
    return struct.pack("<HHHBBBBHHII", 0, kind, 1, 16, 16, 0, 0, 1, 32, len(data), 22) + data


def files(image: Image.Image) -> dict[str, bytes]:
    alpha = image.convert("RGBA")
    return {"a.webp": saved(image, "WEBP"), "a.ico": icon(alpha), "a.cur": icon(alpha, 2)}


def test_the_pixels_are_found_before_anything_is_opened(scene: Scene) -> None:
    for name, data in files(scene(size=LARGE)).items():
        file = io.BytesIO(data)
        pixels, cost = eager_pixels(file)
        assert (pixels, cost > 4, file.tell()) == (700_000, True, 0), name
    data = saved(scene("RGBA", LARGE), "PNG")
    icons = b"".join(
        name + struct.pack(">I", 8 + len(each)) + each for name, each in ((b"il32", b"other"), (b"ic07", data))
    )
    assert eager_pixels(io.BytesIO(b"icns" + struct.pack(">I", 8 + len(icons)) + icons))[0] == 700_000
    small = saved(scene("RGBA", (48, 32)), "ICO", bitmap_format="bmp", sizes=[(48, 32)])
    assert eager_pixels(io.BytesIO(small))[0] == 48 * 32 * 2
    for other in (saved(scene(), "PNG"), b"", b"\0\0\1\0", b"\0\0\1\0\xff\xff" + bytes(99)):
        assert eager_pixels(io.BytesIO(other))[0] == 0


@pytest.mark.parametrize("name", ["a.webp", "a.ico", "a.cur"])
def test_memory_is_reserved_before_the_file_is_opened(
    name: str, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path := tmp_path / name).write_bytes(files(scene(size=LARGE))[name])
    job = Job(Source(str(path), name, path.stat().st_size), (Output(str(tmp_path / "out"), 0),))
    order: list[Any] = []
    open_it = SourceImage.open

    def recording(*arguments: Any) -> SourceImage:
        order.append("opened")
        return open_it(*arguments)

    monkeypatch.setattr(SourceImage, "open", recording)

    def render(reserve: Callable[[int], object], **options: Any) -> Any:
        order.clear()
        recipe = Recipe.of(width=60, format="jpeg", **options)
        [outcome] = render_job(job, recipe, LocalStore("", "tag"), reserve)
        return outcome.detail

    assert isinstance(render(order.append), Written)
    assert order[0] > 700_000 * 4
    assert order[1] == "opened"

    def refuse(_: int) -> None:
        raise MemoryError("too much")

    assert render(refuse).reason is Reason.MEMORY_LIMIT
    assert order == []
    assert render(order.append, max_pixels=699_999).reason is Reason.TOO_LARGE
    assert order == ["opened"]
