"""Which route needs which role: one row for each route and method. What has no row is refused."""

from functools import cache

from msgspec import Struct

from forkresize.gateway.access.principal import Role


class Row(Struct, frozen=True):
    """What a caller needs for a route.

    Attributes:
        method: of HTTP; HEAD follows GET.
        path: the template of the route.
        role: the lowest role that may use it.
        unsigned: whether everybody may use it if the gateway is unsigned.
        signed: whether the signature in the URL is the permission, which the route verifies.
        limited: whether callers are identified, and their requests counted.
    """

    method: str
    path: str
    role: Role
    unsigned: bool = False
    signed: bool = False
    limited: bool = True

    def role_for(self, *, is_unsigned: bool) -> Role:
        """Return the lowest role that may use it, on a gateway that is unsigned or not."""
        return Role.ANONYMOUS if self.unsigned and is_unsigned else self.role


TABLE = (
    Row("GET", "/livez", Role.ANONYMOUS, limited=False),
    Row("GET", "/readyz", Role.ANONYMOUS, limited=False),
    Row("GET", "/", Role.ANONYMOUS),
    Row("GET", "/assets/{version}/{name}", Role.ANONYMOUS),
    Row("GET", "/docs", Role.ANONYMOUS),
    Row("GET", "/openapi.json", Role.ANONYMOUS),
    Row("GET", "/i/{signature}/{path:path}", Role.ANONYMOUS, signed=True),
    Row("GET", "/iiif/3/{identifier}", Role.READER, unsigned=True),
    Row("GET", "/iiif/3/{identifier}/info.json", Role.READER, unsigned=True),
    Row("GET", "/iiif/3/{identifier}/{region}/{size}/{rotation}/{quality}.{format}", Role.READER, unsigned=True),
    Row("GET", "/iiif/3/{path:path}", Role.READER, unsigned=True),
    Row("GET", "/v1/roots", Role.READER, unsigned=True),
    Row("GET", "/v1/roots/{name}/keys", Role.READER, unsigned=True),
    Row("POST", "/v1/sign", Role.SUBMITTER, unsigned=True),
    Row("POST", "/v1/transform", Role.SUBMITTER),
    Row("POST", "/v1/runs", Role.SUBMITTER),
    Row("GET", "/v1/runs", Role.READER),
    Row("GET", "/v1/runs/{run}", Role.READER),
    Row("GET", "/v1/runs/{run}/events", Role.READER),
    Row("GET", "/v1/runs/{run}/failures", Role.READER),
    Row("DELETE", "/v1/runs/{run}", Role.SUBMITTER),
)


@cache
def _index() -> dict[tuple[str, str], Row]:
    return {(row.method, row.path): row for row in TABLE}


def find_row(method: str, path: str) -> Row | None:
    """Return the row of a route; None if it has none.

    Args:
        method: of HTTP.
        path: the template of the route.
    """
    return _index().get(("GET" if method == "HEAD" else method, path))


def format_table() -> str:
    """Return the table in Markdown, for the documentation."""
    lines = ["| method | route | lowest role | limited |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{row.method}` | `{row.path}` | {_describe_role(row)} | {'yes' if row.limited else 'no'} |" for row in TABLE
    ]
    return "".join(f"{line}\n" for line in lines)


def _describe_role(row: Row) -> str:
    if row.signed:
        return "anyone with a signed URL; anyone with `--unsigned`"
    name = "anyone" if row.role is Role.ANONYMOUS else f"`{row.role.label}`"
    return f"{name}; anyone with `--unsigned`" if row.unsigned else name
