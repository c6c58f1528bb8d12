"""Files that cross to the workers of a PoolProcess and back, and descriptors that must not."""

import os
import resource
from pathlib import Path

import pytest

from forkresize.pool import Completed, SandboxPolicy, TaskError, WithFiles, sealed_memfd
from forkresize.pool.sandbox import missing_layers
from tests.pool.processes import ON_LINUX, Start, WaitUntil, close, with_files

pytestmark = ON_LINUX


def test_files_cross_both_ways(start: Start) -> None:
    pool = start("copy_upper")
    contents = (b"one", b"", b"three" * 300_000)
    task = with_files(*contents)
    future = pool.submit(task)
    close(*task.files)
    result = future.result()
    assert result.value == "NAME"
    assert [file.read() for file in result.files] == [content.upper() for content in contents]
    close(*result.files)


def test_files_are_sent_again_with_a_retried_task(start: Start, tmp_path: Path) -> None:
    task = WithFiles(str(tmp_path / "once"), (sealed_memfd(b"pixels"),))
    future = start("die_with_files", retries=1).submit(task)
    close(*task.files)
    assert future.result() == b"pixels"


def test_no_task_gets_files_of_another_when_the_supervisor_runs_out_of_descriptors(start: Start) -> None:
    pool = start("copy_upper", workers=1)
    tasks = [with_files(b"first %d" % number, b"second %d" % number) for number in range(20)]
    close(*pool.submit(tasks[0]).result().files)
    supervisor = pool.supervisor_pid
    assert supervisor is not None
    used = set(map(int, os.listdir(f"/proc/{supervisor}/fd")))
    limit = min(set(range(len(used) + 1)) - used) + 1
    resource.prlimit(supervisor, resource.RLIMIT_NOFILE, (limit, limit))
    futures = [pool.submit(task) for task in tasks]
    for number, future in enumerate(futures):
        files = future.result().files
        assert [file.read() for file in files] == [b"FIRST %d" % number, b"SECOND %d" % number]
        close(*files)
    for task in tasks:
        close(*task.files)
    assert pool.supervisor_pid != supervisor


def test_result_files_that_cannot_be_sealed_are_an_error_of_the_task(start: Start) -> None:
    error = start("return_unsealed").submit(1).exception()
    assert isinstance(error, TaskError)
    assert "not a memfd that can be sealed" in str(error)


@pytest.mark.parametrize("sandbox", [None, SandboxPolicy(create_memfds=True)])
def test_no_process_leaks_descriptors(start: Start, sandbox: SandboxPolicy | None, wait_until: WaitUntil) -> None:
    pool = start("copy_upper", workers=1, sandbox=sandbox)

    def use(count: int) -> None:
        task = with_files(b"data" * 1000)
        for future in [pool.submit(task) for _ in range(count)]:
            close(*future.result().files)
        close(*task.files)

    use(1)
    supervisor = pool.supervisor_pid
    here, there = len(os.listdir("/dev/fd")), len(os.listdir(f"/proc/{supervisor}/fd"))
    use(40)
    assert len(os.listdir("/dev/fd")) == here
    # The first count may have a file that is closed once it was sent.
    wait_until(lambda: len(os.listdir(f"/proc/{supervisor}/fd")) <= there)


@pytest.mark.skipif("seccomp" in missing_layers(), reason="this kernel lacks seccomp")
def test_sandboxed_worker_creates_memfds_only_if_the_policy_says_so(start: Start) -> None:
    task = with_files(b"data")
    with pytest.raises(TaskError, match="Operation not permitted"):
        start("copy_upper", sandbox=SandboxPolicy()).submit(task).result()
    close(*start("copy_upper", sandbox=SandboxPolicy(create_memfds=True)).submit(task).result().files, *task.files)


def test_workers_inherit_no_files_of_other_tasks(start: Start) -> None:
    pool = start("count_memfds", workers=2, max_tasks=1)
    task = with_files(b"x")
    assert {future.result() for future in [pool.submit(task) for _ in range(12)]} == {1}
    close(*task.files)


def test_too_many_files_are_refused(start: Start) -> None:
    file = sealed_memfd(b"x")
    with pytest.raises(ValueError, match="65 files with one task, more than 64"):
        start().submit(WithFiles("x", (file,) * 65))
    file.close()


def test_a_whole_result_has_the_files(start: Start) -> None:
    task = with_files(b"data")
    result = start("copy_upper").submit_task(task).result()
    assert isinstance(result, Completed)
    assert [file.read() for file in result.result.files] == [b"DATA"]
    close(*result.result.files, *task.files)
