"""How workers get sources: small ones in memory, large ones as they are on the disk; changes are noticed."""

import asyncio
import fcntl
import os
import threading
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from forkresize.batch.remote.render_task import MAX_INLINE
from forkresize.gateway.problem import Problem
from forkresize.gateway.roots import Roots
from forkresize.gateway.sources import Content, Sources
from forkresize.job import Job
from forkresize.pool.files import is_sealed
from forkresize.recipe import Recipe
from forkresize.store import mounts
from forkresize.store.objects import StoreOptions

LARGE, OTHER = (letter * (MAX_INLINE + 1) for letter in (b"a", b"b"))


class Reading:
    """Reads of one file by a function in place of a worker.

    Attributes:
        path: of the file.
        found: its content at each read, and whether that was a copy that cannot change.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: list[tuple[bytes, bool]] = []

    def read(
        self,
        during: Callable[[], object] = lambda: None,
        before: Callable[[], object] = lambda: None,
        *,
        fails: bool = False,
    ) -> Any:
        async def work(job: Job, file: Content) -> int:
            assert not isinstance(file, BytesIO)
            descriptor = file.fileno()
            assert job.source.size == os.fstat(descriptor).st_size
            self.found.append((os.pread(descriptor, job.source.size, 0)[:1], is_sealed(descriptor)))
            if len(self.found) == 1:
                assert is_sealed(descriptor) or fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
                during()
                if fails:
                    raise Problem(422, "broken")
            return len(self.found)

        async def run() -> Any:
            roots = Roots({"p": str(self.path.parent)}, StoreOptions(), 2)
            try:
                located = await roots.find("p", self.path.name)
                before()
                return await Sources(roots, 10**6).read(located, Recipe.of(width=8), work)
            finally:
                roots.close()

        return asyncio.run(asyncio.wait_for(run(), 30))


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    (tmp_path / "a.jpg").write_bytes(LARGE)
    return Reading(tmp_path / "a.jpg")


def replace(path: Path) -> None:
    (path.parent / "new").write_bytes(OTHER)
    (path.parent / "new").rename(path)


def test_a_large_file_is_not_copied(reading: Reading) -> None:
    assert reading.read() == 1
    assert reading.found == [(b"a", False)]


def test_a_file_that_changes_while_it_is_read_is_read_again_from_a_copy(reading: Reading) -> None:
    assert reading.read(lambda: reading.path.write_bytes(OTHER)) == 2
    assert reading.found == [(b"a", False), (b"b", True)]


def test_a_file_that_is_cut_off_while_it_is_read_is_read_again(reading: Reading) -> None:
    assert reading.read(lambda: reading.path.write_bytes(OTHER * 2), fails=True) == 2
    assert reading.found == [(b"a", False), (b"b", True)]


def test_a_file_that_cannot_be_used_and_does_not_change_is_read_once(reading: Reading) -> None:
    with pytest.raises(Problem, match="broken"):
        reading.read(fails=True)
    assert reading.found == [(b"a", False)]


def test_a_picture_that_is_done_does_not_wait_for_what_the_threads_of_its_root_do(reading: Reading) -> None:
    hung = threading.Event()

    async def work(_job: Job, _file: Content) -> str:
        for _ in range(2):
            calls.append(asyncio.create_task(roots.call("p", hung.wait)))
        await asyncio.sleep(0)
        return "done"

    async def run() -> None:
        try:
            located = await roots.find("p", reading.path.name)
            read = Sources(roots, 10**6).read(located, Recipe.of(width=8), work)
            assert await asyncio.wait_for(read, 20) == "done"
            assert not any(call.done() for call in calls)
        finally:
            hung.set()
            await asyncio.gather(*calls)

    roots, calls = Roots({"p": str(reading.path.parent)}, StoreOptions(), 2), list[asyncio.Task[bool]]()
    try:
        asyncio.run(run())
    finally:
        roots.close()


def test_a_file_that_another_one_takes_the_place_of_stays_what_it_was(reading: Reading) -> None:
    assert reading.read(lambda: replace(reading.path)) == 1
    assert reading.found == [(b"a", False)]


@pytest.mark.parametrize("change", [replace, lambda path: path.write_bytes(OTHER * 2)])
def test_a_file_that_changed_after_it_was_found_is_looked_up_again(reading: Reading, change: Any) -> None:
    assert reading.read(before=lambda: change(reading.path)) == 1
    assert reading.found == [(b"b", False)]


def test_a_file_of_another_machine_is_copied(reading: Reading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mountinfo").write_text(f"1 1 0:1 / {tmp_path} rw - nfs4 server:/ rw\n")
    monkeypatch.setattr(mounts, "_MOUNTS", str(tmp_path / "mountinfo"))
    assert reading.read() == 1
    assert reading.found == [(b"a", True)]


def test_a_file_that_is_gone_is_a_problem_that_does_not_show_its_path(reading: Reading) -> None:
    with pytest.raises(Problem) as caught:
        reading.read(before=reading.path.unlink)
    assert (caught.value.status, caught.value.detail) == (502, "p/a.jpg: vanished")
