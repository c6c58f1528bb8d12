"""The manifest: every source and its renditions as JSON. Writes no file."""

import json
import re
from collections.abc import Iterable, Iterator

from forkresize._version import __version__
from forkresize.report.index.index_file import IndexFormat, RelativePath
from forkresize.report.index.output_index import OutputFile, SourceOutputs

SCHEMA = 1
"""It grows when a field changes its meaning."""

_BEGINNING = re.compile(rb'\s*\{\s*"generator":\s*"forkresize"')

_MEDIA_TYPES = {
    "dds": "image/vnd.ms-dds",
    "dib": "image/bmp",
    "ico": "image/vnd.microsoft.icon",
    "jpeg2000": "image/jp2",
    "pcx": "image/vnd.zbrush.pcx",
    "ppm": "image/x-portable-anymap",
    "sgi": "image/sgi",
    "tga": "image/x-tga",
}
"""Those that are not called as the format is."""


def media_type(name: str) -> str:
    """Return the media type of a format, given in Pillow's lower-case name."""
    return _MEDIA_TYPES.get(name, f"image/{name}")


def _parts(entries: Iterable[SourceOutputs], place: RelativePath) -> Iterator[str]:
    head = {"generator": "forkresize", "schema": SCHEMA, "version": __version__}
    yield json.dumps(head).removesuffix("}") + ', "sources": ['
    separator = "\n"
    for entry in entries:
        yield separator + json.dumps(_told(entry, place))
        separator = ",\n"
    yield "\n]}\n"


def _told(entry: SourceOutputs, place: RelativePath) -> dict[str, object]:
    return {
        "name": entry.name,
        "bytes": entry.size,
        "renditions": [_rendition(listed, place) for listed in entry.renditions],
    }


def _rendition(listed: OutputFile, place: RelativePath) -> dict[str, object]:
    return {
        "path": place(listed.path),
        "width": listed.width,
        "height": listed.height,
        "format": listed.format,
        "type": media_type(listed.format),
        "bytes": listed.bytes,
    }


MANIFEST = IndexFormat("manifest", _BEGINNING, _parts)
r"""One object, a source a line, pure ASCII. An odd byte 0xNN of a name is the escape ``\udcNN``, as in reports."""
