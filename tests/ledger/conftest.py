"""The ledgers that every test of the conformance suite runs against."""

from collections.abc import Callable
from pathlib import Path

import pytest

from forkresize.ledger import LedgerStore, NullLedger, OutputRecord, open_ledger
from tests.servers.program import uses

Open = Callable[[], LedgerStore]


def _sqlite(tmp_path: Path, _: pytest.FixtureRequest) -> Open:
    (tmp_path / "out/.forkresize").mkdir(parents=True)
    return lambda: open_ledger(str(tmp_path / "out"))


def _shared_sqlite(tmp_path: Path, _: pytest.FixtureRequest) -> Open:
    """Return what opens a file that has another destination as well."""
    url = f"sqlite://{tmp_path}/state/ledger.db"
    with open_ledger("s3://other/destination", url) as other:
        other.begin_run()
        other.record([OutputRecord("a", "/elsewhere", "a", 1, 2, None, b"", "written", run=1)])
    return lambda: open_ledger("s3://a/destination", url)


def _postgresql(_: Path, request: pytest.FixtureRequest) -> Open:
    url = request.getfixturevalue("postgresql").new_database()
    with open_ledger("s3://other/destination", url) as other:
        other.begin_run()
        other.record([OutputRecord("a", "/elsewhere", "a", 1, 2, None, b"", "written", run=1)])
    return lambda: open_ledger("s3://a/destination", url)


LEDGERS: dict[str, Callable[[Path, pytest.FixtureRequest], Open]] = {
    "sqlite": _sqlite,
    "shared sqlite": _shared_sqlite,
    "postgresql": _postgresql,
    "none": lambda *_: NullLedger,
}
_MARKS = {"postgresql": uses("postgresql")}
_EACH = [pytest.param(name, marks=_MARKS.get(name, ())) for name in LEDGERS]


@pytest.fixture(params=_EACH)
def open_any(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Open the same ledger each time it is called."""
    return LEDGERS[request.param](tmp_path, request)


@pytest.fixture(params=_EACH[:-1])
def open_persistent(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Open the same ledger each time it is called; all but the one that keeps nothing."""
    return LEDGERS[request.param](tmp_path, request)
