"""The execution of a run: classify sources, hand out jobs, report and record their outcomes, prune."""

import os
import select
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import asdict, replace

from forkresize.batch.backend import LocalBackend, OpenRun
from forkresize.batch.classify import classify
from forkresize.batch.empty import may_find_picture
from forkresize.batch.events import EventDispatcher
from forkresize.batch.executor import Executor, ExecutorFactory, RecordingExecutor
from forkresize.batch.listing import Grouped, Listed
from forkresize.batch.outputs import OutputStrategy, RecordedOutputs
from forkresize.batch.prefetch import prefetch_records
from forkresize.batch.results import outcomes_from_result
from forkresize.batch.stale import StaleOutputs
from forkresize.batch.state import RunState
from forkresize.batch.unchanged import UnchangedSources, take_apart
from forkresize.batch.worker import WorkerSetup
from forkresize.errors import DestinationError, LedgerError, SourceError
from forkresize.job import Job
from forkresize.ledger import LedgerStore, NullLedger, open_ledger
from forkresize.plan import prioritize
from forkresize.pool import NothingYet, threads
from forkresize.store import OutputStore, Staging
from forkresize.summary import RunStats, Summary
from forkresize.urls import is_store_url

if TYPE_CHECKING:
    from forkresize.batch.prepare import RunPlan


_PATIENCE = 0.2
"""Seconds after which a preview looks at the clock."""


def execute(plan: "RunPlan", events: EventDispatcher, create_executor: ExecutorFactory | None = None) -> Summary:
    """Execute a plan; see ``RunPlan.execute``. The end of the run is not announced."""
    state = RunState(plan.settings, plan.deadline, plan.stop, events, only_file=plan.has_only_file)
    events.stop_with(state.stop_for_observer)
    if not plan.settings.dry_run and _is_pointless(plan):
        # As in a dry run, nothing is written.
        plan = replace(plan, settings=replace(plan.settings, dry_run=True))
    if plan.settings.dry_run:
        events.start()
        _preview(plan, state)
        return state.summary(RunStats(seconds=plan.deadline.elapsed, workers=0))
    shard = plan.settings.shard
    lock_name = None if shard is None else shard.lock_name
    with plan.store.lock(lock_name, plan.settings.lock_wait, events.waiting) as run_id:
        store = plan.store.with_run(run_id)
        with store.staging() as staging:
            events.start()
            plan = _without_forks(plan)
            if (notice := plan.backend.notice(plan)) is not None:
                events.notice(notice)
            create = create_executor or partial(plan.backend.create_executor, plan, store, staging)
            executor = create(WorkerSetup.of(plan.recipe, store), events.on_tick)
            events.follow(lambda: executor.interrupted)

            def stop(text: str) -> None:
                state.stop_for_observer(text)
                executor.stop()

            events.stop_with(stop)
            with _counted_sources(plan, events):
                _execute(plan, state, executor, store, staging)
    stats = RunStats(seconds=plan.deadline.elapsed, **asdict(executor.stats))
    return state.summary(stats, executor.interrupted)


def _without_forks(plan: "RunPlan") -> "RunPlan":
    """Return the plan for a process that has threads; an observer may have started one."""
    if type(plan.backend) is not LocalBackend or not threads.has_other_threads():
        return plan
    from forkresize.batch.threaded import ThreadedBackend

    return replace(plan, backend=ThreadedBackend())


@contextmanager
def _counted_sources(plan: "RunPlan", events: EventDispatcher) -> Iterator[None]:
    """Count the sources for observers that want to know."""
    if not events.wants_total:
        yield
        return
    with plan.backend.count_sources(plan) as sources:
        events.count(sources)
        yield


def _wait(listed: NothingYet) -> None:
    poll = select.poll()
    poll.register(listed.descriptor, select.POLLIN)
    poll.poll(_PATIENCE * 1000)


def _is_pointless(plan: "RunPlan") -> bool:
    """Return whether the run would make a destination, and nothing in it."""
    if plan.settings.shard is not None:
        return False  # The other shards have pictures.
    is_new = plan.store.capabilities.local_paths and not os.path.lexists(plan.store.location(""))
    return is_new and not may_find_picture(plan)


def _preview(plan: "RunPlan", state: RunState) -> None:
    with plan.backend.preview_sources(plan) as found, _open_ledger(plan) as ledger:
        opened = OpenRun(plan, plan.store, plan.store.staging(), ledger, None)
        outputs = plan.backend.open_outputs(opened)
        state.discovery_started()
        for classified in classify(plan, _changed_sources(opened, state, found), outputs.check):
            if isinstance(classified, NothingYet):
                _wait(classified)
                continue
            for outcome in classified.outcomes:
                state.report(outcome)
            if state.must_stop:
                break
        if not plan.stop():
            state.discovery_finished()
            _prune(plan, state, ledger)


def _execute(plan: "RunPlan", state: RunState, executor: Executor, store: OutputStore, staging: Staging) -> None:
    shard = plan.settings.shard
    # The walk's process is forked first, while this one is small and has no database open.
    with plan.backend.list_sources(plan) as found, _open_ledger(plan) as ledger:
        lock_name, on_cluster = None if shard is None else shard.lock_name, isinstance(executor, RecordingExecutor)
        ledger.hold(lock_name, plan.settings.lock_wait, state.waiting, on_cluster=on_cluster)
        ledger.begin_run()
        opened = OpenRun(plan, store, staging, ledger, state.report)
        outputs = plan.backend.open_outputs(opened)
        if isinstance(executor, RecordingExecutor):
            executor.begin(ledger.run)
            outputs = RecordedOutputs(outputs.check)
        with executor:
            ledger.watch(partial(_end_wait, executor))
            plan.stop.follow(lambda: executor.stopping)
            listed = _changed_sources(opened, state, found)
            jobs = prioritize(_pending_jobs(plan, state, outputs, executor, listed), plan.settings.order)
            _process_jobs(_with_fingerprints(jobs, opened), state, outputs, executor, store)
        if not (state.must_stop or executor.interrupted):
            with state.stop_on(LedgerError):
                _prune(plan, state, ledger)
        with state.stop_on(LedgerError):
            ledger.close()


def _end_wait(executor: Executor) -> None:
    """End a wait for the ledger once a signal has asked the run to stop."""
    if executor.interrupted is not None:
        raise LedgerError("the run was asked to stop while it waited for the ledger")


def _with_fingerprints(jobs: Iterable[Job | NothingYet], opened: OpenRun) -> Iterator[Job | NothingYet]:
    """Yield the jobs; compute the fingerprints, which their records need, while a worker has the first."""
    following = iter(jobs)
    yield from islice(following, 1)
    opened.compute_fingerprints()
    yield from following


def _process_jobs(
    jobs: Iterable[Job | NothingYet], state: RunState, outputs: OutputStrategy, executor: Executor, store: OutputStore
) -> None:
    staged = (each if isinstance(each, NothingYet) else outputs.stage(each) for each in jobs)
    for result in executor.run(staged):
        outcomes = outputs.finalize(result.item, outcomes_from_result(result, store))
        for outcome in outcomes:
            state.report(outcome)
        state.job_finished()
        with state.stop_on(LedgerError):
            outputs.record(result.item, outcomes)
        if state.must_stop:
            executor.stop()


def _pending_jobs(
    plan: "RunPlan", state: RunState, outputs: OutputStrategy, executor: Executor, found: Iterable[Listed]
) -> Iterator[Job | NothingYet]:
    """Yield the jobs, and report the outcomes of outputs that need no work."""
    loaded = False
    state.discovery_started()
    # What began the run finishes, even if the rest cannot be listed.
    with state.stop_on(LedgerError), state.stop_on(SourceError), state.stop_on(DestinationError):
        for classified in classify(plan, found, outputs.check):
            if plan.stop():
                break
            if isinstance(classified, NothingYet):
                yield classified
                continue
            for outcome in classified.outcomes:
                state.report(outcome)
            if classified.job is None:
                continue
            if not loaded:
                # Workers share what is loaded before the first fork.
                plan.backend.preload(plan)
                loaded = True
            state.job_started()
            yield classified.job
    if plan.stop():
        executor.stop()
    else:
        state.discovery_finished()


def _changed_sources(opened: OpenRun, state: RunState, found: Iterable[Grouped]) -> Iterable[Listed]:
    """Return what a listing finds, ready to be classified, without sources whose outputs are all up to date."""
    plan = opened.plan
    if not UnchangedSources.supports(plan):
        return prefetch_records(plan, take_apart(found), opened.ledger)
    unchanged = UnchangedSources(plan, opened.ledger, opened.rules, state.report_unchanged)
    return prefetch_records(plan, unchanged.leave_out(found), opened.ledger)


def _open_ledger(plan: "RunPlan") -> LedgerStore:
    settings = plan.settings
    destination = plan.store.location("")
    if not settings.ledger or not (plan.store.capabilities.local_paths or is_store_url(destination)):
        return NullLedger()
    url = settings.ledger if isinstance(settings.ledger, str) else None
    return open_ledger(destination, url, read_only=settings.dry_run, durable=settings.in_place)


def _prune(plan: "RunPlan", state: RunState, ledger: LedgerStore) -> None:
    if not plan.settings.prune:
        return
    removable = plan.backend.removable(plan, ledger, plan.store)
    prune = removable.plan(StaleOutputs(plan, ledger))
    if refusal := plan.settings.max_prune.refusal(len(prune.orphans), len(prune.stale), prune.total):
        state.record_refusal(refusal)
        if not plan.settings.dry_run:
            return
    for outcome in prune.preview() if plan.settings.dry_run else prune.execute(ledger):
        state.report(outcome)
        if state.must_stop:
            return
