"""The time that a request may take until it is answered, and clients that go away before: TimeLimit."""

import asyncio
from collections import deque

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from forkresize.gateway.bounds import has_body
from forkresize.gateway.problem import problem_of_detail
from forkresize.outcome import Failed, Reason

CLIENT_CLOSED_REQUEST = 499
"""The status that logs and metrics show for a client that went away; nginx uses it, too. No client ever sees it."""

_SOON = 0.05
"""Seconds within which most requests are answered: until then, it is not watched whether the client goes away."""


class TimeLimit:
    """Answers a request in time, or with 503, and ends the work for a client that went away.

    The time runs from the head of a request, or from the latest part of its body, until the answer begins. How long
    a body and an answer may take is bounded elsewhere.

    Args:
        app: answers requests.
        seconds: until an answer begins.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(receive, send, self._seconds)
        if await exchange.run(self._app, scope):
            return
        if exchange.is_abandoned:
            answer = Response(status_code=CLIENT_CLOSED_REQUEST)
        else:
            text = f"it took longer than {self._seconds:g} seconds"
            answer = problem_of_detail(Failed(Reason.TIMED_OUT, text)).response()
        await answer(scope, receive, send)


class _Exchange:
    """A request and its answer.

    Attributes:
        is_abandoned: whether the client went away before the answer.
    """

    def __init__(self, receive: Receive, send: Send, seconds: float) -> None:
        self.is_abandoned = False
        self._receive = receive
        self._send = send
        self._seconds = seconds
        self._is_answered = False
        self._loop = asyncio.get_running_loop()
        self._limit = asyncio.timeout(seconds)
        self._watcher: asyncio.TimerHandle | asyncio.Task[None] | None = None
        self._early = deque[Message]()  # What the watcher received before the application asked for it.

    async def run(self, app: ASGIApp, scope: Scope) -> bool:
        """Have a request answered; return whether it was."""
        if not has_body(scope):
            self._watch_soon()
        try:
            async with self._limit:
                await app(scope, self._receive_part, self._send_part)
        except TimeoutError:
            if not self._limit.expired():
                raise
            return False
        finally:
            self._stop_watching()
        return True

    async def _receive_part(self) -> Message:
        self._stop_watching()
        if self._early:
            message = self._early.popleft()
            self._watch_soon()
            return message
        self._set_deadline(None)
        message = await self._receive()
        if not self._is_answered and message["type"] == "http.request":
            self._set_deadline(self._loop.time() + self._seconds)
            if not message.get("more_body", False):
                self._watch_soon()
        return message

    async def _send_part(self, message: Message) -> None:
        if not self._is_answered:
            self._is_answered = True
            self._stop_watching()
            self._set_deadline(None)
        await self._send(message)

    def _set_deadline(self, when: float | None) -> None:
        if not self._limit.expired():
            self._limit.reschedule(when)

    def _watch_soon(self) -> None:
        self._watcher = self._loop.call_later(_SOON, self._watch)

    def _watch(self) -> None:
        self._watcher = self._loop.create_task(self._wait_for_disconnect())

    def _stop_watching(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None

    async def _wait_for_disconnect(self) -> None:
        while (message := await self._receive())["type"] != "http.disconnect":
            self._early.append(message)
        self.is_abandoned = True
        self._set_deadline(self._loop.time())
