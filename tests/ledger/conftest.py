"""The ledgers that every test of the conformance suite runs against."""

from collections.abc import Callable
from pathlib import Path

import pytest

from forkresize.ledger import LedgerStore, NullLedger, open_ledger

Open = Callable[[], LedgerStore]


def _sqlite(tmp_path: Path) -> Open:
    (tmp_path / "out/.forkresize").mkdir(parents=True)
    return lambda: open_ledger(str(tmp_path / "out"))


LEDGERS: dict[str, Callable[[Path], Open]] = {"sqlite": _sqlite, "none": lambda _: NullLedger}


@pytest.fixture(params=LEDGERS)
def open_any(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Open the same ledger each time it is called."""
    return LEDGERS[request.param](tmp_path)


@pytest.fixture(params=[name for name in LEDGERS if name != "none"])
def open_persistent(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Open the same ledger each time it is called; all but the one that keeps nothing."""
    return LEDGERS[request.param](tmp_path)
