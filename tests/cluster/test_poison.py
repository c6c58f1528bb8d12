"""A picture that ends every node that works on it."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from forkresize.cluster.node.chunk_run import POISON
from forkresize.outcome import Failed, Reason
from tests.cluster.lab import ON_RABBITMQ, ON_REDIS, Lab, NodeProcess, wait_for

SCRIPT = Path(__file__).with_name("poisoned_node.py")


@contextlib.contextmanager
def keep_nodes_running(lab: Lab, count: int) -> Iterator[list[NodeProcess]]:
    """Start nodes, and another one for each that dies, as a supervisor of a machine does. Yield those that died."""
    died: list[NodeProcess] = []
    ended = threading.Event()

    def watch() -> None:
        node = lab.start_node(script=SCRIPT)
        while not ended.wait(0.05):
            if node.process.poll() is not None:
                died.append(node)
                node = lab.start_node(script=SCRIPT)

    threads = [threading.Thread(target=watch) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield died
    finally:
        ended.set()
        for thread in threads:
            thread.join()


@ON_RABBITMQ
@pytest.mark.timeout(240)
def test_a_picture_that_ends_nodes_is_named_and_costs_four_of_them(lab: Lab) -> None:
    lab.add_pictures(20)
    lab.add_pictures(1, name="poison")
    lab.add_pictures(19)
    with keep_nodes_running(lab, 2) as died:
        wait_for(lambda: len(lab.nodes) == 2 and all("is ready" in node.log for node in lab.nodes), "nodes are ready")
        lab.publish(40)
        lab.wait_until_finished(180)
    assert len(died) == 4
    outcomes = lab.outcomes()
    assert len(outcomes) == 40
    failed = [each for each in outcomes if isinstance(each.outcomes[0].detail, Failed)]
    assert [each.outcomes[0].detail for each in failed] == [Failed(Reason.CRASHED, POISON)]
    assert lab.outputs() == sorted(job.outputs[0].key for job in lab.jobs if "poison" not in job.source.path)
    records = {record.key: record.status for record in lab.records()}
    assert len(records) == 40
    assert [key for key, status in records.items() if status == "failed"] == ["small/poison-0020.jpg"]
    # A chunk that waited beside it on the same node may count as well.
    assert lab.progress.lost >= 4


@ON_REDIS
@pytest.mark.timeout(240)
def test_a_picture_that_a_node_fails_at_by_a_bug_is_named_before_a_lease_runs_out(lab: Lab) -> None:
    lab.add_pictures(3)
    lab.add_pictures(1, name="poison")
    lab.add_pictures(2)
    node = lab.start_node("--lease", "600s", script=SCRIPT.with_name("buggy_node.py"))
    lab.publish(6)
    lab.wait_until_finished(180)
    details = [each.outcomes[0].detail for each in lab.outcomes()]
    assert [detail for detail in details if isinstance(detail, Failed)] == [Failed(Reason.CRASHED, POISON)]
    assert {job.outputs[0].key for job in lab.jobs if "poison" not in job.source.path} <= set(lab.outputs())
    assert lab.progress.lost == 4
    assert node.log.count("a bug in forkresize; please report it") == 4
    assert "RuntimeError: no reason at all" in node.log
    assert node.process.poll() is None
