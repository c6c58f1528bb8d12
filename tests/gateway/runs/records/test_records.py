"""The records of runs, in PostgreSQL and in SQLite: one suite for both."""

import json
from itertools import count

import pytest

from forkresize.gateway.runs.errors import KeyReusedError, NoSuchRunError, TooManyRunsError
from forkresize.gateway.runs.messages import Advanced, Noticed, PictureFailed, Published
from forkresize.gateway.runs.records import recording
from forkresize.gateway.runs.records.records import RunRecords
from forkresize.gateway.runs.records.values import Claim, Limits, NewRun
from forkresize.gateway.runs.run import EventKind, Progress, Run, RunState, new_id
from tests.gateway.runs.records.conftest import OpenRecords

_NUMBERS = count(1)


def new_run(destination: str = "", principal: str = "key:a", key: str = "", digest: str = "d") -> NewRun:
    number = next(_NUMBERS)
    return NewRun(
        id=new_id(lambda: number),
        principal=principal,
        request=f'{{"sources":["photos/{number}"]}}',
        digest=digest,
        destination=destination or f"/out/{number}",
        recipe="{}",
        key=key,
    )


def claim(records: RunRecords, owner: str = "one", lease: float = 60.0) -> Claim:
    found = records.claim(owner, lease)
    assert found is not None
    return found


def states(records: RunRecords, run: str) -> list[str]:
    return [
        json.loads(event.data)["state"] + "+" * json.loads(event.data)["cancelling"]
        for event in records.events(run, 0, 1000)
        if event.kind is EventKind.STATE
    ]


def test_a_run_waits_until_a_gateway_takes_it(records: RunRecords) -> None:
    new = new_run()
    run = records.submit(new)
    assert (run.id, run.state, run.principal, run.request, run.started) == (
        new.id,
        RunState.QUEUED,
        "key:a",
        new.request,
        None,
    )
    found = claim(records)
    assert (found.id, found.attempt, found.cancelled, found.request, found.recipe) == (
        new.id,
        1,
        False,
        new.request,
        "{}",
    )
    assert records.claim("two", 60.0) is None
    running = records.get(new.id)
    assert running.state is RunState.RUNNING
    assert running.started is not None
    assert running.started >= running.created
    assert states(records, new.id) == ["queued", "running"]


def test_the_oldest_run_is_taken_first(records: RunRecords) -> None:
    ids = [records.submit(new_run()).id for _ in range(3)]
    assert [claim(records).id for _ in ids] == ids


def test_runs_of_one_destination_come_one_after_another(records: RunRecords) -> None:
    first, second, other = (records.submit(new_run(where)) for where in ("/out", "/out", "/other"))
    held = claim(records)
    assert held.id == first.id
    assert claim(records).id == other.id
    assert records.claim("two", 60.0) is None
    records.finish(held, RunState.SUCCEEDED, 0)
    assert claim(records).id == second.id


def test_a_former_run_is_returned_for_its_key(records: RunRecords) -> None:
    first = records.submit(new_run(key="k"))
    assert records.submit(new_run(key="k")).id == first.id
    assert records.submit(new_run(key="k", principal="key:b")).id != first.id
    assert records.submit(new_run(key="other")).id != first.id
    with pytest.raises(KeyReusedError):
        records.submit(new_run(key="k", digest="another"))
    assert len(records.list_runs("key:a", None, None, 10)) == 2


def test_a_key_survives_a_restart_and_expires(open_records: OpenRecords) -> None:
    records = open_records(Limits())
    first = records.submit(new_run(key="k"))
    records.close()
    again = open_records(Limits())
    assert again.submit(new_run(key="k")).id == first.id
    again.close()
    later = open_records(Limits(key_seconds=-1.0))
    assert later.submit(new_run(key="k", digest="another")).id != first.id


def test_only_so_many_runs_wait(records: RunRecords) -> None:
    for _ in range(5):
        records.submit(new_run(key=""))
    with pytest.raises(TooManyRunsError, match="5 runs wait"):
        records.submit(new_run(key="k"))
    claim(records)
    # The refused request did not use its key up.
    assert records.submit(new_run(key="k")).state is RunState.QUEUED


def test_runs_are_listed_by_caller_state_and_page(records: RunRecords) -> None:
    ids = [records.submit(new_run(principal="key:b" if number == 3 else "key:a")).id for number in range(5)]
    claim(records)

    def list_ids(
        principal: str | None, state: RunState | None = None, before: str | None = None, limit: int = 10
    ) -> list[str]:
        return [run.id for run in records.list_runs(principal, state, before, limit)]

    assert list_ids(None) == ids[::-1]
    assert list_ids("key:a") == [ids[4], ids[2], ids[1], ids[0]]
    assert list_ids("key:b") == [ids[3]]
    assert list_ids(None, RunState.RUNNING) == [ids[0]]
    assert list_ids(None, limit=2) == [ids[4], ids[3]]
    assert list_ids(None, before=ids[3], limit=2) == [ids[2], ids[1]]
    assert list_ids("key:c") == []


def test_what_a_process_writes_becomes_events_failures_and_progress(records: RunRecords) -> None:
    run = records.submit(new_run()).id
    found = claim(records)
    failed = PictureFailed("photos/a.jpg", "web/a.jpg", '{"source":"photos/a.jpg"}')
    first, last = Advanced(Progress(written=1)), Advanced(Progress(written=2, total=9))
    assert records.record(run, found.attempt, 1, [Published(7), first, failed, Noticed("a remark"), last])
    row = records.get(run)
    assert (row.progress, row.batch) == (Progress(written=2, total=9), 7)
    assert [(event.number, event.kind) for event in records.events(run, 2, 10)] == [
        (3, EventKind.FAILURE),
        (4, EventKind.NOTICE),
        (5, EventKind.PROGRESS),
    ]
    assert json.loads(records.events(run, 3, 1)[0].data) == {"text": "a remark"}
    assert [(each.number, json.loads(each.record)) for each in records.failures(run, 0, 10)] == [
        (1, {"source": "photos/a.jpg"})
    ]
    assert row.last_event == 5


def test_what_is_written_twice_counts_once(records: RunRecords) -> None:
    run = records.submit(new_run()).id
    found = claim(records)
    for _ in range(2):
        assert records.record(run, found.attempt, 1, [Noticed("once")])
    assert [event.kind for event in records.events(run, 2, 10)] == [EventKind.NOTICE]


def test_a_failure_that_is_reported_again_counts_once(records: RunRecords) -> None:
    run = records.submit(new_run()).id
    found = claim(records, lease=-1.0)
    records.record(run, found.attempt, 1, [PictureFailed("a", "x", "{}"), PictureFailed("a", "y", "{}")])
    again = claim(records, "two")
    assert (again.id, again.attempt) == (run, 2)
    records.record(run, again.attempt, 1, [PictureFailed("a", "y", "{}"), PictureFailed("b", "x", "{}")])
    assert [each.number for each in records.failures(run, 0, 10)] == [1, 2, 3]
    assert records.get(run).last_event == 5


def test_failures_are_bounded(records: RunRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MAX_FAILURES", 4)
    monkeypatch.setattr(recording, "MAX_FAILURE_EVENTS", 2)
    run = records.submit(new_run()).id
    found = claim(records)
    records.record(run, found.attempt, 1, [PictureFailed(str(number), "", "{}") for number in range(9)])
    assert len(records.failures(run, 0, 100)) == 4
    assert [each.number for each in records.failures(run, 2, 1)] == [3]
    assert len(records.events(run, 2, 100)) == 2


def test_a_gateway_that_is_silent_loses_its_runs(records: RunRecords) -> None:
    run = records.submit(new_run()).id
    first = claim(records, "one", -1.0)
    second = claim(records, "two")
    assert (second.id, second.attempt) == (run, 2)
    assert not records.record(run, first.attempt, 1, [Noticed("late")])
    assert records.finish(first, RunState.FAILED, 1) is None
    assert records.get(run).state is RunState.RUNNING
    assert records.renew("one", 60.0) == {}
    assert records.renew("two", 60.0)[run].attempt == 2
    # The state was the same all the time.
    assert states(records, run) == ["queued", "running"]


def test_a_gateway_that_ends_leaves_its_runs_at_once(records: RunRecords) -> None:
    run = records.submit(new_run()).id
    first = claim(records, "one")
    records.record(run, first.attempt, 1, [Published(3)])
    records.release("one")
    second = claim(records, "two")
    assert (second.id, second.batch) == (run, 3)


def test_a_run_that_waits_is_cancelled_at_once(records: RunRecords) -> None:
    run = records.submit(new_run()).id
    assert records.cancel(run).ended is not None
    found = records.cancel(run)
    assert (found.state, found.cancelled) == (RunState.CANCELLED, True)
    assert records.claim("one", 60.0) is None
    assert states(records, run) == ["queued", "cancelled"]


def test_a_run_at_work_is_cancelled_when_its_process_has_ended(records: RunRecords) -> None:
    run = records.submit(new_run()).id
    found = claim(records)
    for _ in range(2):
        assert records.cancel(run).state is RunState.RUNNING
    assert records.renew("one", 60.0)[run].cancelled
    assert records.finish(found, RunState.INTERRUPTED, 143) is RunState.CANCELLED
    row = records.get(run)
    assert (row.state, row.exit_code) == (RunState.CANCELLED, 143)
    assert states(records, run) == ["queued", "running", "running+", "cancelled"]


def test_a_run_that_succeeds_although_it_was_cancelled_has_succeeded(records: RunRecords) -> None:
    run = records.submit(new_run()).id
    found = claim(records)
    records.cancel(run)
    records.finish(found, RunState.SUCCEEDED, 0)
    assert records.cancel(run).state is RunState.SUCCEEDED


def test_a_run_ends_once(records: RunRecords) -> None:
    run = records.submit(new_run()).id
    found = claim(records)
    records.finish(found, RunState.FAILED, 3, "no space")
    records.finish(found, RunState.SUCCEEDED, 0)
    assert not records.record(run, found.attempt, 9, [Noticed("late")])
    row = records.get(run)
    assert (row.state, row.exit_code, row.error) == (RunState.FAILED, 3, "no space")
    assert json.loads(records.events(run, 2, 10)[0].data) == {
        "state": "failed",
        "cancelling": False,
        "exit_code": 3,
        "error": "no space",
    }


def test_crashes_are_counted_and_give_the_run_back(records: RunRecords) -> None:
    run = records.submit(new_run()).id
    for number in (1, 2, 3):
        found = claim(records)
        assert (found.id, records.crash(found)) == (run, number)


def test_interrupted_runs_are_those_that_were_at_work(records: RunRecords) -> None:
    working, waiting = (records.submit(new_run()).id for _ in range(2))
    claim(records)
    assert records.interrupt_all("the gateway ended") == 1
    row = records.get(working)
    assert (row.state, row.error) == (RunState.INTERRUPTED, "the gateway ended")
    assert claim(records).id == waiting


def test_old_runs_are_removed_with_all_that_belongs_to_them(open_records: OpenRecords) -> None:
    records = open_records(Limits(run_seconds=-1.0))
    old = records.submit(new_run()).id
    found = claim(records)
    records.record(old, 1, 1, [PictureFailed("a", "", "{}")])
    records.finish(found, RunState.FAILED, 1)
    working, waiting = (records.submit(new_run()).id for _ in range(2))
    assert claim(records).id == working
    assert records.purge() == 1
    with pytest.raises(NoSuchRunError):
        records.get(old)
    assert (records.events(old, 0, 10), records.failures(old, 0, 10)) == ([], [])
    assert [run.id for run in records.list_runs(None, None, None, 10)] == [waiting, working]


@pytest.mark.parametrize("name", ["get", "cancel"])
def test_a_run_that_is_unknown_is_refused(records: RunRecords, name: str) -> None:
    with pytest.raises(NoSuchRunError, match=r"no run '0{32}'"):
        getattr(records, name)("0" * 32)


def test_a_run_has_its_whole_state_after_a_restart(open_records: OpenRecords) -> None:
    records = open_records(Limits())
    run: Run = records.submit(new_run())
    records.close()
    assert open_records(Limits()).get(run.id) == run
