"""Boxes are read within limits."""

import io
import struct

import pytest

from forkresize.formats.boxes import box, boxes, boxes_in_file
from forkresize.formats.spec import UnsupportedContainerError

LONG = struct.pack(">I4sQ", 1, b"long", 19) + b"abc"
"""A box with a size of 64 bits."""


def test_sizes_of_32_bits_of_64_bits_and_to_the_end_are_read() -> None:
    data = box(b"some", b"a") + LONG + struct.pack(">I4s", 0, b"last") + b"ab"
    found = [(name, data[start:end]) for name, start, end in boxes(data, 0, len(data))]
    assert found == [(b"some", b"a"), (b"long", b"abc"), (b"last", b"ab")]


@pytest.mark.parametrize(
    "size",
    [struct.pack(">I4s", size, b"some") for size in (2, 7, 13, 0xFFFFFFFF)]
    + [struct.pack(">I4sQ", 1, b"some", size) for size in (0, 15, 21, (1 << 64) - 1)],
)
def test_a_box_that_cannot_be_is_refused(size: bytes) -> None:
    with pytest.raises(UnsupportedContainerError):
        list(boxes(size + bytes(4), 0, len(size) + 4))


def test_a_header_that_begins_in_a_box_and_ends_behind_it_is_refused() -> None:
    data = box(b"some", b"")
    with pytest.raises(UnsupportedContainerError):
        list(boxes(data, 0, 6))


def test_too_many_boxes_are_refused() -> None:
    many = box(b"free", b"") * (1 << 16)
    assert sum(1 for _ in boxes(many, 8, len(many))) == (1 << 16) - 1
    with pytest.raises(UnsupportedContainerError):
        list(boxes(many, 0, len(many)))


@pytest.mark.parametrize(
    ("behind", "last"),
    [
        (b"", []),
        (struct.pack(">I4s", 0, b"last") + b"ab", [(b"last", b"ab")]),
        (struct.pack(">I4s", 100, b"cut ") + b"ab", [(b"cut ", b"ab")]),
        (struct.pack(">I4sQ", 1, b"huge", (1 << 64) - 1) + b"ab", [(b"huge", b"ab")]),
        (struct.pack(">I4s", 7, b"tiny"), []),
        (struct.pack(">I4sQ", 1, b"tiny", 15), []),
        (struct.pack(">I4s", 1, b"tiny") + b"\xff", []),
        (b"\0\0\0\x0c", []),
    ],
)
def test_boxes_of_a_file_are_read_up_to_a_damaged_one(behind: bytes, last: list[tuple[bytes, bytes]]) -> None:
    file = io.BytesIO(box(b"some", b"a") + LONG + behind)
    found = [(name, file.read(size)) for name, size in boxes_in_file(file)]
    assert found == [(b"some", b"a"), (b"long", b"abc"), *last]
