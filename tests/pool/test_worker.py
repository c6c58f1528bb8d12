import ctypes
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from forkresize.pool import Completed, Pool, PoolOptions, TaskResult, WorkerLost

Run = Callable[..., list[TaskResult[Any, Any]]]

DEADLINE = 20

pytestmark = pytest.mark.timeout(60)


def run_script(script: str, *arguments: str | Path, timeout: float = DEADLINE) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=timeout,
        check=False,
    )


def test_unflushed_output_of_the_parent_is_printed_once() -> None:
    done = run_script("""
        from forkresize.pool import Pool, PoolOptions
        print("once", end=" ")
        with Pool(str, options=PoolOptions(workers=4)) as pool:
            print(len(list(pool.imap_unordered(range(20)))))
    """)
    assert (done.stdout, done.stderr, done.returncode) == ("once 20\n", "", 0)


def test_unflushed_output_of_the_parent_to_a_file_of_its_own_is_written_once(tmp_path: Path) -> None:
    script = """
        import sys
        from forkresize.pool import Pool, PoolOptions
        sys.stdout = open(sys.argv[1], "w")
        print("once", end=" ")
        with Pool(str, options=PoolOptions(workers=4)) as pool:
            print(len(list(pool.imap_unordered(range(20)))))
        sys.stdout.close()
    """
    done = run_script(script, tmp_path / "log")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    assert (tmp_path / "log").read_text() == "once 20\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_written_keeps_no_worker_from_starting() -> None:
    done = run_script("""
        import os, sys
        from forkresize.pool import Pool, PoolOptions
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, 1)
        print("lost")
        with Pool(str, options=PoolOptions(workers=2)) as pool:
            assert len(list(pool.imap_unordered(range(20)))) == 20
        try:
            sys.stdout.flush()
        except OSError as error:
            os.write(2, error.strerror.encode())
        os._exit(0)
    """)
    assert (done.stderr, done.returncode) == ("No space left on device", 0)


def test_worker_never_runs_finally_or_atexit_of_its_parent(tmp_path: Path) -> None:
    script = """
        import atexit, os, sys
        from forkresize.pool import Pool, PoolOptions
        def note(what):
            with open(sys.argv[1], "a") as file:
                file.write(f"{what} {os.getpid() == parent}\\n")
        def work(number):
            if number == 3:
                sys.exit(1)
            if number == 4:
                os._exit(1)
        parent = os.getpid()
        atexit.register(note, "atexit")
        try:
            with Pool(work, options=PoolOptions(workers=3)) as pool:
                assert len(list(pool.imap_unordered(range(10)))) == 10
        finally:
            note("finally")
    """
    done = run_script(script, tmp_path / "log")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    assert (tmp_path / "log").read_text() == "finally True\natexit True\n"


def test_dead_worker_causes_no_sigpipe_in_the_parent() -> None:
    done = run_script("""
        import os, signal
        from forkresize.pool import Pool, PoolOptions
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        def work(number):
            if number % 3 == 0:
                os._exit(1)
        with Pool(work, options=PoolOptions(workers=2, retries=0)) as pool:
            print(len(list(pool.imap_unordered(range(30)))))
    """)
    assert (done.stdout, done.stderr, done.returncode) == ("30\n", "", 0)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-", "<&- >&- 2>&-"])
def test_pool_works_without_standard_streams(tmp_path: Path, closed: str) -> None:
    script = """
        import sys
        from forkresize.pool import Pool, PoolOptions
        with Pool(str, options=PoolOptions(workers=2)) as pool:
            count = len(list(pool.imap_unordered(range(20))))
        with open(sys.argv[1], "w") as file:
            file.write(str(count))
    """
    arguments = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "count")]
    subprocess.run(["/bin/sh", "-c", f'"$@" {closed}', "sh", *arguments], timeout=DEADLINE, check=True)
    assert (tmp_path / "count").read_text() == "20"


STOCK = """
    import multiprocessing, os, signal
    def work(number):
        if number == 10:
            os.kill(os.getpid(), signal.SIGKILL)
    if __name__ == "__main__":
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print(len(list(pool.imap_unordered(work, range(40)))))
"""
OURS = """
    import os, signal
    from forkresize.pool import Pool, PoolOptions
    def work(number):
        if number == 10:
            os.kill(os.getpid(), signal.SIGKILL)
    with Pool(work, options=PoolOptions(workers=2)) as pool:
        print(len(list(pool.imap_unordered(range(40)))))
"""


@pytest.mark.slow
def test_pool_finishes_where_multiprocessing_pool_hangs() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run_script(STOCK.replace("import multi", "import faulthandler, multi"), timeout=2)
    assert run_script(OURS).stdout == "40\n"


def write_everywhere(number: int) -> str:
    print("printed")  # noqa: T201
    os.write(1, b"written")
    if number == 1:
        print("warned", file=sys.stderr, end=" ")  # noqa: T201
        os.write(2, b"by C \xff")
    return sys.stdin.read()


def test_work_has_no_stdin_and_stdout_and_its_stderr_is_in_the_result(
    run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    results = run(write_everywhere, range(4), workers=1)
    assert [result.result for result in results if isinstance(result, Completed)] == [""] * 4
    assert [result.stderr for result in results] == ["", "warned by C \N{REPLACEMENT CHARACTER}", "", ""]
    assert capfd.readouterr() == ("", "")


def test_end_of_long_standard_error_is_kept(run: Run) -> None:
    (result,) = run(lambda size: os.write(2, b"x" * size + b"end") and None, [100_000])
    assert result.stderr == "x" * 4093 + "end"


def test_stderr_of_the_initializer_belongs_to_no_task(faults: ModuleType) -> None:
    with Pool(faults.double, initializer=lambda: os.write(2, b"loaded")) as pool:
        (result,) = pool.imap_unordered([1])
    assert result.stderr == ""


def sockets() -> int:
    return sum(_is_socket(name) for name in os.listdir("/proc/self/fd"))


def _is_socket(descriptor: str) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}").startswith("socket:")
    except FileNotFoundError:
        return False  # It belonged to the listing.


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_worker_inherits_no_channel_of_another(tmp_path: Path) -> None:
    def work(number: int) -> int:
        (tmp_path / str(number)).touch()
        while len(list(tmp_path.iterdir())) < 4:
            pass
        return sockets()

    with Pool(work, options=PoolOptions(workers=4)) as pool:
        results = list(pool.imap_unordered(range(4)))
    assert len({result.worker for result in results}) == 4
    assert len({result.result for result in results if isinstance(result, Completed)}) == 1


def c_random(_: object) -> object:
    return ctypes.CDLL(None).rand()


def test_rand_differs_between_workers() -> None:
    with Pool(c_random, options=PoolOptions(workers=1, max_tasks=1)) as pool:
        numbers = {result.result for result in pool.imap_unordered(range(4)) if isinstance(result, Completed)}
    assert len(numbers) > 1


def close_where_standard_error_is_kept(_: object) -> None:
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and os.path.realpath(f"/proc/self/fd/{name}").startswith("/memfd:stderr"):
            os.close(int(name))


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="finds the file by its name")
def test_worker_that_fails_internally_reports_its_traceback() -> None:
    with Pool(close_where_standard_error_is_kept, options=PoolOptions(retries=0)) as pool:
        (result,) = pool.imap_unordered([1])
    assert isinstance(result, WorkerLost)
    assert (result.exit_code, result.signal) == (1, None)
    assert result.stderr.endswith("OSError: [Errno 9] Bad file descriptor\n")


def test_worker_ignores_sigint_and_dies_of_other_stop_signals() -> None:
    def handlers(_: object) -> list[object]:
        return [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    with Pool(handlers) as pool:
        (result,) = pool.imap_unordered([1])
    assert isinstance(result, Completed)
    assert result.result == [signal.SIG_IGN, signal.SIG_DFL, signal.SIG_DFL]
