"""What a request is refused with: Problem, and its form as ``application/problem+json`` (RFC 9457)."""

import math
from http import HTTPStatus
from typing import Any

from msgspec import Struct, json
from starlette.requests import Request
from starlette.responses import Response

from forkresize.errors import FieldError, UsageError
from forkresize.gateway.observation import note_problem
from forkresize.outcome import Failed, Reason, Skipped

MEDIA_TYPE = "application/problem+json"

_STATUSES = {
    Reason.NOT_A_PICTURE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Reason.FILE_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Reason.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Reason.TOO_MANY_FRAMES: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Reason.MEMORY_LIMIT: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Reason.UNREADABLE: HTTPStatus.BAD_GATEWAY,
    Reason.CRASHED: HTTPStatus.BAD_GATEWAY,
    Reason.PROTOCOL_VIOLATION: HTTPStatus.BAD_GATEWAY,
    Reason.INTERRUPTED: HTTPStatus.BAD_GATEWAY,
    Reason.TIMED_OUT: HTTPStatus.SERVICE_UNAVAILABLE,
    Reason.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The status of a picture that could not be made; 422 for all other reasons."""


class Problem(Exception):  # noqa: N818  The word of RFC 9457.
    """A request cannot be answered with what it asks for.

    Attributes:
        status: of HTTP.
        detail: what is wrong, for a person.
        field: the parameter or member that is wrong; empty for none.
        reason: why a picture could not be made; empty if that is not what happened.
        retry_after: seconds after which the request may succeed; None if it will not.
        headers: more headers of the response.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        field: str = "",
        retry_after: float | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = HTTPStatus(status)
        # Names of files may be no valid text.
        self.detail = detail.encode(errors="replace").decode()
        self.field = field
        self.reason = ""
        self.retry_after = retry_after
        self.headers = headers or {}

    def response(self) -> Response:
        """Return the response that says so, and have the log say why. Caches may not keep it."""
        # What is wrong with a request may repeat what the client has sent; what is wrong with the gateway does not.
        is_of_gateway = self.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        note_problem(self.detail if is_of_gateway else "", self.field, self.reason)
        body = ProblemDocument(title=self.status.phrase, status=self.status, detail=self.detail)
        body.field, body.reason = self.field, self.reason
        headers = {"cache-control": "no-store", **self.headers}
        if self.retry_after is not None:
            headers["retry-after"] = str(max(1, math.ceil(self.retry_after)))
        return Response(json.encode(body), self.status, headers, MEDIA_TYPE)


class ProblemDocument(Struct, omit_defaults=True):
    """Why a request is refused, as ``application/problem+json`` (RFC 9457). The type is ``about:blank``."""

    title: str
    status: int
    detail: str
    field: str = ""
    reason: str = ""


def problem_of_detail(detail: Skipped | Failed) -> Problem:
    """Return why a picture could not be made."""
    status = _STATUSES.get(detail.reason, HTTPStatus.UNPROCESSABLE_ENTITY)
    retry_after = 1.0 if status is HTTPStatus.SERVICE_UNAVAILABLE else None
    problem = Problem(status, detail.error or detail.reason, retry_after=retry_after)
    problem.reason = detail.reason
    return problem


def problem_of_usage(error: UsageError) -> Problem:
    """Return what is wrong with a recipe or with settings from a request."""
    if isinstance(error, FieldError):
        return Problem(HTTPStatus.BAD_REQUEST, error.message, field=error.field)
    return Problem(HTTPStatus.BAD_REQUEST, str(error))


async def respond_to_problem(_: Request, error: Any) -> Response:
    """Handle a Problem that a route raised."""
    response: Response = error.response()
    return response
