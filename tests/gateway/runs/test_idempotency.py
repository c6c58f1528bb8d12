"""The header Idempotency-Key: strings of RFC 8941, and the bare words that many clients send."""

import pytest

from forkresize.gateway.runs.errors import InvalidRequestError
from forkresize.gateway.runs.idempotency import parse_key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('"8e03978e-40d5-43e8-bc93-6894a57f9324"', "8e03978e-40d5-43e8-bc93-6894a57f9324"),
        ("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
        (r'"with \"quotes\" and \\ "', r'with "quotes" and \ '),
        (' "x" ', "x"),
        ("x" * 255, "x" * 255),
    ],
)
def test_a_key_is_a_string_or_a_word(text: str, key: str) -> None:
    assert parse_key([text]) == key


def test_a_request_without_the_header_has_no_key() -> None:
    assert parse_key([]) == ""


@pytest.mark.parametrize(
    "values", [[""], ['""'], ['"a'], ["a b"], ["a", "a"], ['"a", "b"'], ["x" * 256], ["é"], ['"a\\b"']]
)
def test_anything_else_is_refused(values: list[str]) -> None:
    with pytest.raises(InvalidRequestError, match="at most 255 characters") as found:
        parse_key(values)
    assert found.value.field == "Idempotency-Key"
