"""Following a run that another process has published."""

import pytest

from forkresize.batch import Settings
from forkresize.cluster.client.attach import find_run, follow_run
from forkresize.cluster.client.connection import Connection
from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.values import RunState
from forkresize.errors import DestinationBusyError, FieldError
from forkresize.job import Job
from forkresize.observer import Observer
from forkresize.outcome import Outcome
from forkresize.store import LocalStore
from forkresize.summary import Summary
from tests.cluster.client.conftest import SPEC, MakeExecutor
from tests.cluster.scripted_node import ScriptedNode
from tests.servers.program import uses

pytestmark = [pytest.mark.slow, *uses("postgresql")]


class _Recorder(Observer):
    def __init__(self) -> None:
        self.started = 0
        self.outcomes: list[Outcome] = []
        self.summaries: list[Summary] = []

    def on_start(self) -> None:
        self.started += 1

    def on_outcome(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def on_finish(self, summary: Summary) -> None:
        self.summaries.append(summary)


@pytest.fixture
def detached(make_executor: MakeExecutor, jobs: list[Job]) -> list[Job]:
    """The jobs of a detached run."""
    with make_executor(detach=True) as executor:
        assert list(executor.run(jobs)) == []
    return jobs


def test_observers_see_all_that_nodes_have_done(
    connection: Connection, store: LocalStore, node: ScriptedNode, database: ClusterDatabase, detached: list[Job]
) -> None:
    recorder = _Recorder()
    with node.working():
        summary = follow_run(connection, find_run(connection, 1), store, [recorder], Settings())
    assert (summary.written, summary.exit_code) == (len(detached), 0)
    assert sorted(outcome.source.relative for outcome in recorder.outcomes) == [job.source.relative for job in detached]
    assert {outcome.execution.worker for outcome in recorder.outcomes} == {"node-1:4711"}
    assert (recorder.started, recorder.summaries) == (1, [summary])
    row = database.runs.get(1)
    assert row is not None
    assert row.state is RunState.DONE
    with pytest.raises(FieldError, match=r"run 1 has ended \(done\)"):
        find_run(connection, 1)


@pytest.mark.usefixtures("detached")
def test_a_run_that_somebody_follows_is_left_alone(connection: Connection, store: LocalStore) -> None:
    with store.lock(None), pytest.raises(DestinationBusyError):
        follow_run(connection, find_run(connection, 1), store, [], Settings())


def test_a_run_whose_client_died_before_it_had_published_all_is_followed_to_its_end(
    connection: Connection, store: LocalStore, database: ClusterDatabase
) -> None:
    database.runs.create(1, SPEC)
    assert find_run(connection, 1).state is RunState.OPEN
    summary = follow_run(connection, find_run(connection, 1), store, [], Settings())
    assert (summary.written, summary.exit_code) == (0, 0)
    row = database.runs.get(1)
    assert row is not None
    assert row.state is RunState.DONE


def test_a_run_that_does_not_exist_is_named(connection: Connection) -> None:
    with pytest.raises(FieldError, match="there is no run 99 on this cluster") as error:
        find_run(connection, 99)
    assert error.value.field == "attach"
