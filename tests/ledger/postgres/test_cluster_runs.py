"""Runs that are not on the cluster notice runs of the cluster that nodes work on, although their client has left."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.values import Lease, NewChunk, Result, RunState
from forkresize.cluster.spec import RunSpec
from forkresize.errors import RunActiveError
from forkresize.exit_policy import ExitCode, exit_code_for_error
from forkresize.ledger import open_ledger
from tests.ledger.postgres.conftest import Query
from tests.servers.program import uses

pytestmark = [*uses("postgresql"), pytest.mark.slow]

DEADLINE = 30
HERE = "s3://a/b"

Publish = Callable[..., int]


@pytest.fixture
def cluster(url: str) -> Iterator[ClusterDatabase]:
    with ClusterDatabase(url) as database:
        database.migrate()
        yield database


@pytest.fixture
def publish(url: str, cluster: ClusterDatabase) -> Publish:
    """Publish a run with one chunk, and leave it; return its number."""

    def publish(destination: str = HERE, shard: str = "", node_url: str | None = None) -> int:
        with open_ledger(destination, url) as ledger:
            ledger.hold(shard or None, 0, list, on_cluster=True)
            ledger.begin_run()
            spec = RunSpec(sources=["s3://a/in"], destination=node_url or destination, recipe="{}", shard=shard)
            cluster.runs.create(ledger.run, spec)
            cluster.runs.add_chunks(ledger.run, [NewChunk(1, "manifest", 0, 10, 1000)])
            cluster.runs.close(ledger.run)
            cluster.runs.detach(ledger.run)
            return ledger.run

    return publish


def hold(url: str, destination: str = HERE, shard: str | None = None, seconds: float = 0) -> None:
    """Begin a run, and end it."""
    with open_ledger(destination, url) as ledger:
        ledger.hold(shard, seconds, list)
        ledger.begin_run()


def take(cluster: ClusterDatabase, run: int) -> Lease:
    lease = cluster.chunks.take(run, 1, "node")
    assert lease is not None
    return lease


def test_a_run_is_refused_while_nodes_have_or_will_have_chunks(
    url: str, cluster: ClusterDatabase, publish: Publish
) -> None:
    run = publish()
    with pytest.raises(RunActiveError, match=f"run {run} of the cluster is at work on '{HERE}'") as caught:
        hold(url)
    assert exit_code_for_error(caught.value) == ExitCode.LOCKED
    lease = take(cluster, run)
    cluster.runs.cancel(run)
    with pytest.raises(RunActiveError):
        hold(url)
    assert cluster.chunks.finish(lease, Result(made=10))
    hold(url)


def test_a_run_whose_client_has_died_is_noticed(url: str, cluster: ClusterDatabase, publish: Publish) -> None:
    run = publish()
    cluster.runs.detach(run, detached=False)
    with pytest.raises(RunActiveError):
        hold(url)
    cluster.runs.cancel(run)
    hold(url)


def test_a_run_that_was_ended_is_not_in_the_way(url: str, cluster: ClusterDatabase, publish: Publish) -> None:
    cluster.runs.end(publish(), RunState.CANCELLED)
    hold(url)


def test_a_run_waits_for_the_nodes_if_it_is_asked_to(url: str, cluster: ClusterDatabase, publish: Publish) -> None:
    run, waiting = publish(), threading.Event()

    def work() -> None:
        assert waiting.wait(DEADLINE)
        with ClusterDatabase(url) as database:
            assert database.chunks.finish(take(database, run), Result(made=10))

    thread = threading.Thread(target=work)
    thread.start()
    with open_ledger(HERE, url) as ledger:
        ledger.hold(None, DEADLINE, waiting.set)
    thread.join()
    progress = cluster.runs.progress(run)
    assert progress is not None
    assert progress.is_finished


def test_runs_of_other_destinations_and_shards_do_not_matter(url: str, publish: Publish) -> None:
    publish("s3://a/c")
    hold(url)
    publish(shard="1-of-2")
    hold(url, shard="2-of-2")
    for shard in ("1-of-2", None):
        with pytest.raises(RunActiveError):
            hold(url, shard=shard)


def test_a_run_is_noticed_after_a_later_one_of_the_cluster_has_begun(url: str, publish: Publish, query: Query) -> None:
    run = publish()
    with open_ledger(HERE, url) as ledger:
        ledger.hold(None, 0, list, on_cluster=True)
        ledger.begin_run()
    assert query(f"SELECT FROM forkresize.run WHERE id = {run}") == []
    with pytest.raises(RunActiveError):
        hold(url)


def test_a_directory_is_recognized_wherever_it_is_mounted(url: str, publish: Publish, tmp_path: Path) -> None:
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    publish(str(mounted), node_url=mounted.as_uri())
    (tmp_path / "elsewhere").symlink_to(mounted)
    for path in ("mounted", "elsewhere"):
        with pytest.raises(RunActiveError):
            hold(url, str(tmp_path / path))
    mounted.rename(tmp_path / "moved")
    mounted.mkdir()
    hold(url, str(mounted))


def test_who_may_not_read_the_tables_of_the_cluster_notices_nothing(url: str, publish: Publish, query: Query) -> None:
    publish()
    query("DO $$ BEGIN CREATE ROLE outsider LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    query("GRANT USAGE ON SCHEMA forkresize TO outsider")
    for table in ("run", "destination", "schema_version"):
        query(f"GRANT SELECT, INSERT, UPDATE, DELETE ON forkresize.{table} TO outsider")
    hold(url.replace("//test@", "//outsider@"))
