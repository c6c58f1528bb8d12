"""How requests are repeated."""

import errno
import os

import pytest

from forkresize.store import ChangedError
from forkresize.store.objects.options import StoreOptions
from forkresize.store.objects.retry import Retry


class Request:
    """Fails some times, then succeeds."""

    def __init__(self, *errors: int) -> None:
        self.errors = errors
        self.attempts: list[int] = []

    def __call__(self, attempt: int) -> str:
        self.attempts.append(attempt)
        if attempt < len(self.errors):
            raise OSError(self.errors[attempt], "failed")
        return "done"


def test_a_request_is_repeated_after_errors_that_may_pass_with_growing_delays() -> None:
    delays: list[float] = []
    request = Request(errno.EBUSY, errno.ETIMEDOUT, errno.ECONNRESET)
    retry = Retry(StoreOptions(first_delay=1), delays.append)
    assert retry.call(request, "s3://b/a") == "done"
    assert request.attempts == [0, 1, 2, 3]
    for number, delay in enumerate(delays):
        assert 0.5 * 2**number <= delay <= 2**number


def test_a_delay_is_never_longer_than_15_seconds() -> None:
    delays: list[float] = []
    retry = Retry(StoreOptions(first_delay=1, retries=20, retry_timeout=1e6), delays.append)
    retry.call(Request(*[errno.EIO] * 20), "s3://b/a")
    assert max(delays) <= 15


@pytest.mark.parametrize("code", [errno.EACCES, errno.ENOENT, errno.EINVAL, errno.ENOSPC])
def test_other_errors_end_it_at_once_with_the_location(code: int) -> None:
    request = Request(code)
    with pytest.raises(OSError, match=r"failed: 's3://b/a'$") as error:
        Retry(StoreOptions(), lambda _: None).call(request, "s3://b/a")
    assert error.value.errno == code
    assert request.attempts == [0]


def test_the_last_error_names_the_attempts() -> None:
    request = Request(*[errno.EBUSY] * 9)
    with pytest.raises(OSError, match=r"failed; tried 4 times: 's3://b/a'"):
        Retry(StoreOptions(retries=3), lambda _: None).call(request, "s3://b/a")
    assert request.attempts == [0, 1, 2, 3]


def test_nothing_is_repeated_after_the_time_limit() -> None:
    request = Request(*[errno.EBUSY] * 9)
    with pytest.raises(OSError, match="failed"):
        Retry(StoreOptions(retry_timeout=0.5, first_delay=2), lambda _: None).call(request, "s3://b/a")
    assert request.attempts == [0]


def test_an_object_that_has_changed_is_an_error_of_its_own() -> None:
    with pytest.raises(ChangedError) as error:
        Retry(StoreOptions()).call(Request(errno.ESTALE), "s3://b/a")
    assert error.value.filename == "s3://b/a"


def test_a_forked_process_cannot_use_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    retry = Retry(StoreOptions())
    monkeypatch.setattr(os, "getpid", lambda: 1)
    with pytest.raises(RuntimeError, match="cannot be used in a forked process"):
        retry.call(Request(), "s3://b/a")


def test_a_request_that_cannot_be_repeated_is_made_once() -> None:
    request = Request(errno.EBUSY)
    with pytest.raises(OSError, match=r"failed: 's3://b/a'$"):
        Retry(StoreOptions(), lambda _: None).call(request, "s3://b/a", once=True)
    assert request.attempts == [0]


def test_a_long_wait_is_mentioned_without_secrets_and_not_for_each_request(caplog: pytest.LogCaptureFixture) -> None:
    retry = Retry(StoreOptions(first_delay=8, retries=3), lambda _: None)
    for _ in range(2):
        retry.call(Request(errno.ECONNREFUSED, errno.ECONNREFUSED), "s3://b/a?X-Amz-Signature=hunter2")
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("forkresize.store", "WARNING")
    assert record.getMessage() == "waiting for s3://b/a?X-Amz-Signature=***, for 180 s at most: failed"


def test_a_short_wait_is_not_mentioned(caplog: pytest.LogCaptureFixture) -> None:
    Retry(StoreOptions(), lambda _: None).call(Request(errno.EBUSY, errno.EBUSY), "s3://b/a")
    assert caplog.records == []
