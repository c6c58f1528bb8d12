"""Boxes are read within limits."""

import struct

import pytest

from forkresize.formats.boxes import box, boxes
from forkresize.formats.spec import UnsupportedContainerError


def test_sizes_of_32_bits_of_64_bits_and_to_the_end_are_read() -> None:
    long = struct.pack(">I4sQ", 1, b"long", 19) + b"abc"
    data = box(b"some", b"a") + long + struct.pack(">I4s", 0, b"last") + b"ab"
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
