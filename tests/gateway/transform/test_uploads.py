"""Uploads: bounded one by one and together, and released at their end."""

import pytest

from forkresize.gateway.problem import Problem
from forkresize.gateway.transform.uploads import UploadMemory


def test_uploads_share_their_memory_and_release_it() -> None:
    memory = UploadMemory(100)
    with memory.open(80, 0) as one, memory.open(80, 40) as two:
        one.write(b"x" * 60)
        two.write(b"x" * 40)
        with pytest.raises(Problem) as found:
            two.write(b"x")
        assert (found.value.status, found.value.retry_after) == (503, 1)
        with pytest.raises(Problem), memory.open(80, 1):
            pass
        assert memory.used == 100
    assert memory.used == 0


def test_an_upload_is_too_large_beyond_its_own_limit() -> None:
    with UploadMemory(100).open(10, 0) as upload:
        upload.write(b"x" * 10)
        with pytest.raises(Problem) as found:
            upload.write(b"x")
        assert found.value.status == 413


def test_a_complete_upload_cannot_change() -> None:
    with UploadMemory(100).open(10, 0) as upload:
        with pytest.raises(Problem, match="no picture"):
            upload.complete()
        upload.write(b"x")
        upload.complete()
        with pytest.raises(PermissionError):
            upload.file.write(b"y")


def test_an_upload_that_its_sender_announces_as_too_large_for_the_moment_is_refused_at_once() -> None:
    memory = UploadMemory(100)
    with pytest.raises(Problem) as found, memory.open(1000, 101):
        pass
    assert found.value.status == 503
