"""Runs whose ledger is in PostgreSQL: the server crashes, stays away, or is used by two runs at once."""

import glob
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from forkresize import Observer, Outcome, Recipe, Settings, run
from forkresize.errors import DestinationBusyError
from forkresize.exit_policy import ExitCode
from forkresize.ledger import open_ledger
from forkresize.ledger.postgres import Cursor, Database, Timeouts, ledger
from tests.protocols import Draw
from tests.servers.postgresql import PostgresServer
from tests.servers.program import uses

pytestmark = [*uses("postgresql"), pytest.mark.slow]

SMALL = Recipe.of(width=[16, 32])
COUNT = 40

Outcomes = list[Outcome]


@pytest.fixture
def url(postgresql: PostgresServer, tmp_path: Path, draw: Draw) -> str:
    """The URL of a new database; the sources are there."""
    for number in range(COUNT):
        draw(tmp_path / f"in/{number:03}.jpg", size=(64, 48))
    return postgresql.new_database().replace("test@", "test:hunter2@")


def observe(action: Callable[[], object], outcomes: Outcomes) -> Callable[[Outcome], None]:
    """Return an observer that does something when ten outputs are made."""

    def on_outcome(outcome: Outcome) -> None:
        outcomes.append(outcome)
        if len(outcomes) == 10:
            action()

    return on_outcome


def outputs(tmp_path: Path) -> set[str]:
    return set(glob.glob(f"{tmp_path}/out/*.jpg"))


def test_a_run_survives_a_crash_of_the_server_and_records_everything(
    url: str, tmp_path: Path, postgresql: PostgresServer
) -> None:
    def crash() -> None:
        postgresql.crash()
        postgresql.start()

    made: Outcomes = []
    settings = Settings(ledger=url)
    summary = run([tmp_path / "in"], tmp_path / "out", SMALL, settings=settings, observers=[observe(crash, made)])
    assert (summary.exit_code, summary.written) == (0, 2 * COUNT)
    again = run([tmp_path / "in"], tmp_path / "out", SMALL, settings=settings)
    assert (again.written, again.unchanged) == (0, 2 * COUNT)
    with open_ledger(str(tmp_path / "out"), url, read_only=True) as ledger:
        assert len(list(ledger.iter_records())) == 2 * COUNT
        assert list(ledger.interrupted_runs()) == []


def test_a_server_that_stays_away_ends_the_run_and_every_finished_output_is_reported(
    url: str, tmp_path: Path, postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "Timeouts", partial(Timeouts, retry=1))
    made: Outcomes = []
    try:
        summary = run(
            [tmp_path / "in"],
            tmp_path / "out",
            SMALL,
            settings=Settings(ledger=url),
            observers=[observe(postgresql.crash, made)],
        )
    finally:
        postgresql.start()
    assert summary.exit_code == ExitCode.FATAL
    assert "cannot be used" in str(summary.stopped_by)
    assert "hunter2" not in str(summary)
    assert {str(outcome.destination) for outcome in made if outcome.status == "written"} == outputs(tmp_path)
    assert summary.written == len(outputs(tmp_path)) >= 10
    again = run([tmp_path / "in"], tmp_path / "out", SMALL, settings=Settings(ledger=url))
    assert again.exit_code == 0
    assert len(outputs(tmp_path)) == 2 * COUNT


def test_a_signal_ends_the_wait_for_a_server_that_is_away(
    url: str,
    tmp_path: Path,
    postgresql: PostgresServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Each record is waited for.
    monkeypatch.setattr(ledger, "_MAX_PENDING", 1)
    made: Outcomes = []
    interrupted: list[float] = []

    def interrupt() -> None:
        # The wait begins with the next look-up or record, and would last for a minute.
        deadline = time.monotonic() + 30
        while not caplog.records and time.monotonic() < deadline:
            time.sleep(0.05)
        interrupted.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    settings = Settings(ledger=url)
    thread = threading.Thread(target=interrupt)

    def crash() -> None:
        postgresql.crash()
        thread.start()

    try:
        summary = run([tmp_path / "in"], tmp_path / "out", SMALL, settings=settings, observers=[observe(crash, made)])
        ended = time.monotonic()
    finally:
        postgresql.start()
        thread.join()
    assert "waiting for the database" in caplog.text
    assert summary.exit_code == 128 + signal.SIGINT
    assert ended - interrupted[0] < 30
    again = run([tmp_path / "in"], tmp_path / "out", SMALL, settings=settings)
    assert again.exit_code == 0
    assert len(outputs(tmp_path)) == 2 * COUNT


def test_a_run_that_another_one_on_another_machine_excludes_does_nothing(url: str, tmp_path: Path) -> None:
    (tmp_path / "out/.forkresize").mkdir(parents=True)
    with open_ledger(str(tmp_path / "out"), url) as elsewhere:
        elsewhere.hold(None, 0, list)
        with pytest.raises(DestinationBusyError, match="another run that uses the ledger") as caught:
            run([tmp_path / "in"], tmp_path / "out", SMALL, settings=Settings(ledger=url))
    assert "hunter2" not in str(caught.value)
    assert outputs(tmp_path) == set()


def test_runs_into_two_directories_share_a_database(url: str, tmp_path: Path) -> None:
    for name in ("out", "other"):
        summary = run([tmp_path / "in"], tmp_path / name, SMALL, settings=Settings(ledger=url))
        assert summary.written == 2 * COUNT
    (tmp_path / "in/000.jpg").unlink()
    pruned = run([tmp_path / "in"], tmp_path / "out", SMALL, settings=Settings(ledger=url, prune=True))
    assert (pruned.pruned, pruned.unchanged) == (2, 2 * COUNT - 2)
    assert (tmp_path / "other/000-16w.jpg").exists()
    with open_ledger(str(tmp_path / "other"), url, read_only=True) as ledger:
        assert ledger.get("000-16w.jpg") is not None


def test_a_destination_that_was_moved_keeps_its_records(url: str, tmp_path: Path) -> None:
    run([tmp_path / "in"], tmp_path / "out", SMALL, settings=Settings(ledger=url))
    (tmp_path / "out").rename(tmp_path / "moved")
    again = run([tmp_path / "in"], tmp_path / "moved", SMALL, settings=Settings(ledger=url))
    assert (again.written, again.unchanged) == (0, 2 * COUNT)
    dry = run([tmp_path / "in"], tmp_path / "moved", SMALL, settings=Settings(ledger=url, dry_run=True))
    assert (dry.planned, dry.unchanged) == (0, 2 * COUNT)


def test_records_are_looked_up_in_groups(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run([tmp_path / "in"], tmp_path / "out", SMALL, settings=Settings(ledger=url))
    transactions = []
    execute = Database.run

    def count(self: Database, work: Callable[[Cursor], Any], *, wait: bool = True) -> Any:
        transactions.append(work)
        return execute(self, work, wait=wait)

    monkeypatch.setattr(Database, "run", count)
    again = run([tmp_path / "in"], tmp_path / "out", SMALL, settings=Settings(ledger=url))
    assert again.unchanged == 2 * COUNT
    assert 0 < len(transactions) < COUNT / 2


class Descriptors(Observer):
    """Collects the sockets that this process has open, and those that its workers have after a picture."""

    def __init__(self) -> None:
        self.own: set[str] = set()
        self.workers: set[str] = set()

    def on_outcome(self, outcome: Outcome) -> None:
        self.own |= _open_sockets("self")
        self.workers |= _open_sockets(str(outcome.execution.worker))


def _open_sockets(pid: str) -> set[str]:
    found = set()
    for name in glob.glob(f"/proc/{pid}/fd/*"):
        try:
            found.add(os.readlink(name))
        except OSError:
            continue
    return {name for name in found if name.startswith("socket:")}


def _sockets_to(port: int) -> set[str]:
    lines = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return {f"socket:[{line[9]}]" for line in lines if line[2].endswith(f":{port:04X}")}


@pytest.mark.skipif(not os.path.exists("/proc/self/net/tcp"), reason="Linux shows the sockets of a process")
@pytest.mark.parametrize("sandbox", ["auto", "off"])
def test_workers_do_not_have_the_connection(url: str, tmp_path: Path, postgresql: PostgresServer, sandbox: str) -> None:
    seen = Descriptors()
    connections: set[str] = set()
    settings = Settings(ledger=url, sandbox=sandbox)  # type: ignore[arg-type]
    look = observe(lambda: connections.update(_sockets_to(postgresql.port)), [])
    summary = run([tmp_path / "in"], tmp_path / "out", SMALL, settings=settings, observers=[seen, look])
    assert summary.exit_code == 0
    assert connections & seen.own
    assert seen.workers
    assert not connections & seen.workers
