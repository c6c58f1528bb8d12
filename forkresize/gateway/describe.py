"""What a route cannot say of itself: summary, parameters, bodies and answers, for the OpenAPI document."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from msgspec import Struct

E = TypeVar("E", bound=Callable[..., Any])

_ATTRIBUTE = "__gateway_description__"

Content = Mapping[str, Any]
"""Media types, and the type of what each holds; ``bytes`` stands for a file."""


class Answer(Struct, frozen=True):
    """An answer of an endpoint.

    Attributes:
        description: a sentence.
        content: what its body may be; empty for none.
        headers: names of headers, and what each holds.
        links: operations that can follow, and where their parameters are in the answer, as OpenAPI writes it.
    """

    description: str
    content: Content = {}
    headers: Mapping[str, str] = {}
    links: Mapping[str, Mapping[str, str]] = {}


class Description(Struct, frozen=True, kw_only=True):
    """What an endpoint does; its docstring has the details.

    Attributes:
        summary: a few words, in the imperative.
        tag: the section of the documentation.
        query: a Struct whose fields are the query parameters.
        headers: a Struct whose fields are request headers, with ``_`` for ``-``.
        paths: types of parameters in the path; the others are texts.
        body: what the body of the request may be.
        answers: by status, those that are not errors.
        problems: further statuses of problems, besides those that every route may answer with.
    """

    summary: str
    tag: str
    query: type[Struct] | None = None
    headers: type[Struct] | None = None
    paths: Mapping[str, Any] = {}
    body: Content = {}
    answers: Mapping[int, Answer]
    problems: tuple[int, ...] = ()


def describe(summary: str, **details: Any) -> Callable[[E], E]:
    """Describe an endpoint; see Description for the arguments."""
    description = Description(summary=summary, **details)

    def attach(endpoint: E) -> E:
        setattr(endpoint, _ATTRIBUTE, description)
        return endpoint

    return attach


def find_description(endpoint: Callable[..., Any]) -> Description | None:
    """Return what ``describe`` attached to an endpoint, to the function of a partial or to a method."""
    while isinstance(endpoint, partial):
        endpoint = endpoint.func
    found = getattr(endpoint, _ATTRIBUTE, None)
    return found if isinstance(found, Description) else None
