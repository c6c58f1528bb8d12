"""Puts compressed pixels into a PNG; Pillow writes everything else in it: write_png."""

import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from PIL import Image

from forkresize.formats import png

_NAME = "one.png"


def write_png(
    pixel: Image.Image, options: Mapping[str, Any], header: Callable[[bytes], bytes], pixels: Iterable[bytes]
) -> bytes:
    """Return a PNG.

    Args:
        pixel: an image of one pixel, as which Pillow writes the chunks around the pixels.
        options: as for Pillow's ``Image.save``.
        header: changes the content of the chunk IHDR.
        pixels: the compressed pixels in parts; each part that is not empty becomes a chunk IDAT.
    """
    template, file = io.BytesIO(), io.BytesIO()
    # Given the format by its name, Pillow would load the plug-ins of four others.
    template.name = _NAME
    pixel.save(template, **options)
    file.write(png.SIGNATURE)
    for name, length in png.chunks(template):
        content = template.read(length)
        for part in filter(None, pixels) if name == b"IDAT" else [header(content) if name == b"IHDR" else content]:
            file.write(png.make_chunk(name, part))
    return file.getvalue()
