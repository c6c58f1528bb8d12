"""Pillow's reader for AVIF, made to use one thread."""

from PIL import AvifImagePlugin

from forkresize.image.decode.rebind import rebind


class SingleThreadedAvifImageFile(AvifImagePlugin.AvifImageFile):
    """An AVIF that is decoded in one thread: the pictures are spread over the CPUs already."""

    _open = rebind(AvifImagePlugin.AvifImageFile._open, _get_default_max_threads=lambda: 1)  # noqa: SLF001
