"""Damaged FTEX files are failures of the picture."""

import io

import pytest

from benchmarks.rare import RARE
from forkresize.image.transform import render_each, transform
from forkresize.outcome import Failed, Reason
from forkresize.recipe import Recipe


def test_a_texture_is_read() -> None:
    [made] = transform(RARE["a.ftu"], Recipe.of(format="png"), name="a.ftu")
    assert made.size == (37, 23)


@pytest.mark.parametrize("place", range(8, 48, 4))
def test_damage_leaves_the_file_open(place: int) -> None:
    data = RARE["a.ftu"]
    damaged = io.BytesIO(data[:place] + b"\xff\xff\xff\x7f" + data[place + 4 :])
    [result] = render_each(damaged, Recipe.of(format="png"), name="a.ftu")
    assert not damaged.closed
    assert not isinstance(result.detail, Failed) or result.detail.reason is not Reason.INTERNAL
