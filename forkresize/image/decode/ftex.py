"""Pillow's reader of FTEX, which closes the file, so that no other reader could try it."""

import io

from PIL import FtexImagePlugin


class FtexImageFile(FtexImagePlugin.FtexImageFile):
    """A texture of Independence War 2, read from memory."""

    def _open(self) -> None:
        assert self.fp is not None  # noqa: S101 -- it was just opened.
        self.fp = io.BytesIO(self.fp.read())
        super()._open()
