"""Records of runs in each database."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from forkresize.gateway.runs.records.postgres import open_postgres
from forkresize.gateway.runs.records.records import RunRecords
from forkresize.gateway.runs.records.sqlite import open_sqlite
from forkresize.gateway.runs.records.values import Limits
from tests.servers.program import uses

OpenRecords = Callable[[Limits], RunRecords]

DATABASES = ["sqlite", pytest.param("postgresql", marks=uses("postgresql"))]


@pytest.fixture(params=DATABASES)
def open_records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenRecords]:
    """Open the records in a new database; those in a file only once at a time."""
    url = request.getfixturevalue("postgresql").new_database() if request.param == "postgresql" else ""
    with ExitStack() as stack:

        def open_records(limits: Limits) -> RunRecords:
            records = open_postgres(url, limits) if url else open_sqlite(str(tmp_path / "state"), limits)
            stack.callback(records.close)
            return records

        yield open_records


@pytest.fixture
def records(open_records: OpenRecords) -> RunRecords:
    return open_records(Limits(queued=5))
