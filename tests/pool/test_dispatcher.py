import threading
from concurrent.futures import Future
from typing import Any

import pytest
from msgspec import field

from forkresize.pool.call import Call
from forkresize.pool.dispatcher import Dispatcher
from forkresize.pool.options import PICKLE
from forkresize.pool.result import SupervisorLostError
from forkresize.pool.server import Configuration


class CountedCall(Call, eq=False):
    """A call that records with what it is compared."""

    comparisons: list[object] = field(default_factory=list)

    def __eq__(self, other: object) -> bool:
        self.comparisons.append(other)
        return self is other

    __hash__ = None  # type: ignore[assignment]


def test_a_result_that_cannot_be_converted_fails_its_own_future_alone() -> None:
    def refuse(_: object) -> None:
        raise ValueError("not what was asked for")

    future: Future[Any] = Future()
    Call(1, None, b"", (), future, refuse).finish(SupervisorLostError("gone", None))
    with pytest.raises(ValueError, match="not what was asked for"):
        future.result(0)


def test_cancelling_waiting_calls_takes_one_pass_and_spares_those_that_are_retried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dispatcher = Dispatcher(Configuration([], b""), PICKLE)
    comparisons: list[object] = []
    futures: list[Future[Any]] = [Future() for _ in range(100)]
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", lambda _: None)
        for number, future in enumerate(futures):
            dispatcher.add(CountedCall(number, None, b"", (), future, losses=number % 2, comparisons=comparisons))
    dispatcher.close(cancel_futures=True)
    dispatcher._close_wake()  # noqa: SLF001  The thread would.
    assert [future.cancelled() for future in futures] == [True, False] * 50
    assert not comparisons
