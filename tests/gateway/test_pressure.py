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


def alternate(pressure: Pressure, clock: Clock, room: float, none: float) -> float | None:
    """Have room and none in turn, for so many seconds; return when the overload was over, if within a minute."""
    begun = clock.now
    while clock.now < begun + 60:
        for has_room, seconds in ((True, room), (False, none)):
            if not pressure.note_room(has_room=has_room):
                return clock.now - begun
            clock.now += seconds
    return None


def test_it_is_over_when_there_was_room_for_a_moment(clock: Clock) -> None:
    pressure = Pressure(24, clock)
    refuse(pressure, clock, 1000, 5)
    assert pressure.note_room(has_room=True)
    clock.now += 0.1
    assert pressure.note_room(has_room=True)
    clock.now += 0.1
    assert pressure.is_over
    assert not pressure.note_room(has_room=False)
    assert not pressure.is_high
    assert refuse(pressure, clock, 500, 0.2) == 0


@pytest.mark.parametrize("picture", [0.001, 0.03])
def test_it_is_over_when_a_worker_is_idle_most_of_the_time_however_small_the_pictures(
    clock: Clock, picture: float
) -> None:
    pressure = Pressure(24, clock)
    refuse(pressure, clock, 1000, 5)
    ended = alternate(pressure, clock, 1.5 * picture, picture)
    assert ended is not None
    assert ended < 1


@pytest.mark.parametrize("picture", [0.001, 0.03, 0.3])
def test_it_lasts_while_a_worker_is_busy_most_of_the_time(clock: Clock, picture: float) -> None:
    pressure = Pressure(24, clock)
    refuse(pressure, clock, 1000, 5)
    assert alternate(pressure, clock, picture / 3, picture) is None
    assert pressure.is_high


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
