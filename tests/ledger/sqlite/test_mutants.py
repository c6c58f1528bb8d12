"""Ledgers, journals and logs with any bytes changed: they are read, or reported as a LedgerError."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.plant_mutants import mutate
from benchmarks.plants import PAGE_SIZE, leave_journal, write_ahead_log
from forkresize.errors import LedgerError
from forkresize.ledger import OutputRecord
from forkresize.ledger.sqlite import SqliteLedger

pytestmark = pytest.mark.slow

KEYS = [f"{number:03}" for number in range(60)]
each_mutant = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory with a ledger of several pages for each table, and the journal of a killed process."""
    path = tmp_path / "out/.forkresize"
    path.mkdir(parents=True)
    with SqliteLedger(str(path.parent)) as ledger:
        ledger.begin_run()
        ledger.record(
            OutputRecord(key, f"/in/{key}", key * 9, 1, 1, None, b"recipe", "failed", "damaged", "text", run=1)
            for key in KEYS
        )
    shutil.copytree(path, tmp_path / "closed")
    leave_journal(path / "ledger.db")
    shutil.copytree(path, tmp_path / "killed")
    return path


def use(state: Path) -> None:
    """Use a ledger as runs do."""
    with SqliteLedger(str(state.parent)) as ledger:
        ledger.begin_run()
        for key in KEYS:
            ledger.get(key)
        ledger.record(OutputRecord(f"new{key}", "/in", key, 1, 1, None, b"", "written") for key in KEYS)
        ledger.forget(KEYS[:20])
        list(ledger.iter_records())


def plant_ledger(state: Path, chance: random.Random) -> None:
    path = state / "ledger.db"
    path.write_bytes(mutate(path.read_bytes(), chance))


def plant_journal(state: Path, chance: random.Random) -> None:
    path = state / "ledger.db-journal"
    path.write_bytes(mutate(path.read_bytes(), chance))


def plant_log(state: Path, chance: random.Random) -> None:
    whole = (state / "ledger.db").read_bytes()
    number = chance.randrange(len(whole) // PAGE_SIZE)
    page = mutate(whole[number * PAGE_SIZE : (number + 1) * PAGE_SIZE], chance).ljust(PAGE_SIZE, b"\0")[:PAGE_SIZE]
    (state / "ledger.db-wal").write_bytes(write_ahead_log({number + 1: page}, len(whole) // PAGE_SIZE))


@pytest.mark.parametrize(
    ("plant", "template"), [(plant_ledger, "closed"), (plant_journal, "killed"), (plant_log, "closed")]
)
def test_a_mutant_is_read_or_refused(
    state: Path, tmp_path: Path, plant: Callable[[Path, random.Random], None], template: str
) -> None:
    refused = read = 0

    @each_mutant
    @given(st.integers(0, 2**32))
    def try_mutant(seed: int) -> None:
        nonlocal refused, read
        shutil.rmtree(state)
        shutil.copytree(tmp_path / template, state)
        plant(state, random.Random(seed))  # noqa: S311 -- seeded on purpose.
        try:
            use(state)
        except LedgerError:
            refused += 1
        else:
            read += 1

    try_mutant()
    assert refused > 0
    assert read > 0
