"""A ledger of a few records, and a file outside of the destination that must stay as it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forkresize.ledger import OutputRecord
from forkresize.ledger.sqlite import SqliteLedger, ledger_path


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """The file of a closed ledger with one run and three records."""
    out = tmp_path / "out"
    (out / ".forkresize").mkdir(parents=True)
    with SqliteLedger(str(out)) as ledger:
        ledger.begin_run()
        ledger.record(
            OutputRecord(key, "/in", key, 1, 1, None, b"recipe", "written", run=1, size=1) for key in ("a", "b", "c")
        )
    return Path(ledger_path(str(out)))


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Path]:
    """A file that nothing may touch."""
    path = tmp_path / "canary"
    path.write_bytes(b"precious")
    before = path.stat()
    yield path
    assert path.read_bytes() == b"precious"
    assert path.stat().st_mtime_ns == before.st_mtime_ns
