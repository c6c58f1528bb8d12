"""The query and the JSON body of a request as a Struct."""

import re
from typing import TypeVar

from msgspec import DecodeError, Struct, ValidationError, convert, inspect, json
from starlette.requests import Request

from forkresize.gateway.problem import Problem
from forkresize.words import suggest

S = TypeVar("S", bound=Struct)

MAX_JSON = 1_000_000
"""Bytes of a JSON body."""

_JSON = "application/json"

_PLACE = re.compile(r" - at `\$\.?(.*)`$")


def parse_query(request: Request, kind: type[S]) -> S:
    """Return the query of a request.

    Args:
        request: whose query is parsed.
        kind: its fields are the parameters, which are texts, numbers or booleans.

    Raises:
        Problem: 400: a parameter is missing, unknown, given twice, or has an invalid value.
    """
    values: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in values:
            raise Problem(400, "it is given twice", field=name)
        if name not in kind.__struct_fields__:
            known = ", ".join(kind.__struct_fields__)
            raise Problem(
                400, f"unknown parameter{suggest(name, kind.__struct_fields__) or f': use {known}'}", field=name
            )
        values[name] = value
    try:
        found = convert(values, kind, strict=False)
    except ValidationError as error:
        problem = problem_of_validation(error)
        problem.detail += _list_choices(kind, problem.field)
        raise problem from None
    for name, value in values.items():
        # msgspec takes the text "null" for None.
        if getattr(found, name) is None:
            raise Problem(400, f"invalid value {value!r}", field=name)
    return found


def _list_choices(kind: type[Struct], name: str) -> str:
    """Return what a parameter may be, if it is a word of a few; otherwise, an empty text."""
    found = next((each.type for each in inspect.type_info(kind).fields if each.name == name), None)  # type: ignore[attr-defined]
    if isinstance(found, inspect.Metadata):
        found = found.type
    kinds = found.types if isinstance(found, inspect.UnionType) else (found,)
    words = [str(word) for each in kinds if isinstance(each, inspect.EnumType) for word in each.cls]
    return f": use {', '.join(words)}" if words else ""


async def read_json(request: Request, kind: type[S]) -> S:
    """Return the JSON body of a request.

    Args:
        request: whose body is read.
        kind: what it holds.

    Raises:
        Problem: 415: it is not declared as JSON. 413: it has more than ``MAX_JSON`` bytes. 400: it is not JSON, or a
            member is missing, unknown, or has an invalid value.
    """
    body = await read_json_body(request, MAX_JSON)
    try:
        return json.decode(body, type=kind)
    except ValidationError as error:
        raise problem_of_validation(error) from None
    except (DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, f"the body is not JSON: {error}") from None


async def read_json_body(request: Request, limit: int) -> bytes:
    """Return the body of a request that is declared as JSON.

    Args:
        request: whose body is read.
        limit: bytes that it may have.

    Raises:
        Problem: 415: it is not declared as JSON. 413: it has more bytes.
    """
    # Browsers send this type to other sites only after asking them.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        raise Problem(415, f"use the content type {_JSON}", field="Content-Type")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise Problem(413, f"at most {limit} bytes are accepted")
    return bytes(body)


def problem_of_validation(error: ValidationError) -> Problem:
    """Return what is wrong with a query or a body, and which of its fields."""
    text = str(error)
    place = _PLACE.search(text)
    return Problem(400, _PLACE.sub("", text), field=place[1] if place else "")
