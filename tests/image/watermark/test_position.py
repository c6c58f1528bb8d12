from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.image.watermark.position import place, tiles
from forkresize.recipe import Gravity

sizes = st.tuples(st.integers(1, 300), st.integers(1, 300))
marks = st.tuples(st.integers(8, 60), st.integers(8, 60))


@pytest.mark.parametrize(
    ("gravity", "expected"),
    [
        ("center", (40, 20)),
        ("north", (40, 5)),
        ("north-east", (75, 5)),
        ("east", (75, 20)),
        ("south-east", (75, 35)),
        ("south", (40, 35)),
        ("south-west", (5, 35)),
        ("west", (5, 20)),
        ("north-west", (5, 5)),
    ],
)
def test_a_mark_goes_where_gravity_says(gravity: str, expected: tuple[int, int]) -> None:
    assert place((100, 50), (20, 10), Gravity(gravity), 5) == expected


@given(sizes, marks, st.integers(0, 30))
def test_tiled_marks_do_not_touch_and_leave_no_gap(size: tuple[int, int], mark: tuple[int, int], margin: int) -> None:
    places = list(tiles(size, mark, margin))
    assert len(set(places)) == len(places)
    assert place(size, mark, Gravity.CENTER, 0) in places
    for left, top in places:
        row = [other for other, down in places if down == top and other > left]
        assert not row or min(row) - left == mark[0] + margin
    pitch = mark[0] + margin, mark[1] + margin
    for point in [(0, 0), (size[0] - 1, size[1] - 1), (size[0] - 1, 0)]:
        assert any(0 <= point[0] - left < pitch[0] and 0 <= point[1] - top < pitch[1] for left, top in places)


def test_every_other_row_is_shifted_by_half() -> None:
    rows: dict[int, set[int]] = {}
    for left, top in tiles((200, 100), (30, 10), 10):
        rows.setdefault(top, set()).add(left % 40)
    shifts = [shift for _top, (shift,) in sorted((top, tuple(shifts)) for top, shifts in rows.items())]
    assert all((one - other) % 40 == 20 for one, other in pairwise(shifts))
    assert rows[45] == {(100 - 15) % 40}
