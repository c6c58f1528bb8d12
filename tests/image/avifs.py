"""AVIFs and JPEG XLs for tests, made of parts."""

import io
import struct
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image

from forkresize.formats.boxes import boxes
from forkresize.image.container.avif_items import AvifPicture, Item, Reference, read_picture
from forkresize.image.container.avif_layout import write_picture

Scene = Callable[..., Image.Image]

SECRET = b"SECRET"


def coded(image: Image.Image, name: str, **options: Any) -> bytes:
    if name == "jxl" and "exif" in options:
        options["exif"] = bytes(4) + options["exif"][6:]
    image.save(file := io.BytesIO(), name, **options)
    return file.getvalue()


def meta_of(data: bytes) -> tuple[int, int]:
    return next((start, end) for name, start, end in boxes(data, 0, len(data)) if name == b"meta")


def boxes_end(data: bytes) -> int:
    """Return where the first box ends."""
    return next(end for _name, _start, end in boxes(data, 0, len(data)))


def with_parts(scene: Scene) -> bytes:
    """Return an AVIF with alpha, a gain map, a thumbnail, a depth map and a text."""
    color = coded(scene("RGBA"), "avif", speed=10)
    picture = read_picture(color, *meta_of(color))
    small = coded(scene("L", (40, 20)), "avif", speed=10)
    [gray] = read_picture(small, *meta_of(small)).items
    number = picture.next_number
    names = [(gray.declared, gray.content, gray.properties), (b"tmap\0", b"\0\0\0\0\0gain", gray.properties[:1])]
    mapped, applied = (
        Item(number + place, declared, content, 1, properties)
        for place, (declared, content, properties) in enumerate(names)
    )
    thumbnail = Item(number + 2, gray.declared, gray.content + SECRET, 0, gray.properties)
    kind = b"auxC", bytes(4) + b"urn:mpeg:mpegB:cicp:systems:auxiliary:depth\0"
    depth = Item(number + 5, gray.declared, SECRET + gray.content, 1, [*gray.properties, (kind, True)])
    return write_picture(
        color[: boxes_end(color)],
        AvifPicture(
            primary=picture.primary,
            items=[*picture.items, mapped, applied, thumbnail, depth],
            references=[
                *picture.references,
                Reference(b"dimg", applied.number, (picture.primary, mapped.number)),
                Reference(b"thmb", thumbnail.number, (picture.primary,)),
                Reference(b"auxl", depth.number, (picture.primary,)),
            ],
            alternatives=[(number + 4, applied.number, picture.primary)],
        ),
        [Item(number + 3, b"mime\0text/plain\0", SECRET)],
    )


def with_tiles(scene: Scene, columns: int, rows: int, properties: int = 1) -> bytes:
    """Return an AVIF of tiles that share their bytes.

    Args:
        scene: draws a tile.
        columns: how many there are beside each other.
        rows: how many there are above each other.
        properties: how often each tile has each of its properties.
    """
    color = coded(scene("RGB", (128, 128)), "avif", speed=10)
    [tile] = read_picture(color, *meta_of(color)).items
    size = struct.pack(">HH", 128 * columns, 128 * rows)
    owned: Sequence[Any] = [each for each in tile.properties if each[0][0] != b"ispe"]
    shown = (b"ispe", struct.pack(">4xII", 128 * columns, 128 * rows)), False
    numbers = range(1, 1 + columns * rows)
    last = len(numbers) + 1
    grid = Item(last, b"grid\0", bytes((0, 0, rows - 1, columns - 1)) + size, 0, [shown, *owned[:1]])
    tiles = [Item(number, tile.declared, tile.content, 1, [*tile.properties] * properties) for number in numbers]
    picture = AvifPicture(
        primary=last, items=[grid, *tiles], references=[Reference(b"dimg", last, tuple(numbers))], alternatives=[]
    )
    return write_picture(color[: boxes_end(color)], picture, [])
