"""A worker refuses jobs that it would render wrongly."""

import pytest
from msgspec.structs import replace

from forkresize.batch.wire import VERSION, decode_job, encode_job
from forkresize.batch.worker import RenderWorker, WorkerSetup
from forkresize.job import Job, Output, Source
from forkresize.recipe import Recipe
from forkresize.store import LocalStore

JOB = Job(Source("in/\udcff.jpg", "\udcff.jpg", 10, 20), (Output("a.jpg"), Output("\udcfe.jpg", rendition=1)))
SETUP = WorkerSetup.of(Recipe.of(width=[8, 4]), LocalStore("out", "run-id"))


@pytest.fixture
def worker() -> RenderWorker:
    worker = RenderWorker(SETUP, reserve=lambda _: None)
    worker.load()
    return worker


def test_a_job_is_the_same_after_crossing() -> None:
    assert decode_job(encode_job(JOB, SETUP.digest)).job == JOB


def test_a_job_for_another_recipe_is_refused(worker: RenderWorker) -> None:
    other = WorkerSetup.of(Recipe.of(width=9), LocalStore("out", "run-id"))
    with pytest.raises(ValueError, match=f"job for recipe {other.digest}, expected {SETUP.digest}"):
        worker(other.job_serializer().decode(other.job_serializer().encode(JOB)))


def test_a_job_of_another_version_is_refused(worker: RenderWorker) -> None:
    message = replace(decode_job(encode_job(JOB, SETUP.digest)), version=VERSION + 1)
    with pytest.raises(ValueError, match=f"job of version {VERSION + 1}, expected {VERSION}"):
        worker(message)
