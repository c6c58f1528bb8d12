"""What is wrong with a query is named by its parameter."""

from enum import StrEnum
from typing import Annotated

import pytest
from msgspec import Meta, Struct
from starlette.requests import Request

from forkresize.gateway.problem import Problem
from forkresize.gateway.queries import parse_query


class Color(StrEnum):
    RED = "red"
    GREEN = "green"


class Query(Struct, forbid_unknown_fields=True):
    name: str
    limit: Annotated[int, Meta(le=9)] = 5
    flag: bool = False
    last: int | None = None
    color: Color | None = None
    frame: Annotated[Color | None, Meta(description="The color of a frame.")] = None


def request(query: bytes) -> Request:
    return Request({"type": "http", "method": "GET", "path": "/", "query_string": query, "headers": []})


def test_texts_become_values() -> None:
    assert parse_query(request(b"name=a%20b&limit=7&flag=true"), Query) == Query("a b", 7, True)


@pytest.mark.parametrize(
    ("query", "field", "detail"),
    [
        (b"limit=3", "", "Object missing required field `name`"),
        (b"name=a&limit=10", "limit", "Expected `int` <= 9"),
        (b"name=a&limit=x", "limit", "Expected `int`, got `str`"),
        (b"name=a&last=null", "last", "invalid value 'null'"),
        (b"name=a&name=b", "name", "it is given twice"),
        (b"name=a&other=b", "other", "unknown parameter: use name, limit, flag, last, color, frame"),
        (b"nam=a", "nam", "unknown parameter; did you mean name?"),
        (b"name=a&color=blue", "color", "Invalid enum value 'blue': use red, green"),
        (b"name=a&frame=blue", "frame", "Invalid enum value 'blue': use red, green"),
    ],
)
def test_a_wrong_parameter_is_named(query: bytes, field: str, detail: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_query(request(query), Query)
    assert (caught.value.status, caught.value.field, caught.value.detail) == (400, field, detail)
