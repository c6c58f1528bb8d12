"""Boxes that are compressed by Brotli (``brob``; ISO/IEC 18181-2, 9.5), which the extra ``jxl`` has a package for."""

import warnings
from contextlib import suppress
from typing import Any

from forkresize.extras import install_command

MAX_METADATA = 1 << 22
"""Bytes of a box with metadata, unpacked: more than any editor writes."""


def unpack_box(packed: bytes, name: str) -> bytes:
    """Return what a compressed box holds; empty, with a warning, if it is damaged, too large or can't be unpacked.

    Args:
        packed: the content of the box, without the type that it begins with.
        name: what it is, for the warning.
    """
    brotli = _load_brotli()
    if brotli is None:
        warnings.warn(f"compressed {name} was dropped: {install_command('jxl')} adds its reader", stacklevel=1)
        return b""
    decompressor = brotli.Decompressor()
    content, is_whole = b"", False
    # After an error, a decompressor may say that it is finished.
    with suppress(brotli.error):
        content = decompressor.process(packed, output_buffer_limit=MAX_METADATA)
        is_whole = decompressor.is_finished()
    if not is_whole:
        warnings.warn(f"compressed {name} was dropped: it is damaged or too large", stacklevel=1)
    return content if is_whole else b""


def _load_brotli() -> Any:
    """Return the package; None if it is missing, or older than 1.2, where the output cannot be limited."""
    try:
        import brotli
    except ImportError:
        return None
    return brotli if hasattr(brotli.Decompressor, "can_accept_more_data") else None
