"""For how long a run may write."""

import errno

import pytest

from forkresize.store.info import ObjectInfo
from forkresize.store.objects import lease as module
from forkresize.store.objects.lease import Lease, now

LOCK = ObjectInfo("lock", 1, 0, 0, etag="1")


def test_a_run_may_write_until_others_may_take_over(monkeypatch: pytest.MonkeyPatch) -> None:
    started = now()
    lease = Lease(LOCK, started + 60, 60)
    lease.check("s3://b/a")
    monkeypatch.setattr(module, "now", lambda: started + 61)
    with pytest.raises(PermissionError, match="could not be renewed for 60 seconds: 's3://b/a'") as error:
        lease.check("s3://b/a")
    assert error.value.errno == errno.EPERM
    lease.renew(LOCK, started + 120)
    lease.check("s3://b/a")


def test_a_run_that_was_taken_over_writes_no_more() -> None:
    lease = Lease(LOCK, now() + 60, 60)
    lease.lose()
    lease.renew(LOCK, now() + 60)
    with pytest.raises(PermissionError, match="another run has taken over"):
        lease.check("s3://b/a")


def test_the_clock_goes_on() -> None:
    assert now() <= now()
