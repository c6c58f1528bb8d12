"""Reads what the picture in an AVIF is made of (ISO/IEC 14496-12, 8.11, and 23008-12, 9.3)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from forkresize.formats.boxes import boxes
from forkresize.formats.spec import UnsupportedContainerError
from forkresize.image.container.fields import Fields

_GAIN_MAP = b"tmap"
_PICTURES = frozenset({b"av01", b"grid", b"iovl", _GAIN_MAP})
"""The types of items that make pixels, and of the one that applies a gain map."""

_MADE_OF, _BELONGS_TO = b"dimg", b"auxl"
_REFERENCES = frozenset({_MADE_OF, _BELONGS_TO, b"prem"})
"""Parts of a picture, what a picture belongs to as its alpha does, and colors that are multiplied by alpha."""

_PROPERTIES = frozenset(
    b"ispe pixi av1C colr pasp irot imir clap auxC a1lx a1op lsel clli mdcv cclv amve reve ndwt".split()
)
"""The properties that make pixels and colors."""

_AUXILIARIES = frozenset(
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha urn:mpeg:hevc:2015:auxid:1 "
    b"urn:com:apple:photo:2020:aux:hdrgainmap".split()
)
"""Types of auxiliary pictures: alpha, by both of its names, and Apple's gain map. Others are depth maps and masks."""

_TABLES = frozenset({b"iinf", b"iloc", b"iref", b"grpl"})
"""Boxes that list items, the places of their parts, what they are for each other, and groups of them."""

_MAX_TABLE = 1 << 18
"""Bytes of tables, more than those of 4,000 tiles take. What is read of them may take 130 times as much memory."""

_MAX_PROPERTIES = (1 << 15) - 1
"""As many have a number."""

_IN_FILE, _IN_BOX = 0, 1
"""Where the content of an item is: in the file, or in the box ``idat``."""

Property = tuple[bytes, bytes]
"""Its type and its content."""

Extents = tuple[tuple[int, int], ...]
"""Where the bytes of an item begin and end in the file, part by part."""


class Item(Struct, frozen=True):
    """A picture, a part of one, or metadata.

    Attributes:
        number: identifies it, from 1.
        declared: its type, its name, and what else is declared of it, as in the box ``infe``.
        content: its bytes.
        flags: 1 if it is not to be shown by itself.
        properties: each with whether programs that do not know it must not show the item.
    """

    number: int
    declared: bytes
    content: bytes
    flags: int = 0
    properties: Sequence[tuple[Property, bool]] = ()


class Reference(Struct, frozen=True):
    """What other items are for an item."""

    kind: bytes
    source: int
    targets: tuple[int, ...]


class AvifPicture(Struct, frozen=True, kw_only=True):
    """What makes the pixels of a file.

    Attributes:
        primary: number of the item to show.
        items: it and its parts, in the order of their contents.
        references: those among them.
        alternatives: a number of its own, and the items that take each other's place, for each such group.
    """

    primary: int
    items: Sequence[Item]
    references: Sequence[Reference]
    alternatives: Sequence[tuple[int, ...]]

    @property
    def next_number(self) -> int:
        """The lowest number above those of items and groups."""
        return 1 + max(*(item.number for item in self.items), *(group[0] for group in self.alternatives), 0)


def read_picture(data: bytes, start: int, end: int) -> AvifPicture:
    """Return the picture that a box ``meta`` describes.

    Args:
        data: the file.
        start: where the content of the box begins.
        end: where it ends.

    Raises:
        UnsupportedContainerError: it is damaged, or has what is not understood here.
        struct.error: it ends too early.
    """
    found = _fields(data, start + 4, end)
    primary = _read_primary(found[b"pitm"])
    types = dict(_read_types(found[b"iinf"]))
    references = [each for each in _read_references(found.get(b"iref")) if each.kind in _REFERENCES]
    properties = _read_properties(found[b"iprp"])
    seen = {number for number, owned in properties.items() if _is_alpha_or_gain_map(owned)}
    kept = _find_parts(primary, [each for each in references if each.kind != _BELONGS_TO or each.source in seen], types)
    places = {number: extents for number, extents in _read_places(found) if number in kept}
    if places.keys() != kept:
        raise UnsupportedContainerError
    contents = _read_contents(data, places.values())
    groups = _read_alternatives(found.get(b"grpl"))
    return AvifPicture(
        primary=primary,
        items=[
            Item(
                number,
                types[number][0] + b"\0",
                contents[places[number]],
                types[number][1],
                [each for each in properties.get(number, ()) if _is_kept(*each)],
            )
            for number in sorted(places, key=lambda number: places[number])
        ],
        references=[each for each in references if kept.issuperset((each.source, *each.targets))],
        alternatives=[group for group in groups if kept.issuperset(group[1:])],
    )


class _Boxes(dict[bytes, Fields]):
    def __missing__(self, name: bytes) -> Fields:
        raise UnsupportedContainerError(f"it has no {name!r}")


def _fields(data: bytes, start: int, end: int) -> _Boxes:
    """Return the boxes in a part of a file by type; none of them may be repeated."""
    found = [(name, Fields(data, inner, stop)) for name, inner, stop in boxes(data, start, end) if name != b"free"]
    by_type = _Boxes(found)
    if len(by_type) < len(found):
        raise UnsupportedContainerError
    _check_tables([fields for name, fields in found if name in _TABLES])
    return by_type


def _check_tables(tables: Iterable[Fields]) -> None:
    if sum(table.end - table.position for table in tables) > _MAX_TABLE:
        raise UnsupportedContainerError("its tables are too large")


def _read_primary(fields: Fields) -> int:
    version, _flags = fields.version()
    return fields.number(4 if version else 2)


def _is_alpha_or_gain_map(owned: Iterable[tuple[Property, bool]]) -> bool:
    """Return whether an auxiliary picture with these properties changes what is seen of the picture."""
    return any(name == b"auxC" and content[4:].partition(b"\0")[0] in _AUXILIARIES for (name, content), _ in owned)


def _find_parts(primary: int, references: Iterable[Reference], types: Mapping[int, tuple[bytes, int]]) -> set[int]:
    """Return the items that the primary one is made of, those that belong to one of them, and its gain map."""
    neighbors: dict[int, list[int]] = {}
    for each in references:
        is_map = types.get(each.source, (b"", 0))[0] == _GAIN_MAP
        for target in each.targets:
            if each.kind == _MADE_OF:
                neighbors.setdefault(each.source, []).append(target)
            if each.kind == _BELONGS_TO or (each.kind == _MADE_OF and is_map):
                neighbors.setdefault(target, []).append(each.source)
    kept, pending = {primary}, [primary]
    while pending:
        new = set(neighbors.get(pending.pop(), ())) - kept
        kept |= new
        pending += new
    if any(number not in types or types[number][0] not in _PICTURES for number in kept):
        raise UnsupportedContainerError
    return kept


def _read_types(fields: Fields) -> Iterator[tuple[int, tuple[bytes, int]]]:
    """Yield the number of each item, its type, and its flags."""
    version, _flags = fields.version()
    count, entries = fields.number(4 if version else 2), list(fields.boxes(b"infe"))
    if count != len(entries):
        # Decoders read only so many.
        raise UnsupportedContainerError
    for entry in entries:
        version, flags = entry.version()
        if version not in {2, 3}:
            raise UnsupportedContainerError
        number, protection = entry.number(2 if version == 2 else 4), entry.number(2)  # noqa: PLR2004
        yield number, (entry.take(4) if not protection else b"", flags)


def _read_references(fields: Fields | None) -> Iterator[Reference]:
    if fields is None:
        return
    size = 4 if fields.version()[0] else 2
    for kind, inner, stop in boxes(fields.data, fields.position, fields.end):
        entry = Fields(fields.data, inner, stop)
        source = entry.number(size)
        yield Reference(kind, source, tuple(entry.number(size) for _ in range(entry.number(2))))


def _read_places(found: _Boxes) -> Iterator[tuple[int, Extents]]:
    """Yield the number of each item, and where its bytes are."""
    fields = found[b"iloc"]
    version, _flags = fields.version()
    sizes = fields.number(2)
    of_offset, of_length, of_base, of_index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    if not of_length or version not in {0, 1, 2}:
        raise UnsupportedContainerError
    size = 4 if version == 2 else 2  # noqa: PLR2004
    for _ in range(fields.number(size)):
        number, method = fields.number(size), fields.number(2) & 15 if version else _IN_FILE
        area = {_IN_FILE: Fields(fields.data, 0, len(fields.data)), _IN_BOX: found.get(b"idat")}.get(method)
        source, base = fields.number(2), fields.number(of_base)
        extents = []
        for _ in range(fields.number(2)):
            fields.number(of_index if version else 0)
            begin = base + fields.number(of_offset)
            extents.append((begin, begin + fields.number(of_length)))
        yield number, _check_extents(extents, area if not source else None)


def _read_contents(data: bytes, places: Collection[Extents]) -> dict[Extents, bytes]:
    """Return the bytes at places, which several items may share."""
    distinct = set(places)
    if () in distinct or sum(stop - begin for extents in distinct for begin, stop in extents) > len(data):
        raise UnsupportedContainerError
    return {extents: b"".join(data[begin:stop] for begin, stop in extents) for extents in distinct}


def _check_extents(extents: list[tuple[int, int]], area: Fields | None) -> Extents:
    """Return where in the file extents of an area are; nothing if that cannot be."""
    if area is None or any(area.position + stop > area.end or begin == stop for begin, stop in extents):
        return ()
    return tuple((area.position + begin, area.position + stop) for begin, stop in extents)


def _read_properties(fields: Fields) -> dict[int, list[tuple[Property, bool]]]:
    """Return the properties of each item, in their order."""
    listed: list[Property] = []
    for container in fields.boxes(b"ipco"):
        parts = boxes(container.data, container.position, container.end)
        listed += [(name, container.data[inner:stop]) for name, inner, stop in parts]
        if len(listed) > _MAX_PROPERTIES:
            raise UnsupportedContainerError
    owned: dict[int, list[tuple[Property, bool]]] = {}
    tables = list(fields.boxes(b"ipma"))
    _check_tables(tables)
    for entry in tables:
        version, flags = entry.version()
        bits = 15 if flags & 1 else 7
        for _ in range(entry.number(4)):
            own = owned.setdefault(entry.number(4 if version else 2), [])
            for _ in range(entry.number(1)):
                is_essential, index = divmod(entry.number((bits + 1) // 8), 1 << bits)
                if index > len(listed):
                    raise UnsupportedContainerError
                own += [(listed[index - 1], bool(is_essential))] if index else []
    return owned


def _is_kept(property: Property, is_essential: bool) -> bool:  # noqa: A002 -- the field's word.
    """Return whether a property makes pixels or colors.

    Raises:
        UnsupportedContainerError: that is unknown, but it is essential.
    """
    if property[0] not in _PROPERTIES and is_essential:
        raise UnsupportedContainerError
    return property[0] in _PROPERTIES


def _read_alternatives(fields: Fields | None) -> Iterator[tuple[int, ...]]:
    if fields is not None:
        for entry in fields.boxes(b"altr"):
            entry.version()
            number = entry.number(4)
            yield (number, *(entry.number(4) for _ in range(entry.number(4))))
