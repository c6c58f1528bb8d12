"""The workloads that peers.py compares: how their sources are made, and which outputs are wanted."""

import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image, ImageOps

from benchmarks.photographs import draw, scene
from benchmarks.repeat import plant
from benchmarks.tools import Task, forkresize_again

FRAMES = 24
"""Frames of an animation."""

FAST_HEIC = {"preset": "ultrafast"}
"""Only decoding is measured."""


@dataclass(frozen=True)
class Workload:
    """Sources and the requested outputs.

    Attributes:
        name: title in the table.
        plant: creates the sources in an empty folder.
        widths: widths of the outputs in pixels.
        peers: tools that can do it.
        format: format of the outputs.
        quality: of the outputs, 1 to 100.
        bars: targets: how many times as long each peer should take.
        own: the tool of this project that the others are compared with.
        calibrated: peers whose quality is chosen so that their outputs look as good, by SSIMULACRA2.
    """

    name: str
    plant: Callable[[Path, Path | None], None]
    widths: tuple[int, ...]
    peers: tuple[str, ...]
    format: str = "jpeg"
    quality: int = 80
    bars: dict[str, float] = field(default_factory=dict)
    own: str = "forkresize"
    calibrated: tuple[str, ...] = ()


def photographs(folder: Path, corpus: Path | None) -> None:
    """Copy the corpus into a folder, or draw photographs there."""
    if corpus is None:
        for number in range(6):
            draw(folder / str(number), Random(number))
        for path in [*folder.rglob("*.*")]:
            path.rename(folder / f"{path.parent.name}-{path.name}")
        for number in range(6):
            (folder / str(number)).rmdir()
        return
    for path in corpus.iterdir():
        if path.suffix.lower() in {".jpg", ".jpeg"}:
            shutil.copy(path, folder)


def one_photograph(folder: Path, corpus: Path | None) -> None:
    """Copy the photograph whose file has the median size."""
    with tempfile.TemporaryDirectory() as scratch:
        photographs(Path(scratch), corpus)
        by_size = sorted(Path(scratch).iterdir(), key=lambda path: path.stat().st_size)
        shutil.copy(by_size[len(by_size) // 2], folder)


def unchanged(folder: Path, _corpus: Path | None) -> None:
    """Make a tree of 20,000 pictures and all of its outputs."""
    plant(folder / "in", 20_000)
    forkresize_again(Task((), str(folder), str(folder), (16,)))


def tiny(folder: Path, _corpus: Path | None) -> None:
    """Draw 4,000 pictures of 160 x 120 pixels."""
    random = Random(7)
    drawn = [scene((160, 120), random) for _ in range(40)]
    for number in range(4000):
        drawn[number % len(drawn)].save(folder / f"{number:04}.jpg", quality=85)


def upright(corpus: Path | None, step: int = 1) -> Iterator[tuple[str, Image.Image]]:
    """Yield the names and the pixels of the photographs, or of every ``step``-th one."""
    with tempfile.TemporaryDirectory() as scratch:
        photographs(Path(scratch), corpus)
        for path in sorted(Path(scratch).iterdir())[::step]:
            with Image.open(path) as image:
                yield path.stem, ImageOps.exif_transpose(image).convert("RGB")


def convert(folder: Path, corpus: Path | None, suffix: str, *, step: int = 1, **options: Any) -> None:
    """Store the photographs, or every ``step``-th one, in another format, with these options of Pillow."""
    if suffix == "heic":
        import pillow_heif

        pillow_heif.register_heif_opener()
    for name, image in upright(corpus, step):
        image.save(folder / f"{name}.{suffix}", **options)


def deep_tiffs(folder: Path, corpus: Path | None) -> None:
    """Store the photographs as TIFFs with 16 bits per channel, without compression, as scanners do."""
    for name, image in upright(corpus):
        write_deep_tiff(folder / f"{name}.tif", image)


def write_deep_tiff(path: Path, image: Image.Image) -> None:
    """Write RGB with 16 bits per channel, which Pillow does not write (TIFF 6.0, section 6)."""
    pixels = image.tobytes()
    deep = bytearray(2 * len(pixels))
    # 257 times each value: from 0 to 65535.
    deep[::2] = deep[1::2] = pixels
    entries = [
        (256, 4, 1, image.width),
        (257, 4, 1, image.height),
        (258, 3, 3, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 16),
        (277, 3, 1, 3),
        (278, 4, 1, image.height),
        (279, 4, 1, len(deep)),
    ]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    head = struct.pack("<2sHI3H2x", b"II", 42, 16 + len(deep), 16, 16, 16)
    path.write_bytes(head + deep + directory)


def animations(folder: Path, _corpus: Path | None, suffix: str, **options: Any) -> None:
    """Draw animations of 480 x 320 pixels: a photograph across which a shape moves."""
    for number in range(8):
        random = Random(number)
        ground, shape = scene((480, 320), random), scene((90, 90), random)
        frames = []
        for step in range(FRAMES):
            frame = ground.copy()
            frame.paste(shape, (16 * step, 40 + 8 * step))
            frames.append(frame)
        path = folder / f"{number}.{suffix}"
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=80, loop=0, **options)


def phone(folder: Path, corpus: Path | None) -> None:
    """Store the photographs as phones do: two of three as HEIC, the others as JPEG, and a screenshot for each third."""
    import pillow_heif

    pillow_heif.register_heif_opener()
    for number, (name, image) in enumerate(upright(corpus, 2)):
        if number % 3 < 2:  # noqa: PLR2004 -- two of three.
            image.save(folder / f"{name}.heic", quality=80, enc_params=FAST_HEIC)
        else:
            image.save(folder / f"{name}.jpg", quality=90)
            screen = Image.new("RGB", (1170, 2532), "white")
            screen.paste(ImageOps.fit(image, (1170, 900)), (0, 300))
            screen.save(folder / f"{name}-screen.png")


ALL = ("sharp", "vipsthumbnail", "plain Pillow loop")
HEIC_READERS = ("vipsthumbnail", "mogrify", "plain Pillow loop")
"""The binaries of sharp do not read HEIC with HEVC, which is patented."""

WORKLOADS = {
    "one": Workload(
        "one photograph to 800 pixels",
        one_photograph,
        (800,),
        ("empty Python", "sharp", "vipsthumbnail", "plain Pillow loop"),
        bars={"empty Python": 0.1},
    ),
    "unchanged": Workload(
        "20,000 files whose outputs are up to date",
        unchanged,
        (16,),
        ("rsync -an",),
        bars={"rsync -an": 0.5},
        own="forkresize, again",
    ),
    "photographs": Workload(
        "photographs to 800 pixels, JPEG q80",
        photographs,
        (800,),
        ("sharp", "sharp, careful", "vipsthumbnail", "imgp", "mogrify", "gm", "caesiumclt", "plain Pillow loop"),
        bars={"sharp": 1.25, "vipsthumbnail": 1.4, "imgp": 2.5, "mogrify": 3, "caesiumclt": 3},
    ),
    "tiny": Workload(
        "4,000 JPEGs of 160 x 120 to half",
        tiny,
        (80,),
        ("sharp", "plain Pillow loop", "vipsthumbnail", "mogrify", "gm"),
        bars={"sharp": 5, "plain Pillow loop": 1.6},
    ),
    "webp": Workload(
        "photographs to 800 pixels, WebP q80",
        photographs,
        (800,),
        ("sharp", "sharp, careful", "vipsthumbnail", "plain Pillow loop"),
        format="webp",
        bars={"sharp": 1.2},
    ),
    "avif": Workload(
        "photographs to 800 pixels, AVIF q60 or as good",
        photographs,
        (800,),
        ("sharp", "plain Pillow loop"),
        format="avif",
        quality=60,
        bars={"sharp": 4},
        calibrated=("sharp",),
    ),
    "png": Workload(
        "large PNGs to 800 pixels, PNG",
        partial(convert, suffix="png", compress_level=6),
        (800,),
        ALL,
        format="png",
        bars={"sharp": 1.4},
    ),
    "widths": Workload(
        "photographs to five widths",
        photographs,
        (320, 640, 960, 1280, 1600),
        ("sharp", "sharp, one run per width", "plain Pillow loop"),
        bars={"sharp": 3, "sharp, one run per width": 3},
    ),
    "webp-in": Workload("WebPs to 800 pixels, JPEG q80", partial(convert, suffix="webp", quality=88), (800,), ALL),
    "avif-in": Workload(
        "AVIFs to 800 pixels, JPEG q80", partial(convert, suffix="avif", step=2, quality=70, speed=9), (800,), ALL
    ),
    "heic-in": Workload(
        "HEICs to 800 pixels, JPEG q80",
        partial(convert, suffix="heic", step=2, quality=80, enc_params=FAST_HEIC),
        (800,),
        HEIC_READERS,
    ),
    "tiff-in": Workload("16-bit TIFFs to 800 pixels, JPEG q80", deep_tiffs, (800,), ("sharp", "vipsthumbnail")),
    "gif": Workload("animated GIFs to 240 pixels", partial(animations, suffix="gif"), (240,), ("sharp",), format="gif"),
    "animated-webp": Workload(
        "animated WebPs to 240 pixels, q80",
        partial(animations, suffix="webp", quality=85),
        (240,),
        ("sharp",),
        format="webp",
    ),
    "phone": Workload("a phone's HEICs, JPEGs and PNGs to 800 pixels, JPEG q80", phone, (800,), HEIC_READERS),
}
