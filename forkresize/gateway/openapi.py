"""The OpenAPI 3.1 document of a gateway, from its routes, the Structs of their bodies, and who may use them."""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from msgspec import Struct
from msgspec.json import schema_components
from starlette.convertors import Convertor, FloatConvertor, IntegerConvertor
from starlette.routing import BaseRoute, Mount, Route

from forkresize._version import __version__
from forkresize.gateway.describe import Answer, Description, find_description
from forkresize.gateway.problem import MEDIA_TYPE

Json = dict[str, Any]

RoleOf = Callable[[str, str], str | None]
"""Returns the role that a method and the path of a route, as it has it, need; None if they need none."""

_TITLE = "forkresize gateway"

_ABOUT = "Pictures on demand, and batches, by HTTP."

_REFERENCES = "#/components/schemas/{name}"

_EVERYWHERE = (400, 429, 503)
"""Problems that every route may answer with."""

_PROTECTED = (401, 403)
"""Problems of the routes that need a role."""

_RETRY = {429: "Too many requests, or too large ones.", 503: "The queue is full, or the time is over."}

_ENTRY = re.compile(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", re.MULTILINE)
"""An attribute in a docstring, and what it is."""

_BEARER = {"type": "http", "scheme": "bearer", "description": "An API key, or a JWT with the claim `roles`."}


class Operation(Struct, frozen=True):
    """One method of one route.

    Attributes:
        method: in lower case.
        path: with ``{name}`` for a parameter.
        template: the path as the route has it, with convertors.
        convertors: of the parameters in the path.
        endpoint: the function that answers.
        description: what it does.
    """

    method: str
    path: str
    template: str
    convertors: Mapping[str, Convertor[Any]]
    endpoint: Callable[..., Any]
    description: Description


class UndescribedError(Exception):
    """A route has no description: its endpoint needs the decorator ``describe``."""


def make_document(routes: Iterable[BaseRoute], problem: type[Struct], role_of: RoleOf) -> Json:
    """Return the document of all routes.

    Args:
        routes: of the gateway.
        problem: the body of every error.
        role_of: the roles table.

    Raises:
        UndescribedError: an endpoint is not described.
    """
    operations = list(collect_operations(routes))
    schemas = _Schemas([problem, *_types(operations)], [*_parameter_types(operations)])
    writer = _Writer(schemas, problem, role_of)
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = writer.describe(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": _TITLE, "description": _ABOUT, "version": __version__},
        "paths": paths,
        "components": {"schemas": schemas.components, "securitySchemes": {"bearer": _BEARER}},
    }


def collect_operations(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[Operation]:
    """Yield each method of each route, except HEAD, which every GET has, and routes that only refuse.

    Raises:
        UndescribedError: an endpoint is not described.
    """
    for route in routes:
        if isinstance(route, Mount):
            yield from collect_operations(route.routes, prefix + route.path)
        elif isinstance(route, Route) and route.include_in_schema:
            description = find_description(route.endpoint)
            if description is None:
                raise UndescribedError(f"{prefix}{route.path}: {route.endpoint} is not described")
            for method in sorted((route.methods or {"GET"}) - {"HEAD"}):
                path = prefix + route.path_format
                template = prefix + route.path
                yield Operation(method.lower(), path, template, route.param_convertors, route.endpoint, description)


def _types(operations: Iterable[Operation]) -> Iterator[Any]:
    """Yield the types of bodies, and of parameters in paths."""
    for operation in operations:
        about = operation.description
        yield from about.paths.values()
        for content in (about.body, *(answer.content for answer in about.answers.values())):
            yield from content.values()


def _parameter_types(operations: Iterable[Operation]) -> Iterator[type[Struct]]:
    """Yield the Structs whose fields are parameters."""
    for operation in operations:
        yield from filter(None, (operation.description.query, operation.description.headers))


class _Schemas:
    """Schemas of types.

    Args:
        types: what bodies hold, and of parameters in paths.
        parameters: Structs whose fields are parameters, which the document does not list as schemas.
    """

    def __init__(self, types: Sequence[Any], parameters: Sequence[type[Struct]]) -> None:
        kept = [kind for kind in types if kind is not bytes]
        self._types = [*kept, *parameters]
        self._schemas, self._all = schema_components(self._types, ref_template=_REFERENCES)
        for schema in self._all.values():
            _describe_members(schema)
        omitted = {self._name(kind) for kind in parameters if kind not in kept}
        self.components = {name: schema for name, schema in self._all.items() if name not in omitted}

    def find(self, kind: Any) -> Json:
        """Return the schema of a type, or a reference to it."""
        if kind is bytes:
            return {"type": "string", "format": "binary"}
        return dict(self._schemas[self._types.index(kind)])

    def fields(self, kind: type[Struct]) -> Iterator[tuple[str, Json, bool]]:
        """Yield the name of each field of a Struct, its schema, and whether it is required."""
        schema = self._all[self._name(kind)]
        for field, of_field in schema["properties"].items():
            yield field, dict(of_field), field in schema["required"]

    def _name(self, kind: type[Struct]) -> str:
        return str(self.find(kind)["$ref"]).rpartition("/")[2]


class _Writer:
    """Writes the objects of the document."""

    def __init__(self, schemas: _Schemas, problem: type[Struct], role_of: RoleOf) -> None:
        self._schemas = schemas
        self._problem = problem
        self._role_of = role_of

    def describe(self, operation: Operation) -> Json:
        """Return the operation object of one method of a path."""
        about = operation.description
        role = self._role_of(operation.method.upper(), operation.template)
        found: Json = {
            "operationId": _identify(operation),
            "summary": about.summary,
            "description": inspect.getdoc(operation.endpoint) or "",
            "tags": [about.tag],
            "parameters": [*self._path_parameters(operation), *self._parameters(about)],
            "responses": dict(self._responses(about, _PROTECTED if role else ())),
            "security": [{"bearer": [role]}] if role else [],
        }
        if about.body:
            found["requestBody"] = {"required": True, "content": self._content(about.body)}
        return found

    def _path_parameters(self, operation: Operation) -> Iterator[Json]:
        for name, convertor in operation.convertors.items():
            kind = operation.description.paths.get(name)
            schema = self._schemas.find(kind) if kind is not None else _schema_of(convertor)
            yield _parameter("path", name, schema, required=True)

    def _parameters(self, about: Description) -> Iterator[Json]:
        for name, schema, required in self._schemas.fields(about.query) if about.query else ():
            yield _parameter("query", name, schema, required=required)
        for name, schema, required in self._schemas.fields(about.headers) if about.headers else ():
            yield _parameter("header", name.replace("_", "-").title(), schema, required=required)

    def _responses(self, about: Description, protected: tuple[int, ...]) -> Iterator[tuple[str, Json]]:
        for status, answer in about.answers.items():
            yield str(status), self._response(answer)
        content = {MEDIA_TYPE: self._problem}
        for status in sorted({*_EVERYWHERE, *protected, *about.problems}):
            headers = {"Retry-After": "Seconds to wait before the next try."} if status in _RETRY else {}
            text = _RETRY.get(status, f"{HTTPStatus(status).phrase}.")
            yield str(status), self._response(Answer(text, content, headers))

    def _response(self, answer: Answer) -> Json:
        found: Json = {"description": answer.description}
        if answer.content:
            found["content"] = self._content(answer.content)
        if answer.headers:
            found["headers"] = {
                name: {"description": text, "schema": {"type": "string"}} for name, text in answer.headers.items()
            }
        if answer.links:
            found["links"] = {
                operation: {"operationId": operation, "parameters": dict(parameters)}
                for operation, parameters in answer.links.items()
            }
        return found

    def _content(self, content: Mapping[str, Any]) -> Json:
        return {media: {"schema": self._schemas.find(kind)} for media, kind in content.items()}


def _describe_members(schema: Json) -> None:
    """Move what a docstring says of attributes to the members; sections for programmers are left out."""
    text, *sections = re.split(r"^(Attributes|Raises):\n", schema.get("description", ""), flags=re.MULTILINE)
    if not sections:
        return
    schema["description"] = text.strip()
    for title, section in zip(sections[::2], sections[1::2], strict=True):
        for name, about in _ENTRY.findall(section) if title == "Attributes" else ():
            member = schema.get("properties", {}).get(name)
            if member is not None and "$ref" not in member:
                member.setdefault("description", " ".join(about.split()))


def _identify(operation: Operation) -> str:
    """Return the name of an operation, which no other has: its method and its path, as words."""
    words = "".join(each if each.isalnum() else " " for each in operation.path).split()
    return "_".join((operation.method, *(words or ["page"])))


def _schema_of(convertor: Convertor[Any]) -> Json:
    if isinstance(convertor, IntegerConvertor):
        return {"type": "integer", "minimum": 0}
    return {"type": "number"} if isinstance(convertor, FloatConvertor) else {"type": "string", "minLength": 1}


def _parameter(place: str, name: str, schema: Json, *, required: bool) -> Json:
    text = schema.pop("description", "")
    if "anyOf" in schema:
        # A parameter cannot be null, only absent.
        kinds = [kind for kind in schema.pop("anyOf") if kind != {"type": "null"}]
        schema.update(kinds[0] if len(kinds) == 1 else {"anyOf": kinds})
    if schema.get("default", "") is None:
        del schema["default"]
    found: Json = {"name": name, "in": place, "required": required, "schema": schema}
    return {**found, "description": text} if text else found
