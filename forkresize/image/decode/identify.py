"""The format of a file, recognized by its content."""

import io
import os
from collections.abc import Iterable
from importlib import import_module
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from forkresize.errors import FieldError
from forkresize.extras import install_command
from forkresize.formats import OUTPUT_FORMATS, SPECS, source_name
from forkresize.formats.package import OptionalPackage
from forkresize.formats.registry import (
    SIGNATURE_LENGTH,
    SUFFIXES,
    WITH_SIGNATURE,
    WITHOUT_SIGNATURE,
    recognize,
    signature,
    unreadable,
)
from forkresize.formats.spec import FormatSpec
from forkresize.image.decode.head import read_head
from forkresize.image.decode.raw import find_preview
from forkresize.image.decode.tolerant import open_image
from forkresize.image.decode.unsupported import HEADER, find_unsupported
from forkresize.image.errors import PictureError, is_os_error, says_unsupported
from forkresize.outcome import Reason
from forkresize.recipe import Recipe, Rendition

_NEW_SUBFILE_TYPE = 254


def identify(file: BinaryIO, name: str) -> ImageFile:
    """Open a picture and read its header.

    Args:
        file: stands at its beginning.
        name: its suffix decides about formats without a signature.

    Raises:
        PictureError: the file is not a picture, is damaged, or has an unsupported format.
        OSError: the operating system cannot read it.
        DecompressionBombError: it has too many pixels.
    """
    preview = find_preview(file, name)
    if preview is not None:
        image = open_image(io.BytesIO(preview.data), ["JPEG"])
        image.raw_size = preview.raw_size  # type: ignore[attr-defined] # for warn_of_preview
        return image
    by_suffix = SUFFIXES.get(os.path.splitext(name)[1].lower())
    try:
        image = open_image(file, _formats_to_try(file, by_suffix))
    except (MemoryError, Image.DecompressionBombError, PictureError):
        raise
    except Exception as error:
        if is_os_error(error):
            raise
        image = _identify_by_plugin(file, by_suffix, error)
    _refuse_thumbnail(image)
    _refuse_deep_jpeg2000(image)
    return image


def _formats_to_try(file: BinaryIO, by_suffix: str | None) -> Iterable[str]:
    """Return the formats that a file may have; its own first, so that others need not be loaded."""
    own = recognize(file.read(SIGNATURE_LENGTH))
    file.seek(0)
    others = (*WITH_SIGNATURE, by_suffix) if by_suffix in WITHOUT_SIGNATURE else WITH_SIGNATURE
    return others if own is None else (own, *(name for name in others if name != own))


def output_format(source: str | None, rendition: Rendition) -> str:
    """Return the name of the format to write.

    Args:
        source: Pillow's name of the source's format.
        rendition: may request a format; otherwise it is the source's, or what is written in its place.

    Raises:
        PictureError: the source's format cannot be written.
    """
    if rendition.format is not None:
        return rendition.format
    own = source_name(source)
    if own in SPECS and SPECS[own].substitute:
        return SPECS[own].substitute
    if own not in OUTPUT_FORMATS:
        raise PictureError(Reason.UNSUPPORTED, f"{source} can be read but not written; choose an output format")
    return own


def _identify_by_plugin(file: BinaryIO, by_suffix: str | None, error: Exception) -> ImageFile:
    """Open a file with an optional decoder, which is loaded for the first such file."""
    file.seek(0)
    head = file.read(HEADER)
    spec = next((SPECS[name] for name, beginning in unreadable().items() if beginning.match(head)), None)
    if spec is None or spec.decoder is None or not load_decoder(spec.decoder):
        raise _unidentified_error(head, spec, by_suffix, error) from error
    file.seek(0)
    try:
        return open_image(file, [spec.name.upper()])
    except UnidentifiedImageError:
        raise PictureError(Reason.DAMAGED, "the header cannot be read") from error


def load_decoder(plugin: OptionalPackage) -> bool:
    """Load an optional decoder, and its encoder if it has one; return whether it is installed."""
    if not plugin.is_installed:
        return False
    module = import_module(plugin.module)
    if plugin.register:
        getattr(module, plugin.register)()
    return True


def load_encoders(recipe: Recipe) -> None:
    """Load the optional packages that write the formats that a recipe names.

    Raises:
        FieldError: one is not installed.
    """
    for name in dict.fromkeys(each.format for each in recipe.renditions if each.format is not None):
        spec = SPECS[name]
        if spec.decoder and not load_decoder(spec.decoder):
            raise FieldError("format", f"{spec.label} cannot be written; {install_command(spec.decoder.extra)} adds it")


def _unidentified_error(head: bytes, spec: FormatSpec | None, by_suffix: str | None, error: Exception) -> PictureError:
    if signature().match(head):
        return _unreadable_header(head, error)
    if spec is not None:
        advice = f"; {install_command(spec.decoder.extra)} adds it" if spec.decoder else ""
        return PictureError(Reason.UNSUPPORTED, f"{spec.label} is not supported{advice}")
    if head:
        return PictureError(Reason.NOT_A_PICTURE, "")
    return PictureError(Reason.DAMAGED if by_suffix else Reason.NOT_A_PICTURE, "the file is empty")


def _unreadable_header(head: bytes, error: Exception) -> PictureError:
    """Return the error for a file of a known format: its header is damaged, or declares what is not supported."""
    unsupported = find_unsupported(head)
    if unsupported:
        return PictureError(Reason.UNSUPPORTED, f"{unsupported} is not supported")
    # The error of the reader that accepted the file's first bytes.
    cause = error.__cause__ or error
    if says_unsupported(cause):
        return PictureError(Reason.UNSUPPORTED, str(cause))
    return PictureError(
        Reason.DAMAGED, "the header cannot be read" if isinstance(error, UnidentifiedImageError) else f"{error}"
    )


def _refuse_deep_jpeg2000(image: ImageFile) -> None:
    # Its decoder would call it broken.
    unsupported = find_unsupported(read_head(image)) if image.format == "JPEG2000" else ""
    if unsupported:
        raise PictureError(Reason.UNSUPPORTED, f"{unsupported} is not supported")


def _refuse_thumbnail(image: ImageFile) -> None:
    # TIFF 6.0, NewSubfileType, bit 0: a reduced version of another image in the file, as in cameras' raw files.
    kind = getattr(image, "tag_v2", {}).get(_NEW_SUBFILE_TYPE, 0)
    if image.format == "TIFF" and isinstance(kind, int) and kind & 1:
        raise PictureError(Reason.UNSUPPORTED, "its first image is a thumbnail, as in a camera's raw file")
