"""The coded pixels of the source in an output, where both show the same picture: nothing is encoded again."""

from msgspec import Struct
from msgspec.structs import replace
from PIL import ImageChops
from PIL.Image import Image

from forkresize.formats import OUTPUT_FORMATS, EncodeRequest, source_name
from forkresize.image.container import replace_metadata
from forkresize.image.decode.strict import opens_everywhere
from forkresize.image.deep_image import SIXTEEN_BITS
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.encode import Encoded
from forkresize.image.encode.jpeg_in_jxl import pack_jpeg
from forkresize.image.geometry.layout import Layout
from forkresize.image.metadata import MetadataBlocks, with_orientation
from forkresize.image.source_image import SourceImage
from forkresize.loss import Loss
from forkresize.recipe import Color, IfLarger, Metadata, Recipe, Rendition

_UNPACKED = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA"})
"""The modes of 8 bits per channel between which pixels are unpacked without a change."""

_EFFORT = 8
"""The effort of packing without loss if none is given: oxipng's usual level."""

_OF_DECODING = frozenset({Loss.DEPTH, Loss.HDR, Loss.TRANSPARENCY})
"""What decoding a picture, or encoding it again, may lose."""


def is_whole(source: SourceImage, layout: Layout, recipe: Recipe) -> bool:
    """Return whether an output shows all of a source at its size, and no step changes it."""
    is_complete = source.view.visible_size == source.view.size and layout.canvas == source.size
    return is_complete and layout.is_unscaled and len(recipe.steps) == 1


def find_avoided_losses(encoded: Encoded, source: SourceImage, output: str) -> frozenset[Loss]:
    """Return what a file does not lose, although decoding lost it, since it has the source's own coded pixels.

    Args:
        encoded: the file.
        source: the source.
        output: name of the file's format.
    """
    if not encoded.is_own:
        return frozenset()
    is_rewritten_whole = source_name(source.image.format) == output and OUTPUT_FORMATS[output].is_copied_whole
    keeps_map = source.hdr_part is None or encoded.is_copy or is_rewritten_whole
    return _OF_DECODING if keeps_map else _OF_DECODING - {Loss.HDR}


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
        reserved: bytes that are put behind its file, such as a gain map.
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
    reserved: int = 0

    @property
    def _own_format(self) -> str:
        return source_name(self.source.image.format)

    @property
    def _is_upright(self) -> bool:
        return self.source.view.orientation == 1

    @property
    def would_lose(self) -> bool:
        """Whether the pixels are coded with loss in the output's format, so that encoding them again loses some."""
        return self._own_format == self.format and OUTPUT_FORMATS[self.format].is_coded_with_loss(self.data)

    def pack_jpeg(self) -> Encoded | None:
        """Return the source as a lossless JPEG XL if it is a JPEG and nothing but the container is to change."""
        is_jpeg = self.format == "jxl" and self._own_format == "jpeg" and self._is_upright
        if not is_jpeg or self.source.image.mode not in {"L", "RGB"} or not self._keeps_color():
            return None
        original = self._with_metadata("jpeg")
        packed = original and pack_jpeg(original, self.rendition.effort)
        if not packed:
            return None
        return Encoded(data=packed, size=self.source.size, quality=None, is_own=True)

    def _keeps_color(self) -> bool:
        """Return whether the color space of the source is that of the output, or shows the same pixels."""
        own = self.source.image
        if self.image.mode != own.mode:
            return False
        if self.recipe.color is Color.KEEP or self.profile == self.source.profile:
            return True
        if self._is_upright:
            return ImageChops.difference(self.image, own).getbbox(alpha_only=False) is None
        return self.image.histogram() == own.histogram()

    def repack(self) -> Encoded | None:
        """Return the source's own pixels in as few bytes as possible; None if its metadata cannot be replaced.

        The color profile stays, since pixels that are coded with loss cannot be converted without.
        """
        own = self._rewrite()
        if own is not None and not self._keeps_color():
            self.diagnostics.warn("kept in its color space: converting the pixels would lose some of their quality")
        return own

    def smaller(self, encoded: Encoded) -> Encoded:
        """Return the source's own pixels if they take fewer bytes than an encoded file and may be kept."""
        if self.recipe.if_larger is IfLarger.WRITE and not self.rendition.lossless:
            return encoded
        own = self.pack_jpeg() or (self._rewrite() if self._is_same_file_format() else None)
        wants_smaller = self.recipe.if_larger is not IfLarger.WRITE
        if own is None and wants_smaller and self._is_same_file_format() and len(self.data) < len(encoded.data):
            self.diagnostics.warn("the source is smaller, but its metadata cannot be removed, so it was encoded again")
        if own is None or len(own.data) >= len(encoded.data):
            return encoded
        if not self.rendition.lossless:
            self.diagnostics.warn("kept the source's own pixels, which take fewer bytes than encoding them again")
        return own

    def _rewrite(self) -> Encoded | None:
        """Return the source with the metadata of the output; None if it cannot be replaced, or the pixels are unsound.

        Without loss and with all metadata, it has no more bytes than the source.
        """
        data = self._with_metadata(self.format)
        if data is None or not self.source.has_sound_pixels(self.data):
            return None
        if data is not self.data:
            data = OUTPUT_FORMATS[self.format].repack(data, self._request())
        if self._keeps_all and self.rendition.lossless and len(data) + self.reserved >= len(self.data):
            data = self.data
        return Encoded(data=data, size=self.source.size, quality=None, is_copy=data is self.data, is_own=True)

    @property
    def _keeps_all(self) -> bool:
        return self.recipe.metadata is Metadata.ALL and not self.recipe.drop

    def _request(self) -> EncodeRequest:
        lossless = self.rendition.lossless
        return EncodeRequest(
            mode=self.image.mode,
            size=self.source.image.size,
            frames=self.source.frame_count,
            lossless=lossless,
            effort=self.rendition.effort or (_EFFORT if lossless else None),
        )

    def _with_metadata(self, own_format: str) -> bytes | None:
        """Return the source's file with the metadata of the output; None if its metadata cannot be replaced."""
        blocks = self.blocks
        if not self._is_upright:
            blocks = replace(blocks, exif=with_orientation(blocks.exif, self.source.view.orientation))
        if self._keeps_all and OUTPUT_FORMATS[own_format].is_copied_whole:
            return self._copy()
        original = replace_metadata(self.data, own_format, blocks)
        return self._copy() if original is None and self._keeps_all else original

    def _copy(self) -> bytes | None:
        """Return the source's file; None if other programs may not open it."""
        return self.data if opens_everywhere(self.data, self.source.image.format or "") else None

    def _is_same_file_format(self) -> bool:
        """Return whether the source's file has the pixels of the output, in its format and color space."""
        if self._own_format != self.format or self.profile != self.source.profile or self.rendition.palette:
            return False
        if not (self._is_upright or self.rendition.lossless):
            return False
        if self.source.is_deep:
            # Without alpha that is opaque throughout.
            return self.image.mode in SIXTEEN_BITS
        own = self.source.image.mode
        return self.image.mode == own or {self.image.mode, own} <= _UNPACKED
