import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from forkresize.cli.types import parse_timestamp

SECOND = 10**9


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5400), ("2d", 172_800), ("1 w", 604_800)]
)
def test_an_age_is_relative_to_the_first_call(text: str, seconds: int) -> None:
    assert abs(time.time_ns() - seconds * SECOND - parse_timestamp(text)) < 3600 * SECOND
    assert parse_timestamp("0s") - parse_timestamp(text) == seconds * SECOND


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-02", 23 * 3600),
        ("1970-01-02T12:00", 35 * 3600),
        ("1970-01-02 12:00:30", 35 * 3600 + 30),
        ("1970-01-02T12:00Z", 36 * 3600),
        ("1970-01-02T12:00+02:00", 34 * 3600),
    ],
)
def test_a_date_is_local_unless_it_has_an_offset(text: str, seconds: int, in_berlin: None) -> None:
    assert parse_timestamp(text) == seconds * SECOND


def test_fractions_of_a_second_are_exact() -> None:
    assert parse_timestamp("2026-01-31T12:00:00.123457Z") % SECOND == 123_457_000


def test_a_file_name_is_its_modification_time(tmp_path: Path) -> None:
    (tmp_path / "stamp").touch()
    os.utime(tmp_path / "stamp", ns=(1, 123_456_789_000_000_001))
    assert parse_timestamp(str(tmp_path / "stamp")) == 123_456_789_000_000_001


@pytest.mark.parametrize("text", ["", "2d", "2026-01-31"])
def test_dates_and_ages_take_precedence_over_file_names(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if text:
        (tmp_path / text).touch()
        assert parse_timestamp(text) < parse_timestamp(f"./{text}")
    else:
        with pytest.raises(ValueError, match="invalid time"):
            parse_timestamp(text)


@pytest.mark.parametrize("text", ["soon", "2026", "2026-02-30", "2026-01-31T25:00", "3"])
def test_an_invalid_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid time '.*': use a date such as 2026-01-31 or"):
        parse_timestamp(text)
