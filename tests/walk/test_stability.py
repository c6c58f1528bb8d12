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


def take(ripening: StabilityTracker, file: str) -> bool:
    found = os.stat(file)
    return ripening.take(file, found.st_size, found.st_mtime_ns)


def test_a_file_is_ripe_two_seconds_after_its_last_change(file: str, clock: Clock) -> None:
    ripening = StabilityTracker(clock)
    clock.now = os.stat(file).st_mtime_ns + QUIET_PERIOD_NS - 1
    assert not take(ripening, file)
    assert not ripening.any_ripe()
    clock.now += 1
    assert ripening.any_ripe()
    assert ripening.unripe == {file}
    assert take(ripening, file)
    assert ripening.unripe == frozenset()


def test_a_file_that_grows_goes_on_being_unripe(file: str, clock: Clock) -> None:
    ripening = StabilityTracker(clock)
    for growth in range(5):
        clock.now += QUIET_PERIOD_NS
        os.utime(file, ns=(clock.now, clock.now))
        os.truncate(file, growth)
        os.utime(file, ns=(clock.now, clock.now))
        assert not take(ripening, file)
    clock.now += QUIET_PERIOD_NS
    assert take(ripening, file)


def test_a_file_from_the_future_is_looked_at_twice(file: str, clock: Clock) -> None:
    os.utime(file, ns=(0, clock.now + HOUR))
    ripening = StabilityTracker(clock)
    assert not take(ripening, file)
    clock.now += QUIET_PERIOD_NS // 2
    os.utime(file, ns=(0, clock.now + HOUR))
    assert not take(ripening, file)
    clock.now += QUIET_PERIOD_NS
    assert take(ripening, file)


def test_a_file_that_is_gone_is_forgotten(file: str, clock: Clock) -> None:
    ripening = StabilityTracker(clock)
    clock.now = os.stat(file).st_mtime_ns
    assert not take(ripening, file)
    os.unlink(file)
    assert not ripening.any_ripe()
    assert ripening.unripe == frozenset()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="leases are Linux's")
def test_a_file_that_is_open_for_writing_is_not_ripe_unless_it_is_stalled(file: str, clock: Clock) -> None:
    ripening = StabilityTracker(clock)
    clock.now = os.stat(file).st_mtime_ns + QUIET_PERIOD_NS
    with open(file, "ab"):
        assert is_open_for_writing(file)
        assert not take(ripening, file)
        clock.now += HOUR + 1
        assert take(ripening, file)
    assert not is_open_for_writing(file)
    with open(file, "rb"):
        assert not is_open_for_writing(file)


def test_what_can_not_be_told_counts_as_not_open(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_open_for_writing(file + ".gone")
    assert not is_open_for_writing("/dev/null")
    monkeypatch.delattr("fcntl.F_SETLEASE", raising=False)
    with open(file, "ab"):
        assert not is_open_for_writing(file)
