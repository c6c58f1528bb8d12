"""The formats whose decoders come as extras of the package. Decodes nothing."""

from importlib import import_module
from importlib.util import find_spec

from msgspec import Struct


class DecoderPlugin(Struct, frozen=True):
    """A format that Pillow reads with a plug-in.

    Attributes:
        name: of the extra, as pip is told.
        format: what Pillow calls the format.
        module: of the plug-in.
        register: the function that has to be called; None where importing does it.
    """

    name: str
    format: str
    module: str
    register: str | None = None

    def load(self) -> bool:
        """Load the plug-in if it is installed; return whether it is."""
        if find_spec(self.module) is None:
            return False
        plugin = import_module(self.module)
        if self.register:
            getattr(plugin, self.register)()
        return True


DECODER_PLUGINS = {
    "HEIC": DecoderPlugin("heif", "HEIF", "pillow_heif", "register_heif_opener"),
    "JPEG XL": DecoderPlugin("jxl", "JXL", "pillow_jxl"),
}
"""By the names that files of these formats are told of."""
