"""The coded pixels of the source in an output, where both show the same picture: nothing is encoded again."""

from msgspec import Struct
from PIL import ImageChops
from PIL.Image import Image

from forkresize.formats import OUTPUT_FORMATS, source_name
from forkresize.image.container import replace_metadata
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.encode import Encoded
from forkresize.image.encode.jpeg_in_jxl import pack_jpeg
from forkresize.image.geometry.layout import Layout
from forkresize.image.metadata import MetadataBlocks
from forkresize.image.source_image import SourceImage
from forkresize.recipe import Color, IfLarger, Metadata, Recipe, Rendition


def is_whole(source: SourceImage, layout: Layout, recipe: Recipe) -> bool:
    """Return whether an output shows all of a source at its size, as it is stored, and no step changes it."""
    return source.view.is_identity and layout.is_unscaled and layout.canvas == source.size and len(recipe.steps) == 1


class OwnPixels(Struct, frozen=True, kw_only=True):
    """The coded pixels of a source that an output may have.

    Attributes:
        source: the source, which ``is_whole`` in the output.
        data: its file.
        blocks: the metadata to embed.
        recipe: what is asked for.
        rendition: the same for this output.
        format: name of the output's format.
        image: the picture to encode.
        profile: its color profile.
        diagnostics: receives warnings.
    """

    source: SourceImage
    data: bytes
    blocks: MetadataBlocks
    recipe: Recipe
    rendition: Rendition
    format: str
    image: Image
    profile: bytes | None
    diagnostics: Diagnostics

    @property
    def _own_format(self) -> str:
        return source_name(self.source.image.format)

    def pack_jpeg(self) -> Encoded | None:
        """Return the source as a lossless JPEG XL if it is a JPEG and nothing but the container is to change."""
        if not (self.format == "jxl" and self._own_format == "jpeg" and self._keeps_color()):
            return None
        original = self._with_metadata("jpeg")
        packed = original and pack_jpeg(original, self.rendition.effort)
        if not packed:
            return None
        return Encoded(data=packed, size=self.source.size, quality=None)

    def _keeps_color(self) -> bool:
        """Return whether the color space of the source is that of the output, or shows the same pixels."""
        own = self.source.image
        if own.mode not in {"L", "RGB"}:
            return False
        if self.recipe.color is Color.KEEP or self.source.profile is None:
            return True
        return self.image.mode == own.mode and ImageChops.difference(self.image, own).getbbox() is None

    def smaller(self, encoded: Encoded) -> Encoded:
        """Return the source's own pixels if they take fewer bytes than an encoded file and may be kept."""
        if self.recipe.if_larger is IfLarger.WRITE:
            return encoded
        own = self.pack_jpeg() or self._rewrite()
        if own is None and self._is_same_file_format() and len(self.data) < len(encoded.data):
            self.diagnostics.warn("the source is smaller, but its metadata cannot be removed, so it was encoded again")
        if own is None or len(own.data) >= len(encoded.data) or not self.source.has_sound_pixels(self.data):
            return encoded
        self.diagnostics.warn("kept the source's own pixels, which take fewer bytes than encoding them again")
        return own

    def _rewrite(self) -> Encoded | None:
        original = self._with_metadata(self.format) if self._is_same_file_format() else None
        if original is None:
            return None
        return Encoded(data=original, size=self.source.size, quality=None, is_copy=original is self.data)

    def _with_metadata(self, own_format: str) -> bytes | None:
        """Return the source's file with the metadata of the output; None if its metadata cannot be replaced."""
        original = replace_metadata(self.data, own_format, self.blocks)
        if original is None and self.recipe.metadata is Metadata.ALL and not self.recipe.drop:
            return self.data
        return original

    def _is_same_file_format(self) -> bool:
        own = self.source.image
        return (
            self._own_format == self.format
            and self.profile == self.source.profile
            and self.image.mode in {own.mode, self.source.deep_mode(OUTPUT_FORMATS[self.format].modes)}
        )
