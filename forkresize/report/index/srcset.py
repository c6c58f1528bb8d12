"""The HTML that shows every source by its renditions, one ``<picture>`` each. Writes no file."""

import html
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from forkresize.report.index.index_file import IndexFormat, RelativePath
from forkresize.report.index.manifest import media_type
from forkresize.report.index.output_index import OutputFile, SourceOutputs
from forkresize.report.terminal.plain import printable

_MARK = "<!-- Made by forkresize, which writes this file anew. -->\n"

_BEGINNING = re.compile(rb"\s*<!-- Made by forkresize")

_OFFERED = ("avif", "webp")
"""Formats that not every browser shows, the smallest first: it takes the first that it knows."""

_SHOWN = ("jpeg", "png", "gif", "bmp", "ico")
"""Formats that every browser shows, the first to be preferred; of several, the others would never be loaded."""

_SIZES = "100vw"
"""As wide as the window: what browsers take for granted, and all that can be said without the page's layout."""


def _parts(entries: Iterable[SourceOutputs], place: RelativePath) -> Iterator[str]:
    yield _MARK
    for entry in entries:
        yield from _entry(entry, place)


def _entry(entry: SourceOutputs, place: RelativePath) -> Iterator[str]:
    shown = [listed for listed in entry.renditions if listed.format in {*_OFFERED, *_SHOWN}]
    name = html.escape(printable(entry.name), quote=False)
    yield f"\n<!-- {name} -->\n" if shown else f"\n<!-- {name}: there is nothing that browsers show -->\n"
    for alike in shapes(shown):
        yield _picture(alike, place)


def shapes(renditions: Iterable[OutputFile]) -> list[list[OutputFile]]:
    """Part renditions by their shape: a browser takes those of one srcset for the same picture in other sizes.

    Returns:
        Renditions of about the same ratio, as far as whole pixels let one tell, the widest first.
    """
    parted: list[list[OutputFile]] = []
    for listed in sorted(renditions, key=lambda each: (each.width, each.height), reverse=True):
        alike = next((each for each in parted if _are_alike(each[0], listed)), None)
        if alike is None:
            parted.append([listed])
        else:
            alike.append(listed)
    return parted


def _are_alike(one: OutputFile, other: OutputFile) -> bool:
    """Whether sides that differ by less than half a pixel each could have one ratio."""
    return all(
        (2 * flat.height - 1) * (2 * tall.width - 1) <= (2 * tall.height + 1) * (2 * flat.width + 1)
        for flat, tall in ((one, other), (other, one))
    )


def _picture(renditions: Sequence[OutputFile], place: RelativePath) -> str:
    formats = {listed.format for listed in renditions}
    offered = [name for name in _OFFERED if name in formats] + [name for name in _SHOWN if name in formats][:1]
    *sources, fallback = [[listed for listed in renditions if listed.format == name] for name in offered]
    lines = [_tag("source", type=media_type(group[0].format), **_candidates(group, place)) for group in sources]
    return "\n  ".join(["<picture>", *lines, _img(fallback, place)]) + "\n</picture>\n"


def _img(renditions: Sequence[OutputFile], place: RelativePath) -> str:
    widest = renditions[0]
    candidates = _candidates(renditions, place)
    return _tag(
        "img",
        src=_url(widest, place),
        **(candidates if "sizes" in candidates else {}),
        width=str(widest.width),
        height=str(widest.height),
        alt="",
        loading="lazy",
        decoding="async",
    )


def _candidates(renditions: Sequence[OutputFile], place: RelativePath) -> dict[str, str]:
    widths = {listed.width: _url(listed, place) for listed in reversed(renditions)}
    if len(widths) == 1:
        return {"srcset": next(iter(widths.values()))}
    return {"srcset": ", ".join(f"{url} {width}w" for width, url in widths.items()), "sizes": _SIZES}


def _url(listed: OutputFile, place: RelativePath) -> str:
    return quote(os.fsencode(place(listed.path)))


def _tag(name: str, **attributes: str) -> str:
    told = (f'{key}="{html.escape(value)}"' for key, value in attributes.items())
    return f"<{' '.join((name, *told))}>"


SRCSET = IndexFormat("srcset", _BEGINNING, _parts)
"""A fragment that goes anywhere in a page; URLs are relative to where the file lies."""
