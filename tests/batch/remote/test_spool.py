"""A listing on disk that is read while it grows."""

import os
import select
import threading
from collections.abc import Iterator

import pytest

from forkresize.batch.listing import Found
from forkresize.batch.remote.spool import Spool
from forkresize.job import Source
from forkresize.outcome import Outcome, OutputRef, Reason, Skipped
from forkresize.pool import NothingYet


def entries(count: int) -> list[Found]:
    found: list[Found] = [
        Source(f"s3://b/{number}\udcff.jpg", f"{number}\udcff.jpg", number, number * 10, f"tag{number}", None)
        for number in range(count)
    ]
    found.append(Outcome(OutputRef(Source("s3://b/x/", "x/")), Skipped(Reason.NOT_A_FILE)))
    return found


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 2500])
def test_all_entries_are_read_by_any_number_of_readers(count: int) -> None:
    calls: list[int] = []

    def list_entries() -> list[Found]:
        calls.append(1)
        return entries(count)

    spool = Spool(list_entries, bool)
    first, second = spool.read(), spool.read()
    assert [(a, b) for a, b in zip(first, second, strict=True)] == [(each, each) for each in entries(count)]
    assert [each for each in spool.follow() if not isinstance(each, NothingYet)] == entries(count)
    assert calls == [1]


def test_a_disk_that_takes_a_part_of_a_write_gets_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    write, pwrite = os.write, os.pwrite
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:100]))
    monkeypatch.setattr(os, "pwrite", lambda file, data, offset: pwrite(file, data[:100], offset))
    assert list(Spool(lambda: entries(2500), bool).read()) == entries(2500)


def test_a_reader_that_follows_does_not_wait_and_is_woken() -> None:
    go_on = threading.Semaphore(0)

    def slow() -> Iterator[Found]:
        for number, each in enumerate(entries(2500)):
            if number % 1000 == 0:
                go_on.acquire(timeout=20)
            yield each

    found: list[Found] = []
    woken = 0
    for each in Spool(slow, bool).follow():
        if isinstance(each, NothingYet):
            go_on.release()
            poll = select.poll()
            poll.register(each.descriptor, select.POLLIN)
            woken += bool(poll.poll(20_000))
        else:
            found.append(each)
    assert found == entries(2500)
    assert woken >= 1


def test_error_of_the_listing_is_raised_after_what_was_listed() -> None:
    def broken() -> Iterator[Found]:
        yield from entries(3)
        raise PermissionError(13, "denied")

    spool = Spool(broken, bool)
    for read in (spool.read, spool.follow):
        found: list[Found] = []
        with pytest.raises(PermissionError):
            found.extend(each for each in read() if not isinstance(each, NothingYet))
        assert found == entries(3)


def test_listing_ends_when_the_run_does() -> None:
    def endless() -> Iterator[Found]:
        number = 0
        while True:
            number += 1
            yield Source(f"{number}", f"{number}")

    stopping = threading.Event()
    spool = Spool(endless, stopping.is_set)
    reader = spool.read()
    next(reader)
    stopping.set()
    for _ in reader:
        pass  # It ends.


def test_followers_leave_no_descriptors() -> None:
    spool = Spool(lambda: entries(3), bool)
    list(spool.read())
    before = len(os.listdir("/dev/fd"))
    for _ in range(5):
        list(spool.follow())
        next(iter(spool.follow()))
    assert len(os.listdir("/dev/fd")) <= before
