"""Filters XMP. Reads any RDF syntax, and writes one. Knows no file format."""

from collections.abc import Collection, Iterator
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element, SubElement

from forkresize.image.diagnostics import Diagnostics
from forkresize.image.metadata.xmp_properties import (
    ADDRESS,
    COPYRIGHT,
    DESCRIPTIVE,
    DROPPED,
    EXTENDED,
    FIELDS,
    NAMESPACES,
    STALE,
    STALE_NAMESPACE,
    TECHNICAL,
)
from forkresize.recipe import Drop, Metadata

_MOST_BYTES = 1 << 21
_DEEPEST = 64

_KEPT = {Metadata.COPYRIGHT: COPYRIGHT, Metadata.SAFE: DESCRIPTIVE, Metadata.ALL: DESCRIPTIVE | TECHNICAL}

_RDF = f"{{{NAMESPACES['rdf']}}}"
_ROOT, _DESCRIPTION, _ITEM = f"{_RDF}RDF", f"{_RDF}Description", f"{_RDF}li"
_ARRAYS = frozenset({f"{_RDF}Alt", f"{_RDF}Bag", f"{_RDF}Seq"})
_SYNTAX = _RDF, "{http://www.w3.org/XML/1998/namespace}"
"""Namespaces of attributes that are RDF or XML syntax, not properties."""
_QUALIFIERS = f"{_RDF}resource", "{http://www.w3.org/XML/1998/namespace}lang"

_PACKET = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{}<?xpacket end="r"?>'

for _prefix, _namespace in NAMESPACES.items():
    ET.register_namespace(_prefix, _namespace)


class _Shallow(ET.TreeBuilder):
    """Builds a tree of limited depth, since it is walked by recursion."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError(f"it is nested more than {_DEEPEST} deep")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def filter_packet(packet: bytes, policy: Metadata, diagnostics: Diagnostics, drop: Collection[Drop] = ()) -> bytes:
    """Return the XMP packet for an output, without orientation, sizes and thumbnails; empty for nothing.

    If something is dropped, properties that are not known are as well.

    Raises:
        ValueError: it is too large, not UTF-8, not XMP, or has a DTD.
        ParseError: it is not well-formed.
    """
    packet = packet.strip(b"\0 \t\r\n")
    if not packet:
        return b""
    root = _parse(packet)
    if policy is Metadata.ALL and not drop:
        _drop_stale(root, diagnostics)
    else:
        root = _rebuild(root, _KEPT[policy].difference(*(DROPPED[each] for each in drop)), set(drop))
    if not any(_properties(description) for description in root.iter(_DESCRIPTION)):
        return b""
    return _PACKET.format(ET.tostring(root, "unicode")).encode()


def values(packet: bytes, name: str) -> list[str]:
    """Return the values of a property in any RDF syntax.

    Args:
        packet: a filtered packet.
        name: of the property, in ElementTree's notation.

    Returns:
        The items of a list in order; the first of several languages is the default. Otherwise the one text.
    """
    found = _rebuild(_parse(packet), {name}).find(f".//{name}") if packet else None
    if found is None:
        return []
    return [item.text or "" for item in (found.findall(f"*/{_ITEM}") or [found])]


def properties(packet: bytes, namespace: str) -> dict[str, list[str]]:
    """Return the texts of all properties of a namespace, by local name; several for a list.

    Args:
        packet: any packet.
        namespace: in ElementTree's notation, with its braces.

    Raises:
        ValueError: see ``filter_packet``.
        ParseError: it is not well-formed.
    """
    found: dict[str, list[str]] = {}
    for description in _parse(packet.strip(b"\0 \t\r\n")).iter(_DESCRIPTION):
        for element in _properties(description):
            if element.tag.startswith(namespace):
                items = element.findall(f"*/{_ITEM}") or [element]
                found.setdefault(element.tag.removeprefix(namespace), [item.text or "" for item in items])
    return found


def _parse(packet: bytes) -> Element:
    """Parse a packet without a DTD: XMP needs none, and entities, which could expand or read files, need one."""
    if len(packet) > _MOST_BYTES:
        raise ValueError(f"{len(packet)} bytes exceed the limit of {_MOST_BYTES}")
    text = packet.decode("utf-8-sig")
    if "<!DOCTYPE" in text:
        raise ValueError("it has a DTD")
    # As text, so that the parser ignores a declared encoding and sees exactly what was checked.
    root = ET.fromstring(text, ET.XMLParser(target=_Shallow()))  # noqa: S314 -- entities were refused above.
    if root.tag != _ROOT and root.find(_ROOT) is None:
        raise ValueError("it has no RDF")
    return root


def _drop_stale(root: Element, diagnostics: Diagnostics) -> None:
    for element in root.iter():
        if EXTENDED in element.attrib or element.find(EXTENDED) is not None:
            diagnostics.warn("dropped the part of XMP that is in further segments")
        element[:] = [child for child in element if not _is_stale(child.tag)]
        for name in [name for name in element.attrib if _is_stale(name)]:
            del element.attrib[name]


def _is_stale(name: str) -> bool:
    return name in STALE or name.startswith(STALE_NAMESPACE)


def _rebuild(root: Element, allowed: Collection[str], drop: Collection[Drop] = ()) -> Element:
    """Return a tree of one description with the allowed properties; the first of a repeated property counts."""
    rdf = root if root.tag == _ROOT else root.find(_ROOT)
    found: dict[str, Element] = {}
    for description in rdf if rdf is not None else ():
        for element in _properties(description):
            if element.tag in allowed and element.tag not in found:
                found[element.tag] = _property(element, drop)
    packet = Element(f"{{{NAMESPACES['x']}}}xmpmeta")
    description = SubElement(SubElement(packet, _ROOT), _DESCRIPTION, {f"{_RDF}about": ""})
    description.extend(element for element in found.values() if _has_content(element))
    return packet


def _properties(node: Element) -> list[Element]:
    """Return the properties of a node, or the fields of a structure, written as attributes or elements."""
    attributes = []
    for name, text in node.attrib.items():
        if not name.startswith(_SYNTAX):
            attributes.append(Element(name))
            attributes[-1].text = text
    return [*attributes, *node]


def _property(source: Element, drop: Collection[Drop]) -> Element:
    fields = FIELDS.get(source.tag, frozenset())
    if Drop.PLACE in drop:
        fields -= ADDRESS
    array = next((child for child in source if child.tag in _ARRAYS), None)
    if array is None:
        return _value(source, fields)
    copy = Element(source.tag)
    SubElement(copy, array.tag).extend(_value(item, fields) for item in array.findall(_ITEM))
    return copy


def _value(source: Element, fields: frozenset[str]) -> Element:
    """Return an element with its text, or with the given fields of a structure."""
    copy = Element(source.tag)
    structure = list(_fields(source, fields))
    if structure:
        copy.set(f"{_RDF}parseType", "Resource")
        copy.extend(structure)
        return copy
    copy.text = source.text
    copy.attrib.update({name: source.attrib[name] for name in _QUALIFIERS if name in source.attrib})
    return copy


def _fields(source: Element, allowed: frozenset[str]) -> Iterator[Element]:
    inner = source.find(_DESCRIPTION)
    for element in _properties(source if inner is None else inner):
        if element.tag in allowed:
            yield _value(element, frozenset())


def _has_content(element: Element) -> bool:
    return any((part.text or "").strip() or _QUALIFIERS[0] in part.attrib for part in element.iter())
