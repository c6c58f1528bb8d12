"""Pillow's reader of PCX, for files that are not compressed as well, as GraphicsMagick writes them."""

from PIL import PcxImagePlugin

_ENCODING, _PLANES, _STRIDE = 2, 65, 66
"""Where the header has the compression, the number of planes, and the bytes of a row of one plane."""


class PcxImageFile(PcxImagePlugin.PcxImageFile):
    """A PCX; Pillow takes all for run-length encoded."""

    def _open(self) -> None:
        super()._open()
        assert self.fp is not None  # noqa: S101 -- it was just read.
        place = self.fp.tell()
        self.fp.seek(0)
        header = self.fp.read(_STRIDE + 2)
        self.fp.seek(place)
        if header[_ENCODING] == 0:
            stride = header[_PLANES] * int.from_bytes(header[_STRIDE:], "little")
            raw_mode = self.tile[0].args[0] if isinstance(self.tile[0].args, tuple) else self.tile[0].args
            self.tile = [self.tile[0]._replace(codec_name="raw", args=(raw_mode, stride, 1))]
