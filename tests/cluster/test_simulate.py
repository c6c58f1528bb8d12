"""The simulation of a cluster keeps account of every picture, with any losses and any slow resource."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from benchmarks.simulation import Cluster, Result, Simulation

SMALL = Cluster(pictures=20_000, chunk=50, nodes=5, workers=2)


def _simulate(cluster: Cluster) -> Result:
    return Simulation(cluster).run()


CLUSTERS = st.builds(
    Cluster,
    pictures=st.integers(1, 3000),
    chunk=st.integers(1, 300),
    nodes=st.integers(1, 6),
    clients=st.integers(1, 3),
    workers=st.integers(1, 4),
    slots=st.integers(1, 3),
    losses_every=st.sampled_from([0.0, 20.0, 200.0]),
    replaced_after=st.sampled_from([1.0, 60.0]),
    noticed_after=st.sampled_from([0.0, 1.0, 45.0]),
    seed=st.integers(0, 1000),
)


@settings(deadline=None)  # Thousands of events, on a busy machine.
@given(CLUSTERS)
def test_every_picture_is_done_once_and_nothing_is_faster_than_possible(cluster: Cluster) -> None:
    result = _simulate(cluster)
    assert result.pictures_done == cluster.pictures
    fewest = math.ceil(cluster.pictures / cluster.chunk)
    assert fewest <= result.chunks < fewest + cluster.clients
    assert result.chunks_taken >= result.chunks
    assert result.makespan >= result.worker_seconds / (cluster.nodes * cluster.workers)
    assert result.makespan >= result.listed_after > 0
    assert all(0 <= share <= 1 for share in result.busy.values())
    assert result.losses or result.chunks_taken == result.chunks
    assert (result.lost_seconds > 0) <= (result.chunks_taken > result.chunks)


def test_the_same_seed_gives_the_same_run() -> None:
    cluster = replace(SMALL, losses_every=5.0)
    assert _simulate(cluster) == _simulate(cluster)
    assert _simulate(cluster) != _simulate(replace(cluster, seed=1))


def test_without_losses_the_workers_are_nearly_always_busy() -> None:
    result = _simulate(replace(SMALL, losses_every=0.0))
    assert result.makespan < 1.1 * result.ideal
    assert result.saturated == "workers"


def test_several_commands_list_several_parts_at_the_same_time() -> None:
    slow = replace(SMALL, losses_every=0.0, list_seconds=30.0)
    one, two = _simulate(slow), _simulate(replace(slow, clients=2))
    assert two.listed_after == pytest.approx(one.listed_after / 2, rel=0.05)
    assert two.makespan < 0.7 * one.makespan


def test_losses_cost_the_work_of_the_lost_nodes_and_no_more() -> None:
    calm = _simulate(replace(SMALL, losses_every=0.0))
    result = _simulate(replace(SMALL, losses_every=30.0, replaced_after=1.0, noticed_after=1.0))
    assert result.losses > 5
    assert result.lost_seconds > 0
    assert result.makespan > calm.makespan
    assert result.chunks_taken - result.chunks <= result.losses * SMALL.slots


@pytest.mark.parametrize(
    ("slow", "resource"),
    [
        ({"rows_per_second": 12.0}, "database"),
        ({"list_seconds": 30.0}, "listing"),
        ({"classify_seconds": 0.05}, "client"),
        ({"publish_seconds": 3.0}, "broker"),
        ({"puts_per_second": 3.0}, "writes"),
        ({"gets_per_second": 1.0}, "reads"),
        ({"bandwidth": 1e6}, "network"),
    ],
)
def test_what_is_slow_is_found_to_be_saturated(slow: dict[str, float], resource: str) -> None:
    result = _simulate(replace(SMALL, losses_every=0.0, **slow))
    assert result.saturated == resource
    assert result.makespan > 1.2 * result.ideal
