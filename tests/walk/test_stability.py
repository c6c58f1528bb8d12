"""When a file that is being written counts as complete."""

import os
import time
from pathlib import Path

import pytest

from forkresize.walk import QUIET_PERIOD_NS, StabilityTracker
from forkresize.walk.stability import is_open_for_writing

HOUR = 3600 * 10**9


class Clock:
    def __init__(self) -> None:
        self.now = time.time_ns()

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "a.jpg").write_bytes(b"some")
    return str(tmp_path / "a.jpg")


def take(tracker: StabilityTracker, file: str) -> bool:
    found = os.stat(file)
    return tracker.take_if_stable(file, found.st_size, found.st_mtime_ns)


def test_a_file_is_stable_two_seconds_after_its_last_change(file: str, clock: Clock) -> None:
    tracker = StabilityTracker(clock)
    clock.now = os.stat(file).st_mtime_ns + QUIET_PERIOD_NS - 1
    assert not take(tracker, file)
    assert not tracker.any_stable()
    clock.now += 1
    assert tracker.any_stable()
    assert tracker.unstable == {file}
    assert take(tracker, file)
    assert tracker.unstable == frozenset()


def test_a_growing_file_stays_unstable(file: str, clock: Clock) -> None:
    tracker = StabilityTracker(clock)
    for growth in range(5):
        clock.now += QUIET_PERIOD_NS
        os.utime(file, ns=(clock.now, clock.now))
        os.truncate(file, growth)
        os.utime(file, ns=(clock.now, clock.now))
        assert not take(tracker, file)
    clock.now += QUIET_PERIOD_NS
    assert take(tracker, file)


def test_a_file_with_a_future_time_is_observed_twice(file: str, clock: Clock) -> None:
    os.utime(file, ns=(0, clock.now + HOUR))
    tracker = StabilityTracker(clock)
    assert not take(tracker, file)
    clock.now += QUIET_PERIOD_NS // 2
    os.utime(file, ns=(0, clock.now + HOUR))
    assert not take(tracker, file)
    clock.now += QUIET_PERIOD_NS
    assert take(tracker, file)


def test_a_missing_file_is_forgotten(file: str, clock: Clock) -> None:
    tracker = StabilityTracker(clock)
    clock.now = os.stat(file).st_mtime_ns
    assert not take(tracker, file)
    os.unlink(file)
    assert not tracker.any_stable()
    assert tracker.unstable == frozenset()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="leases are Linux's")
def test_a_file_open_for_writing_is_unstable_for_at_most_an_hour(file: str, clock: Clock) -> None:
    tracker = StabilityTracker(clock)
    clock.now = os.stat(file).st_mtime_ns + QUIET_PERIOD_NS
    with open(file, "ab"):
        assert is_open_for_writing(file)
        assert not take(tracker, file)
        clock.now += HOUR + 1
        assert take(tracker, file)
    assert not is_open_for_writing(file)
    with open(file, "rb"):
        assert not is_open_for_writing(file)


def test_a_file_counts_as_closed_where_the_system_cannot_say(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_open_for_writing(file + ".gone")
    assert not is_open_for_writing("/dev/null")
    monkeypatch.delattr("fcntl.F_SETLEASE", raising=False)
    with open(file, "ab"):
        assert not is_open_for_writing(file)
