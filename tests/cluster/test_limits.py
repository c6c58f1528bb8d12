"""The limits of a run, which its nodes apply."""

from pathlib import Path

import pytest

from forkresize.cluster.manifest import JobOutcome
from forkresize.cluster.node.chunk_run import limit_time
from forkresize.cluster.spec import RunSpec
from forkresize.outcome import Failed, Reason
from tests.cluster.lab import ON_REDIS, Lab

SCRIPT = Path(__file__).with_name("hooked_node.py")


def run_one(lab: Lab, name: str, *arguments: str) -> JobOutcome:
    """Return the outcome of a picture that is hard to make, beside one that is not."""
    lab.add_pictures(1, name=name)
    lab.add_pictures(1)
    lab.start_node(*arguments, script=SCRIPT)
    lab.publish(2)
    lab.wait_until_finished()
    assert lab.progress.lost == 0
    hard, other = lab.outcomes()
    assert other.outcomes[0].detail.status == "written"
    return hard


def recorded_limit(lab: Lab) -> float | None:
    (record,) = [record for record in lab.records() if record.status == "failed"]
    return record.limit_value


@ON_REDIS
@pytest.mark.parametrize("retries", [0, 2])
def test_a_picture_that_ends_workers_is_tried_as_often_as_its_run_says(lab: Lab, retries: int) -> None:
    lab.limits = {"retries": retries}
    outcome = run_one(lab, "deadly")
    detail = outcome.outcomes[0].detail
    assert isinstance(detail, Failed)
    assert (detail.reason, outcome.attempts) == (Reason.CRASHED, 1 + retries)


@ON_REDIS
@pytest.mark.parametrize(("timeout", "options", "limit"), [(2.0, (), 2.0), (50.0, ("--timeout", "2s"), 2.0)])
def test_a_picture_may_take_as_long_as_its_run_and_the_node_say(
    lab: Lab, timeout: float, options: tuple[str, ...], limit: float
) -> None:
    lab.limits = {"timeout": timeout, "limits": {Reason.TIMED_OUT.value: timeout}}
    outcome = run_one(lab, "slow", *options)
    detail = outcome.outcomes[0].detail
    assert isinstance(detail, Failed)
    assert detail.reason is Reason.TIMED_OUT
    assert limit <= outcome.seconds < 50
    assert recorded_limit(lab) == limit


@pytest.mark.parametrize(
    ("timeout", "longest", "expected"), [(None, None, None), (None, 3.0, 3.0), (5.0, 3.0, 3.0), (2.0, 3.0, 2.0)]
)
def test_the_shorter_time_limit_holds_and_is_recorded(
    timeout: float | None, longest: float | None, expected: float | None
) -> None:
    limits: dict[str, float | None] = {Reason.TIMED_OUT.value: timeout or 0.0, Reason.TOO_LARGE.value: 7.0}
    spec = RunSpec(sources=["file:///in"], destination="file:///out", recipe="{}", timeout=timeout, limits=limits)
    limited = limit_time(spec, longest)
    assert limited.timeout == expected
    assert limited.limits == {Reason.TIMED_OUT.value: expected or 0.0, Reason.TOO_LARGE.value: 7.0}
