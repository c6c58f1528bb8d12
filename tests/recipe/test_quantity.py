import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.recipe.quantity import parse_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("5", 5),
        ("5b", 5),
        ("300K", 300_000),
        ("1.5 kB", 1500),
        ("2m", 2_000_000),
        ("64KiB", 65_536),
        ("2Mi", 2 * 1024**2),
        ("1G", 10**9),
        (" 1 GiB ", 1024**3),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "K", "-1", "1e3", "3 pt", "1,5M", "1 2", "٣", "1" * 16])
def test_what_is_no_size_is_refused_with_what_would_do(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no size; 300K, 1\.5M and 200KiB are"):
        parse_bytes(text)


@given(st.integers(0, 10**14))
def test_a_plain_number_is_itself(size: int) -> None:
    assert parse_bytes(str(size)) == size
