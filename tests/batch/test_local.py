"""What the workers of a run may open, and that their outcomes belong to the jobs that they were given."""

from io import FileIO
from pathlib import Path

import pytest

from forkresize.batch import Settings, local, run
from forkresize.batch.local import open_for_worker, sandboxed_pool_options
from forkresize.batch.results import outcomes_from_result
from forkresize.batch.wire import OUTCOME_SERIALIZER
from forkresize.job import Job, Output, Source
from forkresize.outcome import Outcome, OutputRef, Written
from forkresize.pool import Completed, PoolOptions, SandboxMode
from forkresize.pool.sandbox import missing_layers
from forkresize.recipe import Recipe
from forkresize.store import LocalStore
from tests.protocols import Draw


@pytest.fixture
def job(tmp_path: Path) -> Job:
    source = tmp_path / "in/a.jpg"
    source.parent.mkdir()
    source.write_bytes(b"a picture")
    return Job(Source(str(source), "a.jpg"), (Output("0.jpg"), Output("1.jpg", rendition=1)))


def test_a_worker_gets_the_source_of_its_own_job_opened_and_no_other_file(tmp_path: Path, job: Job) -> None:
    other = tmp_path / "in/b.jpg"
    other.write_bytes(b"another")
    options = sandboxed_pool_options(Settings(), ["in"], "out").sandbox
    assert options is not None
    assert options.open_file is not None
    with options.open_file(job, job.source.path) as file:
        assert file.read() == b"a picture"
    with pytest.raises(PermissionError):
        options.open_file(job, str(other))
    with pytest.raises(PermissionError):
        open_for_worker(job.source.path, str(other))


def test_source_directories_are_readable_and_files_beside_them_are_not(tmp_path: Path, job: Job) -> None:
    folder = str(tmp_path / "in")
    options = sandboxed_pool_options(Settings(), [folder, job.source.path], "out").sandbox
    assert options is not None
    assert (options.read, options.write, options.mode) == ((folder,), ("out",), SandboxMode.AUTO)
    assert sandboxed_pool_options(Settings(sandbox=SandboxMode.OFF), [folder], "out") == PoolOptions()


@pytest.mark.skipif("landlock" in missing_layers(), reason="needs Landlock")
def test_a_worker_opens_the_only_source_itself(tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    source, other = draw(tmp_path / "a.jpg"), draw(tmp_path / "b.jpg")
    opened: list[str] = []

    def note(own: str, path: str) -> FileIO:
        opened.append(path)
        return open_for_worker(own, path)

    monkeypatch.setattr(local, "open_for_worker", note)
    assert run([source], tmp_path / "one", Recipe.of(width=8)).written == 1
    assert opened == []
    assert run([source, other], tmp_path / "two", Recipe.of(width=8)).written == 2
    assert sorted(opened) == [str(source), str(other)]


def test_an_outcome_belongs_to_the_job_that_was_handed_out(job: Job) -> None:
    forged = [
        Outcome(
            OutputRef(Source("/etc/shadow", "shadow"), "/etc/passwd", rendition),
            Written(out_bytes=1, in_size=(1, 1), out_size=(1, 1), in_format="jpeg", out_format="jpeg"),
        )
        for rendition in (1, 0)
    ]
    results = OUTCOME_SERIALIZER.decode(OUTCOME_SERIALIZER.encode(forged))
    outcomes = outcomes_from_result(
        Completed(item=job, result=results, attempts=1, worker=1, seconds=0.1, stderr=""), LocalStore("out", "tag")
    )
    assert [outcome.source for outcome in outcomes] == [job.source] * 2
    assert [outcome.destination for outcome in outcomes] == ["out/1.jpg", "out/0.jpg"]
