import os
from pathlib import Path

import pytest

from forkresize.existing import IfExists, settle
from forkresize.job import Output, Source
from forkresize.outcome import Due, Failed, Outcome, Reason, Skipped, Unchanged

SECOND = 1_000_000_000


@pytest.fixture
def output(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"picture")
    os.utime(path, ns=(100 * SECOND, 100 * SECOND))
    return path


def settled(output: Path, policy: IfExists, mtime_ns: int = 0) -> Outcome:
    return settle(Source("in/a.jpg", "a.jpg", 10, mtime_ns), Output(str(output)), policy)


@pytest.mark.parametrize("policy", IfExists)
def test_what_is_missing_is_due(tmp_path: Path, policy: IfExists) -> None:
    outcome = settled(tmp_path / "missing" / "a.jpg", policy)
    assert isinstance(outcome, Due)
    assert outcome.why == "no output yet"


@pytest.mark.parametrize(("age", "kind"), [(99, Unchanged), (100, Unchanged), (101, Due)])
def test_update_makes_again_what_is_older_than_its_source(output: Path, age: int, kind: type[Outcome]) -> None:
    assert type(settled(output, IfExists.UPDATE, age * SECOND)) is kind


def test_update_takes_no_empty_file_and_no_link_for_an_output(output: Path) -> None:
    output.write_bytes(b"")
    assert isinstance(settled(output, IfExists.UPDATE), Due)
    output.unlink()
    output.symlink_to("elsewhere")
    assert isinstance(settled(output, IfExists.UPDATE), Due)


def test_skip_overwrite_and_error_do_not_look_at_times(output: Path) -> None:
    skipped, due, failed = (
        settled(output, policy, 10**18) for policy in (IfExists.SKIP, IfExists.OVERWRITE, IfExists.ERROR)
    )
    assert isinstance(skipped, Skipped)
    assert skipped.reason is Reason.EXISTS
    assert isinstance(due, Due)
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.EXISTS


@pytest.mark.parametrize("policy", IfExists)
def test_a_directory_in_the_way_is_a_failure(tmp_path: Path, policy: IfExists) -> None:
    outcome = settled(tmp_path, policy)
    assert isinstance(outcome, Failed)
    assert outcome.reason is Reason.NOT_WRITTEN


def test_an_output_that_can_not_be_looked_at_is_a_failure(output: Path) -> None:
    outcome = settled(output / "below-a-file.jpg", IfExists.UPDATE)
    assert isinstance(outcome, Failed)
    assert outcome.error == "Not a directory"
