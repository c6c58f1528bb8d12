"""The fast decoder gives the pixels, the metadata and the errors that Pillow gives."""

import io
import os
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from forkresize import Recipe, run
from forkresize.image.decode import png as decode_png
from forkresize.image.decode.png import FastPngImageFile, TolerantPngImageFile, fast_decoder
from forkresize.image.decode.tolerant import accept_truncated, open_image
from forkresize.outcome import Outcome, Written
from tests.image.decode.pngs import chunk, chunks, damaged, drawn, has_wrong_sum, interlaced, is_huge, joined, saved

pytest.importorskip("micro_reader_codecs")

Scene = Callable[..., Image.Image]
Render = Callable[..., Outcome]


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Note of each PNG whether the fast decoder read it."""
    found: list[bool] = []
    decode = FastPngImageFile._decode  # noqa: SLF001

    def noting(image: FastPngImageFile) -> object:
        pixels = decode(image)
        found.append(pixels is not None)
        return pixels

    monkeypatch.setattr(FastPngImageFile, "_decode", noting)
    return found


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[..., Any] | None], None]]:
    """Put a function in the place of the decoder; None for a system without it."""

    def replace(function: Callable[..., Any] | None) -> None:
        module = None if function is None else SimpleNamespace(png_decode_into=function)
        monkeypatch.setattr(decode_png, "fast_decoder", lambda: module)

    yield replace
    fast_decoder.cache_clear()


def seen(reader: type[PngImagePlugin.PngImageFile], data: bytes, *, truncated: bool = False) -> tuple[Any, ...]:
    """Return all that a reader finds, or its error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = reader(io.BytesIO(data), "")
            if truncated:
                accept_truncated(image)
            image.load()
        return image.mode, image.size, image.tobytes(), image.info, image.text, image.private_chunks
    except Exception as error:  # noqa: BLE001 -- any may be raised, but the same.
        return type(error), str(error)


def both(data: bytes, *, truncated: bool = False) -> tuple[Any, ...]:
    """Return what Pillow finds; fail if the fast reader finds anything else."""
    expected = seen(TolerantPngImageFile, data, truncated=truncated)
    assert seen(FastPngImageFile, data, truncated=truncated) == expected
    return expected


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (333, 257)])
def test_pixels_of_8_bits_come_from_the_fast_decoder(
    mode: str, size: tuple[int, int], scene: Scene, fast: list[bool]
) -> None:
    assert both(saved(scene(mode, (400, 300)).resize(size)))[0] == mode
    assert fast == [True]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_large_picture_is_unpacked_in_parts(mode: str, scene: Scene, fast: list[bool]) -> None:
    picture = scene(mode, (1501, 1103))
    assert both(saved(picture))[2] == picture.tobytes()
    assert fast == [True]


@pytest.mark.parametrize("mode", ["1", "P", "LA", "I;16"])
def test_other_pixels_are_left_to_pillow(mode: str, scene: Scene, fast: list[bool]) -> None:
    assert both(saved(scene(mode)))[0] == mode
    assert fast == []


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_grays_and_palettes_of_few_bits_are_left_to_pillow(depth: int, scene: Scene, fast: list[bool]) -> None:
    both(saved(scene("P").quantize(1 << depth), bits=depth))
    row = b"\0" + bytes(range(9))
    header = struct.pack(">IIBBBBB", 72 // depth, 1, depth, 0, 0, 0, 0)
    both(joined([(b"IHDR", header), (b"IDAT", zlib.compress(row)), (b"IEND", b"")]))
    assert fast == []


@pytest.mark.parametrize("color", [2, 6])
def test_deep_colors_are_left_to_pillow(color: int, fast: list[bool]) -> None:
    row = b"\0" + bytes(range(96))
    header = struct.pack(">IIBBBBB", 96 // (6 if color == 2 else 8), 1, 16, color, 0, 0, 0)
    assert both(joined([(b"IHDR", header), (b"IDAT", zlib.compress(row)), (b"IEND", b"")]))[0].startswith("RGB")
    assert fast == []


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_passes_are_left_to_pillow(mode: str, scene: Scene, fast: list[bool]) -> None:
    picture = scene(mode, (37, 29))
    assert both(interlaced(picture))[2] == picture.tobytes()
    assert fast == []


def test_animations_are_left_to_pillow(scene: Scene, fast: list[bool]) -> None:
    both(saved(scene(), save_all=True, append_images=[scene().rotate(9)]))
    both(saved(scene(), save_all=True, append_images=[scene().rotate(9)], default_image=True))
    assert fast == []


@pytest.mark.parametrize(("mode", "color"), [("L", 7), ("RGB", (255, 0, 0))])
def test_a_transparent_color_is_kept(mode: str, color: object, scene: Scene, fast: list[bool]) -> None:
    assert both(saved(scene(mode), transparency=color))[3]["transparency"] == color
    assert fast == [True]


def test_what_follows_the_pixels_is_read(scene: Scene, fast: list[bool]) -> None:
    info = PngImagePlugin.PngInfo()
    info.add(b"prVt", b"private", after_idat=True)
    late = chunk(b"tEXt", b"Title\0late") + chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\0\0\0\0\0")
    data = saved(scene(), pnginfo=info)
    data = data[:-12] + late + data[-12:]
    assert both(data)[4] == {"Title": "late"}
    assert "exif" in both(data)[3]
    assert both(data)[5] == [(b"prVt", b"private", True)]
    assert all(fast)


def test_the_reader_of_pngs_is_the_fast_one(scene: Scene, fast: list[bool]) -> None:
    image = open_image(io.BytesIO(saved(scene())), ["PNG"])
    assert image.load() is not None
    assert fast == [True]


@pytest.mark.parametrize("seed", range(20))
def test_any_picture_and_any_damage_gives_what_pillow_gives(seed: int) -> None:
    random, known = Random(seed), 0  # noqa: S311 -- seeded on purpose.
    for _ in range(60):
        data = damaged(drawn(random), random)
        if is_huge(data) or has_wrong_sum(data):
            known += 1
            continue
        both(data, truncated=random.random() < 0.2)
    assert known < 20


def test_a_wrong_sum_over_all_pixels_is_tolerated_if_those_of_the_chunks_are_right(scene: Scene) -> None:
    picture = scene()
    parts = [(name, content[:-1] + b"?" if name == b"IDAT" else content) for name, content in chunks(saved(picture))]
    assert seen(TolerantPngImageFile, joined(parts))[1] == "broken data stream when reading image file"
    assert seen(FastPngImageFile, joined(parts))[2] == picture.tobytes()


def test_a_file_with_a_wrong_sum_is_not_kept_as_it_is(tmp_path: Path, result: Render) -> None:
    Image.new("RGB", (200, 100), "red").save(tmp_path / "small.png", compress_level=9)
    small = (tmp_path / "small.png").read_bytes()
    parts = [(name, content[:-1] + b"?" if name == b"IDAT" else content) for name, content in chunks(small)]
    for data, is_kept in ((small, True), (joined(parts), False)):
        outcome = result(data, width=200, if_larger="keep-original", metadata="all", effort=1)
        assert isinstance(outcome.detail, Written)
        assert ((tmp_path / "out" / "source.png").read_bytes() == data) is is_kept


class PanicException(BaseException):
    pass


@pytest.mark.parametrize("error", [ValueError("refused"), MemoryError(), PanicException("panicked"), None])
def test_pillow_reads_what_the_decoder_does_not(
    error: BaseException | None, scene: Scene, use: Callable[..., None]
) -> None:
    def fail(_data: bytes, pixels: Any) -> tuple[int, ...]:
        pixels[:3] = b"bad"
        if error:
            raise error
        return 1, 2, 3, 8

    use(fail)
    picture = scene()
    assert both(saved(picture))[2] == picture.tobytes()


def test_pillow_reads_all_without_the_package(scene: Scene, use: Callable[..., None]) -> None:
    use(None)
    picture = scene()
    assert both(saved(picture))[2] == picture.tobytes()


def test_the_package_is_loaded_for_the_first_png_alone(tmp_path: Path, scene: Scene) -> None:
    scene().save(tmp_path / "a.jpg")
    scene().save(tmp_path / "b.png")
    code = (
        "import sys; from forkresize import Recipe, render; recipe = Recipe.of(width=9)\n"
        "for name in ('a.jpg', 'b.png'):\n"
        "    render(f'{sys.argv[1]}/{name}', f'{sys.argv[1]}/out-{name}', recipe)\n"
        "    print('micro_reader_codecs' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["False False", "True False"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists threads")
def test_decoding_starts_no_thread(scene: Scene, fast: list[bool]) -> None:
    before = os.listdir("/proc/self/task")
    both(saved(scene(size=(1200, 900))))
    assert fast == [True]
    assert os.listdir("/proc/self/task") == before


def test_sandboxed_workers_can_use_the_decoder(tmp_path: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    decode = FastPngImageFile._decode  # noqa: SLF001

    def insisting(image: FastPngImageFile) -> object:
        pixels = decode(image)
        assert pixels is not None, "not decoded"
        return pixels

    monkeypatch.setattr(FastPngImageFile, "_decode", insisting)
    (tmp_path / "in").mkdir()
    for number in range(4):
        scene(size=(300, 200)).save(tmp_path / "in" / f"{number}.png")
    summary = run([tmp_path / "in"], tmp_path / "out", Recipe.of(width=60))
    assert summary.exit_code == 0, summary
    assert len(list((tmp_path / "out").glob("*.png"))) == 4
