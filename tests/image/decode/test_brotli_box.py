"""Boxes that are compressed by Brotli are unpacked within a limit."""

import warnings

import pytest

from forkresize.image.decode.brotli_box import unpack_box

brotli = pytest.importorskip("brotli")


def test_a_box_is_unpacked() -> None:
    assert unpack_box(brotli.compress(b"<x/>"), "XMP") == b"<x/>"


@pytest.mark.parametrize(
    "packed", [b"", b"\xff", brotli.compress(bytes(range(256)) * 9)[:-20], brotli.compress(bytes(1 << 26))]
)
def test_what_is_damaged_or_too_large_is_dropped_with_a_warning(packed: bytes) -> None:
    with pytest.warns(UserWarning, match="compressed XMP was dropped: it is damaged or too large"):
        assert unpack_box(packed, "XMP") == b""


def test_a_package_that_cannot_limit_what_it_unpacks_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    # As in brotli 1.1, whose process() takes no limit.
    monkeypatch.setattr(brotli, "Decompressor", type("Decompressor", (), {"process": bytes, "is_finished": bool}))
    with pytest.warns(UserWarning, match="compressed XMP was dropped: .* adds its reader"):
        assert unpack_box(brotli.compress(b"<x/>"), "XMP") == b""


def test_the_largest_box_has_no_warning() -> None:
    with warnings.catch_warnings(action="error"):
        assert len(unpack_box(brotli.compress(bytes(1 << 22)), "XMP")) == 1 << 22
