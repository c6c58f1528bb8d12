"""Workers that start before the stores are opened. ``tests/e2e/test_buckets.py`` runs the command with them."""

import time
from pathlib import Path

import pytest
from PIL import Image

from forkresize.batch.remote import backend
from forkresize.cli.arguments import recipe_from
from forkresize.cli.early_start import start_workers
from forkresize.pool import PoolProcess
from tests.children import is_alive
from tests.protocols import ParseArguments

BUCKETS = ("s3://photos/in", "s3://web/out", "--width", "8")


def test_workers_of_a_run_with_buckets_start_and_end(
    arguments: ParseArguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = []
    start = PoolProcess.start

    def start_and_wait(pool: PoolProcess[object]) -> None:
        start(pool)
        deadline = time.monotonic() + 60
        while pool.supervisor_pid is None and time.monotonic() < deadline:
            time.sleep(0.01)
        pids.append(pool.supervisor_pid or 0)

    monkeypatch.setattr(PoolProcess, "start", start_and_wait)
    parsed = arguments(*BUCKETS)
    with start_workers(parsed, recipe_from(parsed), parsed.settings):
        assert [is_alive(pid) for pid in pids] == [True]
    assert not is_alive(pids[0])


@pytest.mark.parametrize(
    "options",
    [
        ("in", "out", "--width", "8"),
        ("file:///in", "file:///out", "--width", "8"),
        (*BUCKETS, "--dry-run"),
        (*BUCKETS, "--workers", "0"),
        (*BUCKETS, "--cluster", "amqp://broker/", "--ledger", "postgresql://db/x"),
        (*BUCKETS, "--watermark", "mark.png"),
    ],
)
def test_workers_do_not_start_early_where_they_may_be_useless(
    options: tuple[str, ...], arguments: ParseArguments, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8)).save("mark.png")
    monkeypatch.setattr(backend, "create_renderer", lambda *_: pytest.fail("they started"))
    parsed = arguments(*options)
    with start_workers(parsed, recipe_from(parsed), parsed.settings):
        pass
