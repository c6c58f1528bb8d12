"""Registries of runs, on this machine and on a cluster: one suite for both."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from typing import NoReturn

import pytest

from forkresize.gateway.runs.errors import InvalidRequestError, KeyInUseError, KeyReusedError, NoSuchRunError
from forkresize.gateway.runs.messages import INTERNAL_ERROR
from forkresize.gateway.runs.queries import Caller, FailuresQuery, RunsQuery
from forkresize.gateway.runs.run import EventKind, RunState
from tests.gateway.runs.conftest import (
    CALLER,
    Place,
    draw_pictures,
    follow,
    make_request,
    run_async,
    run_cluster,
    wait_for_end,
    wait_for_run,
)
from tests.servers.program import uses

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

ADMIN = Caller("key:boss", is_admin=True)
OTHER = Caller("key:other")


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A cluster with one node."""
    servers = (request.getfixturevalue(name) for name in ("redis", "postgresql"))
    with run_cluster(tmp_path_factory.mktemp("cluster"), *servers) as place:
        yield place


@pytest.fixture(params=["here", pytest.param("cluster", marks=uses("batches"))])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(request.param)
    return found


def test_a_run_makes_its_pictures_and_shows_its_progress(place: Place) -> None:
    async def scenario() -> None:
        async with place.open() as manager:
            run = await manager.submit(make_request("web/plain"), CALLER)
            assert (run.state, run.principal) == (RunState.QUEUED, CALLER.name)
            events = await follow(manager, run.id)
            assert [event.number for event in events] == list(range(1, len(events) + 1))
            states = [json.loads(event.data)["state"] for event in events if event.kind is EventKind.STATE]
            assert states == ["queued", "running", "succeeded"]
            ended = await manager.get(run.id, CALLER)
            assert (ended.exit_code, ended.error) == (0, "")
            progress = json.loads([event.data for event in events if event.kind is EventKind.PROGRESS][-1])
            assert (progress["written"], progress["sources"], progress["failed"]) == (12, 12, 0)
            assert ended.progress.written == 12

    run_async(scenario)
    assert len(place.outputs("plain")) == 12


def test_failures_say_why_and_show_no_path(place: Place) -> None:
    folder = place.folder / "in/broken"
    draw_pictures(folder, 2)
    for number in range(3):
        (folder / f"bad-{number}.jpg").write_bytes((folder / "000.jpg").read_bytes()[:300])

    async def scenario() -> None:
        async with place.open() as manager:
            run = await manager.submit(make_request("web/broken", "photos/broken"), CALLER)
            ended = await wait_for_end(manager, run.id)
            assert (ended.state, ended.exit_code, ended.progress.failed) == (RunState.FAILED, 1, 3)
            found = await manager.failures(run.id, CALLER, FailuresQuery())
            records = [json.loads(failure.record) for failure in found]
            assert sorted(each["source"] for each in records) == [
                f"photos/broken/bad-{number}.jpg" for number in range(3)
            ]
            assert {each["reason"] for each in records} == {"damaged or truncated"}
            second = await manager.failures(run.id, CALLER, FailuresQuery(after=1, limit=1))
            assert [failure.number for failure in second] == [2]
            events = await follow(manager, run.id)
            failures = [json.loads(event.data) for event in events if event.kind is EventKind.FAILURE]
            assert failures == records
            assert str(place.folder) not in "".join(event.data for event in events)

    try:
        run_async(scenario)
    finally:
        shutil.rmtree(folder)


def test_settings_choose_the_pictures(place: Place) -> None:
    async def scenario() -> None:
        async with place.open() as manager:
            settings = {"include": ["00?.jpg"], "exclude": ["003.jpg"], "timeout": 30, "retries": 0}
            run = await manager.submit(make_request("web/chosen", settings=settings), CALLER)
            assert (await wait_for_end(manager, run.id)).progress.written == 9

    run_async(scenario)


def test_a_run_that_cannot_be_done_says_why(place: Place) -> None:
    async def scenario() -> None:
        async with place.open() as manager:
            run = await manager.submit(make_request("web/none", "photos/missing"), CALLER)
            ended = await wait_for_end(manager, run.id)
            assert (ended.state, ended.exit_code) == (RunState.FAILED, 3)
            assert ended.error == "'photos/missing' does not exist"

    run_async(scenario)


def test_a_bug_ends_a_run_and_not_those_after_it(
    here: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> NoReturn:
        raise KeyError("bug")

    async def scenario() -> None:
        async with here.open() as manager:
            with monkeypatch.context() as patch:
                patch.setattr("forkresize.gateway.runs.manager.make_order", fail)
                run = await manager.submit(make_request("web/bug"), CALLER)
                ended = await wait_for_end(manager, run.id)
            assert (ended.state, ended.error) == (RunState.FAILED, INTERNAL_ERROR)
            again = await manager.submit(make_request("web/bug"), CALLER)
            assert (await wait_for_end(manager, again.id)).state is RunState.SUCCEEDED
            assert "KeyError('bug')" in caplog.text

    run_async(scenario)


def test_a_request_that_is_impossible_is_refused_at_once(place: Place) -> None:
    async def scenario() -> None:
        async with place.open() as manager:
            for request in (make_request("photos"), make_request("web", "web"), make_request("web", recipe={})):
                with pytest.raises(InvalidRequestError):
                    await manager.submit(request, CALLER)

    run_async(scenario)


def test_a_key_starts_one_run(place: Place) -> None:
    async def scenario() -> None:
        async with place.open() as manager:
            run = await manager.submit(make_request("web/key"), CALLER, "k1")
            assert (await manager.submit(make_request("web/key"), CALLER, "k1")).id == run.id
            with pytest.raises(KeyReusedError):
                await manager.submit(make_request("web/other"), CALLER, "k1")
            assert (await manager.submit(make_request("web/key"), OTHER, "k1")).id != run.id
            await wait_for_end(manager, run.id)
        async with place.open() as manager:
            again = await manager.submit(make_request("web/key"), CALLER, "k1")
            assert (again.id, again.state) == (run.id, RunState.SUCCEEDED)

    run_async(scenario)


def test_a_key_is_refused_while_its_first_request_is_not_answered(place: Place) -> None:
    async def scenario() -> None:
        async with place.open() as manager:
            first, second = await asyncio.gather(
                manager.submit(make_request("web/flight"), CALLER, "k2"),
                manager.submit(make_request("web/flight"), CALLER, "k2"),
                return_exceptions=True,
            )
            assert isinstance(second, KeyInUseError)
            assert not isinstance(first, BaseException)
            assert (await manager.submit(make_request("web/flight"), CALLER, "k2")).id == first.id

    run_async(scenario)


def test_a_caller_sees_its_own_runs_and_an_admin_all(place: Place) -> None:
    async def scenario() -> None:
        async with place.open() as manager:
            run = await manager.submit(make_request("web/mine"), CALLER)
            for name in ("get", "cancel"):
                with pytest.raises(NoSuchRunError):
                    await getattr(manager, name)(run.id, OTHER)
            with pytest.raises(NoSuchRunError):
                await manager.failures(run.id, OTHER, FailuresQuery())
            for unknown in ("0" * 32, "x", "../../etc"):
                with pytest.raises(NoSuchRunError):
                    await manager.get(unknown, ADMIN)
            assert (await manager.get(run.id, ADMIN)).id == run.id
            assert run.id in [each.id for each in await manager.list_runs(RunsQuery(), ADMIN)]
            assert run.id not in [each.id for each in await manager.list_runs(RunsQuery(), OTHER)]
            await wait_for_end(manager, run.id)
            ended = await manager.list_runs(RunsQuery(state=RunState.SUCCEEDED, limit=1), CALLER)
            assert [each.id for each in ended] == [run.id]

    run_async(scenario)


def test_a_cancelled_run_finishes_its_pictures_and_no_others(place: Place) -> None:
    draw_pictures(place.folder / "in/many", 400, (1200, 900))

    async def scenario() -> None:
        async with place.open() as manager:
            run = await manager.submit(make_request("web/cancelled", "photos/many"), CALLER)
            await wait_for_run(manager, run.id, lambda _: place.outputs("cancelled"))
            for _ in range(2):
                found = await manager.cancel(run.id, CALLER)
                assert found.cancelled
            ended = await wait_for_end(manager, run.id)
            assert (ended.state, ended.exit_code) == (RunState.CANCELLED, 143)
            assert 0 < ended.progress.written < 400
            # It stays as it is.
            assert (await manager.cancel(run.id, CALLER)).state is RunState.CANCELLED
            # A run of the same cluster that a test has left may end here, too.
            assert manager.ended[RunState.CANCELLED] == 1
            assert len(place.outputs("cancelled")) == ended.progress.written

    try:
        run_async(scenario)
    finally:
        shutil.rmtree(place.folder / "in/many")


def test_runs_of_one_destination_come_one_after_another_and_the_second_has_nothing_to_do(place: Place) -> None:
    async def scenario() -> None:
        async with place.open(slots=2) as manager:
            runs = [await manager.submit(make_request("web/shared"), CALLER) for _ in range(2)]
            first, second = [await wait_for_end(manager, run.id) for run in runs]
            assert (first.progress.written, second.progress.unchanged) == (12, 12)
            assert second.started is not None
            assert first.ended is not None
            assert second.started >= first.ended

    run_async(scenario)


def test_a_listener_continues_after_a_restart_without_lost_or_doubled_events(place: Place) -> None:
    async def scenario() -> None:
        async with place.open() as manager:
            run = await manager.submit(make_request("web/restart"), CALLER)
            await wait_for_end(manager, run.id)
            events = await follow(manager, run.id)
        async with place.open() as manager:
            assert events[:3] + await follow(manager, run.id, events[2].number) == events

    run_async(scenario)
