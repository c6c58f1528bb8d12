"""The execution of a plan on the nodes of a cluster."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from forkresize.batch import AnyObserver, RunPlan
from forkresize.cluster.client.connection import Connection, Request
from forkresize.cluster.client.executor import ClusterExecutor
from forkresize.cluster.client.specification import specify
from forkresize.summary import Summary
from forkresize.telemetry.run_tracer import find_traceparent

if TYPE_CHECKING:
    from forkresize.batch.executor import OnTick
    from forkresize.batch.worker import WorkerSetup


class Submitter(Struct, frozen=True):
    """Who executes a plan.

    Attributes:
        owner: who it is, for people.
        detach: whether it leaves when all chunks are published.
        traceparent: context of the span that the run follows from; unless an observer traces the run; empty for none.
        on_executor: is given the executor before the run begins.
    """

    owner: str
    detach: bool = False
    on_executor: Callable[[ClusterExecutor], object] = lambda _: None
    traceparent: str = ""


def execute_on_cluster(
    plan: RunPlan, connection: Connection, observers: Sequence[AnyObserver], submitter: Submitter
) -> Summary:
    """Execute a plan on the nodes of a cluster; see ``RunPlan.execute`` and ``ClusterExecutor``.

    Args:
        plan: the run.
        connection: the cluster.
        observers: follow the run.
        submitter: who executes it.

    Raises:
        FieldError: nodes cannot do what the run asks for.
    """
    spec = specify(plan)

    def create(_setup: "WorkerSetup", on_tick: "OnTick | None") -> ClusterExecutor:
        request = Request(
            spec=spec,
            store=plan.store,
            detach=submitter.detach,
            stop_after=plan.deadline.remaining,
            patience=plan.settings.lock_wait,
            owner=submitter.owner,
            traceparent=find_traceparent(observers) or submitter.traceparent,
            find_replaced=plan.backend.find_replaced(plan),
        )
        executor = ClusterExecutor(connection, request, on_tick)
        submitter.on_executor(executor)
        return executor

    return plan.execute(observers, create_executor=create)
