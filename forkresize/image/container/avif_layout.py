"""Writes an AVIF of items: what describes them, then their contents (ISO/IEC 14496-12, 8.11, and 23008-12, 9.3)."""

import struct
from collections.abc import Collection, Sequence
from itertools import accumulate

from forkresize.formats.boxes import box
from forkresize.image.container.avif_items import AvifPicture, Item, Property, Reference

_DESCRIBES = b"cdsc"

_HANDLER = struct.pack(">I4s12xx", 0, b"pict")
_OFFSETS_AND_LENGTHS = 0x4400
"""Both of four bytes, from the start of the file."""


def write_picture(file_type: bytes, picture: AvifPicture, added: Sequence[Item]) -> bytes:
    """Return a file of a picture.

    Args:
        file_type: its first box.
        picture: what makes the pixels.
        added: the metadata that describes it.

    Raises:
        struct.error: it takes 4 GiB or more, or has more than 65,535 items.
    """
    # Parts that look alike may share their bytes.
    contents = dict.fromkeys(item.content for item in (*added, *picture.items))
    items = sorted((*added, *picture.items), key=lambda item: item.number)
    references = [*picture.references, *(Reference(_DESCRIBES, item.number, (picture.primary,)) for item in added)]
    before = [_full_box(b"hdlr", _HANDLER), _full_box(b"pitm", struct.pack(">H", picture.primary))]
    after = [
        _declare(items),
        _full_box(b"iref", b"".join(map(_refer, references))) if references else b"",
        _describe(items),
        box(b"grpl", b"".join(map(_group, picture.alternatives))) if picture.alternatives else b"",
    ]
    size = sum(map(len, [file_type, _meta(before, _locate(items, contents, 0), after)]))
    meta = _meta(before, _locate(items, contents, size + 8), after)
    header = struct.pack(">I4s", 8 + sum(map(len, contents)), b"mdat")
    return b"".join([file_type, meta, header, *contents])


def _meta(before: list[bytes], places: bytes, after: list[bytes]) -> bytes:
    return _full_box(b"meta", b"".join([*before, places, *after]))


def _full_box(name: bytes, content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(name, struct.pack(">I", version << 24 | flags) + content)


def _locate(items: Sequence[Item], contents: Collection[bytes], start: int) -> bytes:
    """Return the box of the places of items; their contents follow each other."""
    lengths = [len(content) for content in contents]
    offsets = dict(zip(contents, accumulate(lengths, initial=start), strict=False))
    places = [struct.pack(">HHHII", item.number, 0, 1, offsets[item.content], len(item.content)) for item in items]
    return _full_box(b"iloc", struct.pack(">HH", _OFFSETS_AND_LENGTHS, len(items)) + b"".join(places))


def _declare(items: Sequence[Item]) -> bytes:
    entries = [
        _full_box(b"infe", struct.pack(">HH", item.number, 0) + item.declared, version=2, flags=item.flags)
        for item in items
    ]
    return _full_box(b"iinf", struct.pack(">H", len(items)) + b"".join(entries))


def _refer(reference: Reference) -> bytes:
    numbers = [reference.source, len(reference.targets), *reference.targets]
    return box(reference.kind, struct.pack(f">{len(numbers)}H", *numbers))


def _describe(items: Sequence[Item]) -> bytes:
    """Return the box of the properties of items, each of them once."""
    owners = [item for item in items if item.properties]
    places: dict[Property, int] = {}
    for item in owners:
        for each, _is_essential in item.properties:
            places.setdefault(each, len(places) + 1)
    owned = [struct.pack(">I", len(owners))]
    for item in owners:
        owned.append(struct.pack(">HB", item.number, len(item.properties)))
        owned += [struct.pack(">H", places[each] | is_essential << 15) for each, is_essential in item.properties]
    properties = b"".join(box(*each) for each in places)
    return box(b"iprp", box(b"ipco", properties) + _full_box(b"ipma", b"".join(owned), flags=1))


def _group(group: tuple[int, ...]) -> bytes:
    number, *members = group
    return _full_box(b"altr", struct.pack(f">{2 + len(members)}I", number, len(members), *members))
