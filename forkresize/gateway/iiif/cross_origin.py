"""Lets pages of any origin read the answers of the Image API (7.1): CrossOrigin."""

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = "GET, HEAD, OPTIONS"

_DAY = 86_400

_PREFLIGHT = {
    "access-control-allow-methods": _METHODS,
    "access-control-allow-headers": "authorization, if-none-match",
    "access-control-max-age": str(_DAY),
    "allow": _METHODS,
}


class CrossOrigin:
    """Adds the headers of CORS below a path, to errors too, and answers preflight requests there.

    Nothing depends on cookies, so pages of other origins learn nothing that they could not ask for themselves. The
    headers do not depend on the origin, so caches may keep them.

    Args:
        app: the application.
        prefix: of the paths.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or not scope["path"].startswith(self._prefix):
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["access-control-allow-origin"] = "*"
                headers["access-control-expose-headers"] = "etag, link, retry-after"
            await send(message)

        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers=_PREFLIGHT)(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)
