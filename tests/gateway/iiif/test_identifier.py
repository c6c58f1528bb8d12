"""Identifiers in URIs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.gateway.iiif.identifier import Identifier, parse_identifier
from forkresize.gateway.problem import Problem


@pytest.mark.parametrize(
    ("text", "root", "key", "quoted"),
    [
        ("photos%2Fa.jpg", "photos", "a.jpg", "photos%2Fa.jpg"),
        ("photos%2fbelow%2Fa.jpg", "photos", "below/a.jpg", "photos%2Fbelow%2Fa.jpg"),
        ("photos%2F%61%2Djpg", "photos", "a-jpg", "photos%2Fa-jpg"),
        ("photos%2Fa%2525%3F%23%5B%5D%40%20", "photos", "a%25?#[]@ ", "photos%2Fa%2525%3F%23%5B%5D%40%20"),
        ("photos%2Fa:b,(c);d=e", "photos", "a:b,(c);d=e", "photos%2Fa:b,(c);d=e"),
        ("photos%2F%C3%A9%FF", "photos", "é\udcff", "photos%2F%C3%A9%FF"),
    ],
)
def test_identifier_is_unescaped_once(text: str, root: str, key: str, quoted: str) -> None:
    found = parse_identifier(text)
    assert (found, found.quote()) == (Identifier(root, key), quoted)


@pytest.mark.parametrize("text", ["photos", "photos%2F", "%2Fa.jpg", "", "67352ccc-d1b0", "photos%252Fa.jpg"])
def test_text_without_root_and_key_is_not_found(text: str) -> None:
    with pytest.raises(Problem, match="ROOT%2FKEY") as caught:
        parse_identifier(text)
    assert (caught.value.status, caught.value.field) == (404, "identifier")


@given(root=st.from_regex(r"[A-Za-z0-9._-]+", fullmatch=True), key=st.binary(min_size=1))
def test_any_key_comes_back(root: str, key: bytes) -> None:
    identifier = Identifier(root, key.decode(errors="surrogateescape"))
    text = identifier.quote()
    assert text.isascii()
    assert not set(text) & set('/?#[]@ "<>\\^`{|}')
    assert parse_identifier(text) == identifier
