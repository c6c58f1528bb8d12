"""The OpenAPI document says what the routes, their Structs and the roles table say."""

from functools import partial
from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from forkresize.gateway.describe import Answer, describe
from forkresize.gateway.openapi import UndescribedError, make_document


class Problem(Struct):
    """An error."""

    status: int


class Listing(Struct):
    """What to list."""

    limit: Annotated[int, Meta(ge=1, le=10, description="How many.")] = 5


class Headers(Struct):
    """Headers of a request."""

    idempotency_key: str
    last: int | None = None


class Page(Struct):
    """A page of names.

    Attributes:
        names: in their order; there
            may be none.

    Raises:
        FieldError: never.
    """

    names: list[str]


class Change(Struct, forbid_unknown_fields=True):
    """What to change."""

    name: Annotated[str, Meta(min_length=1)]
    page: Page | None = None


@describe("List names", tag="names", query=Listing, answers={200: Answer("Names.", {"application/json": Page})})
async def list_names(_request: Request) -> Response:
    """Return ``limit`` names."""
    return Response()


@describe(
    "Change a name",
    tag="names",
    headers=Headers,
    paths={"name": Annotated[str, Meta(pattern="^[a-z]+$", description="A name.")]},
    body={"application/json": Change, "image/png": bytes},
    answers={
        204: Answer("It is changed.", headers={"Location": "Where it is."}, links={"get_v1_names": {"limit": "$url"}})
    },
    problems=(404,),
)
async def change(_services: object, _request: Request) -> Response:
    return Response()


def find_role(method: str, path: str) -> str | None:
    return {("POST", "/v1/names/{name:path}/{number:int}"): "admin"}.get((method, path))


@pytest.fixture
def document() -> Any:
    routes = [
        Mount(
            "/v1",
            routes=[
                Route("/names", list_names),
                Route("/names/{name:path}/{number:int}", partial(change, None), methods=["POST"]),
            ],
        )
    ]
    return make_document(routes, Problem, find_role)


def test_parameters_of_a_query_come_from_its_struct(document: Any) -> None:
    operation = document["paths"]["/v1/names"]["get"]
    assert operation["parameters"] == [
        {
            "name": "limit",
            "in": "query",
            "required": False,
            "schema": {"type": "integer", "minimum": 1, "maximum": 10, "default": 5},
            "description": "How many.",
        }
    ]
    assert (operation["summary"], operation["description"]) == ("List names", "Return ``limit`` names.")


def test_parameters_of_the_path_and_headers_have_types(document: Any) -> None:
    parameters = document["paths"]["/v1/names/{name}/{number}"]["post"]["parameters"]
    assert [(each["in"], each["name"], each["required"], each["schema"]) for each in parameters] == [
        ("path", "name", True, {"type": "string", "pattern": "^[a-z]+$"}),
        ("path", "number", True, {"type": "integer", "minimum": 0}),
        ("header", "Idempotency-Key", True, {"type": "string"}),
        ("header", "Last", False, {"type": "integer"}),
    ]


def test_bodies_and_answers_refer_to_the_structs(document: Any) -> None:
    operation = document["paths"]["/v1/names/{name}/{number}"]["post"]
    assert operation["requestBody"]["content"] == {
        "application/json": {"schema": {"$ref": "#/components/schemas/Change"}},
        "image/png": {"schema": {"type": "string", "format": "binary"}},
    }
    assert operation["responses"]["204"] == {
        "description": "It is changed.",
        "headers": {"Location": {"description": "Where it is.", "schema": {"type": "string"}}},
        "links": {"get_v1_names": {"operationId": "get_v1_names", "parameters": {"limit": "$url"}}},
    }
    assert document["components"]["schemas"]["Change"]["additionalProperties"] is False
    assert "Page" in document["components"]["schemas"]


def test_who_may_use_a_route_comes_from_the_roles_table(document: Any) -> None:
    open_to_all = document["paths"]["/v1/names"]["get"]
    protected = document["paths"]["/v1/names/{name}/{number}"]["post"]
    assert (open_to_all["security"], protected["security"]) == ([], [{"bearer": ["admin"]}])
    assert {"401", "403"} & {*open_to_all["responses"]} == set()
    assert {"401", "403", "404", "429", "503"} <= {*protected["responses"]}


def test_structs_of_parameters_are_not_listed_as_schemas(document: Any) -> None:
    assert sorted(document["components"]["schemas"]) == ["Change", "Page", "Problem"]


def test_attributes_of_a_docstring_describe_the_members(document: Any) -> None:
    page = document["components"]["schemas"]["Page"]
    assert page["description"] == "A page of names."
    assert page["properties"]["names"]["description"] == "in their order; there may be none."


def test_a_route_without_description_is_an_error() -> None:
    async def endpoint(_request: Request) -> Response:
        return Response()

    with pytest.raises(UndescribedError, match="/other"):
        make_document([Route("/other", endpoint)], Problem, find_role)
