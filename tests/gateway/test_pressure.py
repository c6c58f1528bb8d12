"""A burst is not an overload, and an overload ends when there is room."""

import pytest

from forkresize.gateway.pressure import Pressure


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def refuse(pressure: Pressure, clock: Clock, count: int, seconds: float) -> int:
    """Refuse pictures in regular intervals; return how many overloads begin."""
    begun = 0
    for _ in range(count):
        clock.now += seconds / count
        begun += pressure.note_refusal()
    return begun


def test_a_burst_is_not_an_overload_however_large(clock: Clock) -> None:
    pressure = Pressure(24, clock)
    assert refuse(pressure, clock, 500, 0.2) == 0
    assert not pressure.is_high


def test_few_refusals_are_not_an_overload_however_long_they_last(clock: Clock) -> None:
    pressure = Pressure(24, clock)
    assert refuse(pressure, clock, 47, 60) == 0
    assert not pressure.is_high


def test_many_refusals_for_some_time_are_one_overload(clock: Clock) -> None:
    pressure = Pressure(24, clock)
    assert refuse(pressure, clock, 1000, 5) == 1
    assert pressure.is_high


def test_it_is_over_when_there_was_room_without_pause(clock: Clock) -> None:
    pressure = Pressure(24, clock)
    refuse(pressure, clock, 1000, 5)
    for has_room in (True, False) * 10:
        assert pressure.note_room(has_room=has_room)
        clock.now += 0.09
    assert pressure.note_room(has_room=True)
    clock.now += 0.11
    assert not pressure.note_room(has_room=False)
    assert not pressure.is_high
    assert refuse(pressure, clock, 500, 0.2) == 0


def test_bursts_with_room_between_them_are_not_an_overload(clock: Clock) -> None:
    pressure = Pressure(24, clock)
    for _ in range(20):
        refuse(pressure, clock, 60, 0.2)
        pressure.note_room(has_room=True)
        clock.now += 0.2
        pressure.note_room(has_room=True)
    assert not pressure.is_high


def test_without_a_queue_a_few_refusals_are_not_an_overload(clock: Clock) -> None:
    pressure = Pressure(0, clock)
    assert refuse(pressure, clock, 9, 1) == 0
    assert refuse(pressure, clock, 2, 1) == 1
