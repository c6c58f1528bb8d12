"""The page ``/docs``, from the OpenAPI document."""

import re
from typing import Any

from markupsafe import Markup, escape
from msgspec import Struct

from forkresize.gateway.openapi import Json
from forkresize.gateway.page.assets import environment, render
from forkresize.gateway.problem import MEDIA_TYPE

_CONSTRAINTS = {
    "minimum": "≥",
    "exclusiveMinimum": ">",
    "maximum": "≤",
    "exclusiveMaximum": "<",
    "minLength": "characters ≥",
    "maxLength": "characters ≤",
    "minItems": "items ≥",
    "maxItems": "items ≤",
    "pattern": "pattern",
    "default": "default",
}
"""Words of a schema, and how the page says them."""

_CODE = re.compile(r"(`+)(.+?)\1")


Row = tuple[str, Json, str, bool, str]
"""A parameter or a member: name, schema, place, whether it is required, meaning."""


class Endpoint(Struct, frozen=True):
    """A row of a list of endpoints.

    Attributes:
        anchor: of its section in ``/docs``.
        method: in upper case.
        path: with ``{name}`` for a parameter.
        summary: what it does, in a few words.
        tag: the section that it belongs to.
        who: who may use it.
        operation: the operation object.
    """

    anchor: str
    method: str
    path: str
    summary: str
    tag: str
    who: str
    operation: Json

    @property
    def rows(self) -> list[Row]:
        """The parameters."""
        return [
            (each["name"], each["schema"], each["in"], each["required"], each.get("description", ""))
            for each in self.operation["parameters"]
        ]


def list_endpoints(document: Json) -> list[Endpoint]:
    """Return the operations of a document, in its order."""
    return [
        Endpoint(
            operation["operationId"],
            method.upper(),
            path,
            operation["summary"],
            operation["tags"][0],
            _who(operation["security"]),
            operation,
        )
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def render_docs(document: Json, assets: str) -> str:
    """Return the text of the page.

    Args:
        document: an OpenAPI document.
        assets: the path of style sheets and scripts.
    """
    environment().filters |= {
        "anchor": lambda name: f"schema-{name}",
        "prose": format_prose,
        "prose_line": _format_line,
        "is_problem": lambda answer: MEDIA_TYPE in answer.get("content", {}),
        "schema_rows": _schema_rows,
    }
    return render(
        "docs.html.j2",
        assets,
        "docs",
        document=document,
        endpoints=list_endpoints(document),
        constraint_names=_CONSTRAINTS.items(),
    )


def format_prose(text: str) -> Markup:
    """Return paragraphs as HTML; what is between backquotes is code."""
    paragraphs = [part for part in re.split(r"\n\s*\n", text.strip()) if part]
    return Markup("").join(Markup("<p>{}</p>").format(_format_line(part)) for part in paragraphs)


def _format_line(text: str) -> Markup:
    parts = _CODE.split(text)
    # Of each three: text, the quotes, what is between them.
    pairs = zip(parts[::3], [*parts[2::3], ""], strict=True)
    return Markup("").join(
        escape(before) + (Markup("<code>{}</code>").format(code) if code else "") for before, code in pairs
    )


def _schema_rows(schema: Json) -> list[Row]:
    required = schema.get("required", ())
    return [
        (name, member, "", name in required, member.get("description", ""))
        for name, member in schema["properties"].items()
    ]


def _who(security: list[dict[str, Any]]) -> str:
    roles = [role for each in security for roles in each.values() for role in roles]
    return f"Role {' or '.join(roles)}" if roles else "Anyone"
