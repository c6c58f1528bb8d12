"""The manifest: every source and its renditions as JSON."""

import json
import re
from collections.abc import Iterable, Iterator

from forkresize._version import __version__
from forkresize.formats import media_type
from forkresize.report.index.index_file import IndexFormat, RelativePath
from forkresize.report.index.outputs import SourceOutputs

SCHEMA = 1
"""Incremented when a field changes its meaning."""

_BEGINNING = re.compile(rb'\s*\{\s*"generator":\s*"forkresize"')


def _render(sources: Iterable[SourceOutputs], relative: RelativePath) -> Iterator[str]:
    head = {"generator": "forkresize", "schema": SCHEMA, "version": __version__}
    yield json.dumps(head).removesuffix("}") + ', "sources": ['
    separator = "\n"
    for source in sources:
        yield separator + json.dumps(_entry(source, relative))
        separator = ",\n"
    yield "\n]}\n"


def _entry(source: SourceOutputs, relative: RelativePath) -> dict[str, object]:
    return {
        "name": source.name,
        "bytes": source.size,
        "renditions": [
            {
                "path": relative(output.path),
                "width": output.width,
                "height": output.height,
                "format": output.format,
                "type": media_type(output.format),
                "bytes": output.bytes,
            }
            for output in source.renditions
        ],
    }


MANIFEST = IndexFormat("manifest", _BEGINNING, _render)
r"""A JSON object with a line per source, pure ASCII. A byte 0xNN that is not valid UTF-8 is the escape ``\udcNN``."""
