"""The query of a request as a Struct."""

import re
from typing import TypeVar

from msgspec import Struct, ValidationError, convert
from starlette.requests import Request

from forkresize.gateway.problem import Problem

S = TypeVar("S", bound=Struct)

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
        values[name] = value
    try:
        return convert(values, kind, strict=False)
    except ValidationError as error:
        raise problem_of_validation(error) from None


def problem_of_validation(error: ValidationError) -> Problem:
    """Return what is wrong with a query or a body, and which of its fields."""
    text = str(error)
    place = _PLACE.search(text)
    return Problem(400, _PLACE.sub("", text), field=place[1] if place else "")
