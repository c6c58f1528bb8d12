"""What a gateway needs, and whether it is there: Readiness."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from msgspec import Struct

_LOG = logging.getLogger("forkresize.gateway")

CHECK_SECONDS = 2.0
"""How long a check may take."""

_FRESH_SECONDS = 1.0
"""How long a result is used again."""

Check = Callable[[], object]
"""Raises an exception if what it checks cannot be used; called in a thread."""


class CheckResult(Struct, frozen=True):
    """The result of a check.

    Attributes:
        status: whether what was checked can be used.
        seconds: how long the check took; of one that has timed out, how long it has been running by now.
    """

    status: Literal["ok", "failed", "timed out"]
    seconds: float


class Report(Struct, frozen=True):
    """Whether the gateway is ready, and the result of each check, by name; some may fail in a gateway that is ready."""

    status: Literal["ready", "not ready"]
    checks: Mapping[str, CheckResult]

    @property
    def is_ready(self) -> bool:
        """Whether every check succeeded of what is needed."""
        return self.status == "ready"


class Readiness:
    """Checks what the gateway needs, at most once per second. For one event loop.

    A check does not begin while it is still running from before: what hangs takes one thread, and counts as failed.

    Args:
        checks: by name.
        timeout: seconds that each may take.
        optional: names of checks without whose success the gateway is ready as well: it works without what they check.
    """

    def __init__(
        self, checks: Mapping[str, Check], timeout: float = CHECK_SECONDS, optional: frozenset[str] = frozenset()
    ) -> None:
        self._checks = checks
        self._optional = optional
        self._timeout = timeout
        # They do not wait behind the requests for pictures, nor for each other.
        self._threads = ThreadPoolExecutor(len(checks), "readiness")
        self._begun: dict[str, tuple[float, asyncio.Future[object]]] = {}
        self._running: asyncio.Task[Report] | None = None
        self._ended_at = 0.0
        self._failed: frozenset[str] = frozenset()

    async def report(self) -> Report:
        """Return whether the gateway is ready; the answer may be a second old."""
        task = self._running
        if task is None or (task.done() and time.monotonic() - self._ended_at >= _FRESH_SECONDS):
            task = self._running = asyncio.create_task(self._check_all())
        # Others may wait for it as well.
        return await asyncio.shield(task)

    def close(self) -> None:
        """Wait for no check."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _check_all(self) -> Report:
        results = await asyncio.gather(*(self._check(name, check) for name, check in self._checks.items()))
        found = dict(zip(self._checks, results, strict=True))
        self._ended_at = time.monotonic()
        self._failed = frozenset(name for name, result in found.items() if result.status != "ok")
        return Report("not ready" if self._failed - self._optional else "ready", found)

    async def _check(self, name: str, check: Check) -> CheckResult:
        started, call = self._begun.get(name) or self._begin(name, check)
        status: Literal["ok", "failed", "timed out"] = "ok"
        error: BaseException | None = None
        try:
            async with asyncio.timeout(self._timeout - (time.monotonic() - started)):
                await asyncio.shield(call)
        except TimeoutError:
            status = "timed out"
        except Exception as failure:  # noqa: BLE001  For any reason, the gateway is not ready.
            status, error = "failed", failure
        if status != "ok" and name not in self._failed:
            kind = "does without" if name in self._optional else "not ready"
            _LOG.warning("%s: %s %s: %s", kind, name, status, error or f"no answer within {self._timeout:g} s")
        return CheckResult(status, round(time.monotonic() - started, 6))

    def _begin(self, name: str, check: Check) -> "tuple[float, asyncio.Future[object]]":
        call = asyncio.get_running_loop().run_in_executor(self._threads, check)
        found = self._begun[name] = time.monotonic(), call
        call.add_done_callback(lambda done: self._end(name, done))
        return found

    def _end(self, name: str, call: "asyncio.Future[object]") -> None:
        del self._begun[name]
        if not call.cancelled():
            # No report may wait for it any more.
            call.exception()
