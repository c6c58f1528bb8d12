"""An HTML fragment with a ``<picture>`` for every source."""

import html
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from forkresize.formats import OUTPUT_FORMATS, media_type
from forkresize.report.index.index_file import IndexFormat, RelativePath
from forkresize.report.index.outputs import OutputFile, SourceOutputs
from forkresize.report.terminal.plain import printable

_MARK = "<!-- Made by forkresize, which writes this file anew. -->\n"

_BEGINNING = re.compile(rb"\s*<!-- Made by forkresize")

_SHOWN = sorted((spec.browsers.all, spec.browsers.rank, name) for name, spec in OUTPUT_FORMATS.items() if spec.browsers)

_MODERN = [name for is_universal, _rank, name in _SHOWN if not is_universal]
"""Formats that some browsers do not show, the smallest first: a browser takes the first that it supports."""

_UNIVERSAL = [name for is_universal, _rank, name in _SHOWN if is_universal]
"""Formats that every browser shows, in order of preference. Only the first one present is used."""

_SIZES = "100vw"
"""The browsers' default, because the layout of the page is unknown."""


def _render(sources: Iterable[SourceOutputs], relative: RelativePath) -> Iterator[str]:
    yield _MARK
    for source in sources:
        yield from _pictures(source, relative)


def _pictures(source: SourceOutputs, relative: RelativePath) -> Iterator[str]:
    shown = [output for output in source.renditions if output.format in {*_MODERN, *_UNIVERSAL}]
    name = html.escape(printable(source.name), quote=False)
    yield f"\n<!-- {name} -->\n" if shown else f"\n<!-- {name}: no output in a format that browsers show -->\n"
    for group in group_by_shape(shown):
        yield _picture(group, relative)


def group_by_shape(outputs: Iterable[OutputFile]) -> list[list[OutputFile]]:
    """Group outputs by aspect ratio: browsers assume that one srcset holds one picture in several sizes.

    Returns:
        Groups of outputs whose ratios are equal within the rounding to whole pixels, the widest first.
    """
    groups: list[list[OutputFile]] = []
    for output in sorted(outputs, key=lambda each: (each.width, each.height), reverse=True):
        group = next((each for each in groups if _have_same_ratio(each[0], output)), None)
        if group is None:
            groups.append([output])
        else:
            group.append(output)
    return groups


def _have_same_ratio(one: OutputFile, other: OutputFile) -> bool:
    """Return whether the ratios can be equal if each side is off by up to half a pixel."""
    return all(
        (2 * flat.height - 1) * (2 * tall.width - 1) <= (2 * tall.height + 1) * (2 * flat.width + 1)
        for flat, tall in ((one, other), (other, one))
    )


def _picture(outputs: Sequence[OutputFile], relative: RelativePath) -> str:
    present = {output.format for output in outputs}
    formats = [name for name in _MODERN if name in present] + [name for name in _UNIVERSAL if name in present][:1]
    *sources, fallback = [[output for output in outputs if output.format == name] for name in formats]
    lines = [_tag("source", type=media_type(group[0].format), **_candidates(group, relative)) for group in sources]
    return "\n  ".join(["<picture>", *lines, _img(fallback, relative)]) + "\n</picture>\n"


def _img(outputs: Sequence[OutputFile], relative: RelativePath) -> str:
    widest = outputs[0]
    candidates = _candidates(outputs, relative)
    return _tag(
        "img",
        src=_url(widest, relative),
        **(candidates if "sizes" in candidates else {}),
        width=str(widest.width),
        height=str(widest.height),
        alt="",
        loading="lazy",
        decoding="async",
    )


def _candidates(outputs: Sequence[OutputFile], relative: RelativePath) -> dict[str, str]:
    urls = {output.width: _url(output, relative) for output in reversed(outputs)}
    if len(urls) == 1:
        return {"srcset": next(iter(urls.values()))}
    return {"srcset": ", ".join(f"{url} {width}w" for width, url in urls.items()), "sizes": _SIZES}


def _url(output: OutputFile, relative: RelativePath) -> str:
    return quote(os.fsencode(relative(output.path)))


def _tag(name: str, **attributes: str) -> str:
    pairs = (f'{key}="{html.escape(value)}"' for key, value in attributes.items())
    return f"<{' '.join([name, *pairs])}>"


SRCSET = IndexFormat("srcset", _BEGINNING, _render)
"""A fragment to include in a page. URLs are relative to the directory of the file."""
