"""The manifest."""

import json
import os

import pytest

from forkresize._version import __version__
from forkresize.formats import OUTPUT_FORMATS, media_type
from forkresize.report.index.manifest import MANIFEST
from forkresize.report.index.outputs import OutputFile, SourceOutputs

ENTRIES = [
    SourceOutputs(
        "a.jpg", 7000, (OutputFile("a-4w.webp", 4, 3, "webp", 90), OutputFile("a-8w.webp", 8, 6, "webp", 200))
    ),
    SourceOutputs("sub/b.png", 8000, (OutputFile("sub/b.jpg", 5, 5, "jpeg", 300),)),
]


def text(entries: list[SourceOutputs]) -> str:
    return "".join(MANIFEST.render(entries, lambda path: f"img/{path}"))


def test_manifest_holds_every_source_with_its_renditions() -> None:
    assert json.loads(text(ENTRIES)) == {
        "generator": "forkresize",
        "schema": 1,
        "version": __version__,
        "sources": [
            {
                "name": "a.jpg",
                "bytes": 7000,
                "renditions": [
                    {
                        "path": "img/a-4w.webp",
                        "width": 4,
                        "height": 3,
                        "format": "webp",
                        "type": "image/webp",
                        "bytes": 90,
                    },
                    {
                        "path": "img/a-8w.webp",
                        "width": 8,
                        "height": 6,
                        "format": "webp",
                        "type": "image/webp",
                        "bytes": 200,
                    },
                ],
            },
            {
                "name": "sub/b.png",
                "bytes": 8000,
                "renditions": [
                    {
                        "path": "img/sub/b.jpg",
                        "width": 5,
                        "height": 5,
                        "format": "jpeg",
                        "type": "image/jpeg",
                        "bytes": 300,
                    }
                ],
            },
        ],
    }


def test_every_source_is_a_line() -> None:
    lines = text(ENTRIES).splitlines()
    assert [json.loads(line.rstrip(","))["name"] for line in lines[1:-1]] == ["a.jpg", "sub/b.png"]


def test_manifest_without_outputs_is_empty() -> None:
    assert json.loads(text([]))["sources"] == []


def test_names_keep_their_bytes(hostile: str) -> None:
    written = text([SourceOutputs(hostile, 1, (OutputFile(hostile, 1, 1, "png", 1),))])
    [entry] = json.loads(written.encode("ascii"))["sources"]
    assert os.fsencode(entry["name"]) == os.fsencode(hostile)
    assert os.fsencode(entry["renditions"][0]["path"]) == os.fsencode(f"img/{hostile}")


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_reformatted_manifest_is_recognized(indent: int | str | None) -> None:
    laid_out = json.dumps(json.loads(text(ENTRIES)), indent=indent)
    assert MANIFEST.beginning.match(laid_out.encode())
    assert MANIFEST.beginning.match(text([]).encode())


@pytest.mark.parametrize("other", [b'{"name": "site", "version": "1.0"}', b"[]", b"{", b"<html>"])
def test_other_files_are_not_recognized(other: bytes) -> None:
    assert not MANIFEST.beginning.match(other)


def test_every_output_format_has_a_media_type() -> None:
    types = {str(name): media_type(name) for name in OUTPUT_FORMATS}
    # As registered with IANA, or else as commonly used.
    assert types == {
        **{
            name: f"image/{name}" for name in ("jpeg", "png", "webp", "avif", "jxl", "gif", "tiff", "bmp", "qoi", "sgi")
        },
        "dib": "image/bmp",
        "dds": "image/vnd.ms-dds",
        "ico": "image/vnd.microsoft.icon",
        "jpeg2000": "image/jp2",
        "pcx": "image/vnd.zbrush.pcx",
        "ppm": "image/x-portable-anymap",
        "tga": "image/x-tga",
    }
