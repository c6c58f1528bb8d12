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
        keyless: whether everybody may use it if the gateway is unsigned and has neither API keys nor tokens.
        signed: whether the signature in the URL is the permission, which the route verifies.
        limited: whether callers are identified, and their requests counted.
    """

    method: str
    path: str
    role: Role
    unsigned: bool = False
    keyless: bool = False
    signed: bool = False
    limited: bool = True

    def role_for(self, *, is_unsigned: bool, is_keyless: bool = False) -> Role:
        """Return the lowest role that may use it.

        Args:
            is_unsigned: whether everybody may have every picture of the gateway.
            is_keyless: whether it has neither API keys nor tokens.
        """
        is_open = is_unsigned and (self.unsigned or (self.keyless and is_keyless))
        return Role.ANONYMOUS if is_open else self.role


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
    Row("POST", "/v1/runs", Role.SUBMITTER, keyless=True),
    Row("GET", "/v1/runs", Role.READER, keyless=True),
    Row("GET", "/v1/runs/{run}", Role.READER, keyless=True),
    Row("GET", "/v1/runs/{run}/events", Role.READER, keyless=True),
    Row("GET", "/v1/runs/{run}/failures", Role.READER, keyless=True),
    Row("DELETE", "/v1/runs/{run}", Role.SUBMITTER, keyless=True),
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
    if row.keyless:
        return f"{name}; anyone with `--unsigned` and without keys and tokens"
    return f"{name}; anyone with `--unsigned`" if row.unsigned else name
