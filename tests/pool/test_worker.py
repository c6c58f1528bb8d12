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
from forkresize.pool.libc import Libc

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


def test_what_the_parent_has_not_flushed_is_printed_once() -> None:
    done = run_script("""
        from forkresize.pool import Pool, PoolOptions
        print("once", end=" ")
        with Pool(str, options=PoolOptions(workers=4)) as pool:
            print(len(list(pool.imap_unordered(range(20)))))
    """)
    assert (done.stdout, done.stderr, done.returncode) == ("once 20\n", "", 0)


def test_a_worker_never_runs_its_parents_finally_and_atexit(tmp_path: Path) -> None:
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


def test_a_parent_that_dies_of_sigpipe_does_not_die_of_its_workers() -> None:
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
def test_a_parent_without_standard_descriptors_has_a_pool_all_the_same(tmp_path: Path, closed: str) -> None:
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


def test_where_the_stock_pool_hangs_this_one_finishes() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run_script(STOCK.replace("import multi", "import faulthandler, multi"), timeout=4)
    assert run_script(OURS).stdout == "40\n"


def speak(number: int) -> str:
    print("printed")  # noqa: T201
    os.write(1, b"written")
    if number == 1:
        print("warned", file=sys.stderr, end=" ")  # noqa: T201
        os.write(2, b"by C \xff")
    return sys.stdin.read()


def test_work_has_no_input_prints_nowhere_and_its_standard_error_is_in_its_answer(
    run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    answers = run(speak, range(4), workers=1)
    assert [answer.result for answer in answers if isinstance(answer, Completed)] == [""] * 4
    assert [answer.stderr for answer in answers] == ["", "warned by C \N{REPLACEMENT CHARACTER}", "", ""]
    assert capfd.readouterr() == ("", "")


def test_of_much_standard_error_the_end_is_kept(run: Run) -> None:
    (answer,) = run(lambda size: os.write(2, b"x" * size + b"end") and None, [100_000])
    assert answer.stderr == "x" * 4093 + "end"


def test_what_an_initializer_writes_is_no_jobs(faults: ModuleType) -> None:
    with Pool(faults.double, initializer=lambda: os.write(2, b"loaded")) as pool:
        (answer,) = pool.imap_unordered([1])
    assert answer.stderr == ""


def sockets() -> int:
    return sum(_is_socket(name) for name in os.listdir("/proc/self/fd"))


def _is_socket(descriptor: str) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}").startswith("socket:")
    except FileNotFoundError:
        return False  # The listing's own.


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="sees by /proc what a descriptor is")
def test_a_worker_holds_no_other_workers_pipe(tmp_path: Path) -> None:
    def work(number: int) -> int:
        (tmp_path / str(number)).touch()
        while len(list(tmp_path.iterdir())) < 4:
            pass
        return sockets()

    with Pool(work, options=PoolOptions(workers=4)) as pool:
        answers = list(pool.imap_unordered(range(4)))
    assert len({answer.worker for answer in answers}) == 4
    assert len({answer.result for answer in answers if isinstance(answer, Completed)}) == 1


def c_random(_: object) -> object:
    return ctypes.CDLL(None).rand()


def test_the_c_librarys_random_numbers_differ_between_workers() -> None:
    with Pool(c_random, options=PoolOptions(workers=1, max_tasks=1)) as pool:
        numbers = {answer.result for answer in pool.imap_unordered(range(4)) if isinstance(answer, Completed)}
    assert len(numbers) > 1


def test_a_worker_whose_parent_has_died_meanwhile_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class ExitedError(Exception):
        pass

    def leave(_: int) -> None:
        raise ExitedError

    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(sys, "platform", "other")
    Libc().die_with(os.getppid())
    with pytest.raises(ExitedError):
        Libc().die_with(os.getpid())


def close_where_standard_error_is_kept(_: object) -> None:
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and os.path.realpath(f"/proc/self/fd/{name}").startswith("/memfd:stderr"):
            os.close(int(name))


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="finds the file by its name")
def test_a_worker_that_cannot_go_on_says_why() -> None:
    with Pool(close_where_standard_error_is_kept, options=PoolOptions(retries=0)) as pool:
        (answer,) = pool.imap_unordered([1])
    assert isinstance(answer, WorkerLost)
    assert (answer.exit_code, answer.signal) == (1, None)
    assert answer.stderr.endswith("OSError: [Errno 9] Bad file descriptor\n")


def test_ctrl_c_is_the_parents_and_other_signals_end_a_worker() -> None:
    def handlers(_: object) -> list[object]:
        return [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    with Pool(handlers) as pool:
        (answer,) = pool.imap_unordered([1])
    assert isinstance(answer, Completed)
    assert answer.result == [signal.SIG_IGN, signal.SIG_DFL, signal.SIG_DFL]
