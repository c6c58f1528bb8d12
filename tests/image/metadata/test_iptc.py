"""The IPTC-IIM that each policy keeps."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.image.metadata import iptc
from forkresize.recipe import Metadata


def dataset(number: int, content: bytes, record: int = 2) -> bytes:
    return struct.pack(">BBBH", 0x1C, record, number, len(content)) + content


BYLINE, STREET, CAPTION = dataset(80, b"me"), dataset(92, b"at home"), dataset(120, b"a cat")


@pytest.mark.parametrize(
    ("policy", "kept"),
    [
        (Metadata.ALL, BYLINE + STREET + CAPTION),
        (Metadata.SAFE, BYLINE + CAPTION),
        (Metadata.COPYRIGHT, BYLINE),
    ],
)
def test_each_policy_keeps_its_datasets_in_their_order(policy: Metadata, kept: bytes) -> None:
    assert iptc.filter_datasets(BYLINE + STREET + dataset(202, b"preview") + CAPTION, policy) == kept


def test_character_set_and_version_are_kept_with_other_datasets_only() -> None:
    frame = dataset(90, b"\x1b%G", 1) + dataset(0, b"\0\2")
    assert iptc.filter_datasets(frame + BYLINE, Metadata.COPYRIGHT) == frame + BYLINE
    assert iptc.filter_datasets(frame + STREET, Metadata.SAFE) == b""


def test_long_datasets_stay_whole() -> None:
    long = struct.pack(">BBBHI", 0x1C, 2, 120, 0x8004, 40_000) + b"x" * 40_000
    assert iptc.filter_datasets(long, Metadata.SAFE) == long


def test_padding_is_accepted() -> None:
    assert iptc.filter_datasets(BYLINE + bytes(3), Metadata.SAFE) == BYLINE
    assert iptc.filter_datasets(bytes(3), Metadata.SAFE) == b""


@pytest.mark.parametrize("block", [b"x" * 20, BYLINE[:-1], BYLINE + b"\x1c\2", BYLINE + b"?" * 5])
def test_invalid_datasets_are_refused(block: bytes) -> None:
    with pytest.raises(ValueError, match=r"no dataset begins at \d+|dataset 2:80 ends too early"):
        iptc.filter_datasets(block, Metadata.SAFE)


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=9)), max_size=9))
def test_only_allowed_datasets_are_kept(datasets: list[tuple[int, bytes]]) -> None:
    block = b"".join(dataset(number, content) for number, content in datasets)
    kept = [dataset(number, content) for number, content in datasets if number in {80, 85, 110, 115, 116, 0}]
    has_any = any(number in {80, 85, 110, 115, 116} for number, _content in datasets)
    assert iptc.filter_datasets(block, Metadata.COPYRIGHT) == (b"".join(kept) if has_any else b"")


@given(st.binary(max_size=60))
def test_garbage_raises_documented_errors_only(block: bytes) -> None:
    try:
        iptc.filter_datasets(block, Metadata.SAFE)
    except ValueError:
        return
