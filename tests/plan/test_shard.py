"""Which sources belong to which shard."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.errors import FieldError
from forkresize.plan import Shard


@given(st.binary(max_size=40), st.integers(1, 20))
def test_every_path_is_in_exactly_one_shard(path: bytes, count: int) -> None:
    relative = path.decode("utf-8", "surrogateescape")
    assert sum(Shard(number, count).has(relative) for number in range(1, count + 1)) == 1


def test_shards_are_of_about_the_same_size() -> None:
    sizes = Counter(
        next(number for number in range(1, 5) if Shard(number, 4).has(f"2026/{name}.jpg")) for name in range(4000)
    )
    assert sorted(sizes) == [1, 2, 3, 4]
    assert max(sizes.values()) - min(sizes.values()) < 200


def test_the_shard_of_a_path_never_changes() -> None:
    assert [Shard(1, 2).has(name) for name in ("a.jpg", "b.jpg", "c/d.jpg", "é.png")] == [False, True, False, True]


def test_a_shard_is_parsed() -> None:
    assert Shard.parse("2/5") == Shard(2, 5)
    assert Shard.parse("2/5").lock_name == "2-of-5"


@pytest.mark.parametrize("text", ["", "1", "0/4", "5/4", "1/0", "-1/4", "1/4/2", "a/b", "1 / 4", "٣/٤"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^invalid shard .*: use K/N"):
        Shard.parse(text)


def test_a_number_above_the_count_is_refused() -> None:
    with pytest.raises(FieldError, match="shard: invalid shard '3/2': use K/N"):
        Shard(3, 2)
