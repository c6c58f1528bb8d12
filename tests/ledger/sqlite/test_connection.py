"""A hostile ledger takes neither memory nor time, and signals are handled in the middle of a statement."""

import signal
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from types import FrameType

import pytest

from benchmarks.plants import HOSTILE_SQL, claim_pages, execute, fan_out, write_ahead_log
from forkresize.errors import LedgerError
from forkresize.ledger import OutputRecord
from forkresize.ledger.sqlite import SqliteLedger
from forkresize.ledger.sqlite.connection import LedgerConnection
from forkresize.ledger.sqlite.schema import connect

FOREIGN = [
    name
    for name in HOSTILE_SQL
    if name not in {"text that is not UTF-8", "large roots", "many roots", "many runs", "large cache"}
]
PEAK = 60 << 20

RUN = """
import pathlib, sys
from forkresize.errors import LedgerError
from forkresize.ledger import OutputRecord
from forkresize.ledger.sqlite import SqliteLedger
try:
    with SqliteLedger(sys.argv[1]) as ledger:
        ledger.begin_run()
        ledger.record([OutputRecord("d", "/in", "d", 1, 1, None, b"", "written")])
        print(sum(1 for _ in ledger.iter_records()), len(ledger.interrupted_runs()))
except LedgerError as error:
    print(error)
status = pathlib.Path("/proc/self/status")
print(int(status.read_text().partition("VmHWM:")[2].split()[0]) << 10 if status.exists() else 0)
"""


def out(ledger: Path) -> str:
    return str(ledger.parent.parent)


def use_elsewhere(ledger: Path) -> tuple[str, int]:
    """Use a ledger in another process; return what it printed, and its peak memory in bytes (0 without /proc)."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, out(ledger)], capture_output=True, text=True, timeout=30, check=True
    )
    text, peak = done.stdout.rsplit(maxsplit=1)
    return text.strip(), int(peak)


@pytest.mark.slow
@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_schema_is_refused_before_it_is_used(ledger: Path, name: str) -> None:
    execute(ledger, HOSTILE_SQL[name])
    before = ledger.read_bytes()
    text, peak = use_elsewhere(ledger)
    assert "delete it to start over" in text
    assert peak < PEAK
    assert ledger.read_bytes() == before


def test_a_text_that_is_not_utf_8_is_damage(ledger: Path) -> None:
    execute(ledger, HOSTILE_SQL["text that is not UTF-8"])
    with SqliteLedger(out(ledger)) as opened:
        with pytest.raises(LedgerError, match="delete it to start over"):
            opened.get("a")
        with pytest.raises(LedgerError, match="delete it to start over"):
            list(opened.iter_records())


def test_a_schema_without_end_is_refused(ledger: Path) -> None:
    ledger.write_bytes(fan_out(ledger.read_bytes()))
    with pytest.raises(LedgerError, match="schema is not a ledger's"):
        SqliteLedger(out(ledger))


def test_a_log_that_claims_a_huge_ledger_takes_no_memory(ledger: Path) -> None:
    pages = 2**32 - 3
    log = write_ahead_log({1: claim_pages(ledger.read_bytes(), pages)}, pages)
    ledger.with_name("ledger.db-wal").write_bytes(log)
    text, peak = use_elsewhere(ledger)
    assert f"it has {pages} pages" in text
    assert peak < PEAK


@pytest.mark.slow
@pytest.mark.parametrize("name", ["large roots", "many roots", "many runs"])
def test_many_rows_take_no_memory(ledger: Path, name: str) -> None:
    execute(ledger, HOSTILE_SQL[name])
    text, peak = use_elsewhere(ledger)
    assert text == ("4 1000" if name == "many runs" else "4 0")
    assert peak < PEAK


def test_the_cache_does_not_have_the_size_that_the_file_asks_for(ledger: Path) -> None:
    execute(ledger, HOSTILE_SQL["large cache"])
    with closing(connect(str(ledger))) as opened:
        assert opened.execute("PRAGMA cache_size").fetchone() == (-2000,)


def test_older_interrupted_runs_are_combined_into_one_that_may_have_made_any_output(ledger: Path) -> None:
    execute(ledger, HOSTILE_SQL["many runs"])
    with SqliteLedger(out(ledger)) as opened:
        *recent, combined = opened.interrupted_runs()
    assert len(recent) == 999
    assert {run.started_ns for run in recent} == {0}
    assert combined.number < min(run.number for run in recent)
    assert combined.ended_ns < combined.started_ns


@pytest.mark.parametrize(
    "sql", [HOSTILE_SQL["endless trigger"].replace("runs", "outputs"), HOSTILE_SQL["endless view"]]
)
def test_what_another_process_adds_to_the_schema_during_a_run_is_not_executed(ledger: Path, sql: str) -> None:
    opened = SqliteLedger(out(ledger))
    opened.begin_run()
    execute(ledger, sql)
    opened.record([OutputRecord("d", "/in", "d", 1, 1, None, b"", "written")])
    # Python 3.12 switches triggers off; before, they are denied.
    with suppress(LedgerError):
        opened.flush()
    with suppress(LedgerError):
        opened.close()
    with pytest.raises(LedgerError, match="schema"):
        SqliteLedger(out(ledger))


@pytest.mark.parametrize("raised", [KeyboardInterrupt, ValueError])
def test_a_signal_interrupts_a_statement_and_what_its_handler_raises_is_raised(
    ledger: Path, raised: type[BaseException]
) -> None:
    def handle(_: int, _frame: FrameType | None) -> None:
        raise raised

    endless = f"SELECT count(*) FROM {', '.join(f'outputs AS o{number}' for number in range(30))}"  # noqa: S608
    connection = LedgerConnection(str(ledger), read_only=True)
    connection.trust_schema()
    previous = signal.signal(signal.SIGVTALRM, handle)
    try:
        for _ in range(2):
            began = time.monotonic()
            signal.setitimer(signal.ITIMER_VIRTUAL, 0.1)
            with pytest.raises(raised), connection.translate_errors():
                connection.execute(endless)
            assert time.monotonic() - began < 5
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)
    assert connection.execute("SELECT count(*) FROM outputs").fetchone() == (3,)
    connection.close()
