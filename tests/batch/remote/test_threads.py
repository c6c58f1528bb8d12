"""The threads of transfers."""

import threading

from forkresize.batch.remote.threads import TransferThreads


def test_as_many_threads_as_are_needed_run_at_the_same_time() -> None:
    threads = TransferThreads("test", 3)
    all_there = threading.Barrier(4, timeout=20)
    for _ in range(3):
        threads.add(all_there.wait)
    all_there.wait()
    threads.close()


def test_there_are_never_more_and_idle_ones_are_used_again() -> None:
    threads = TransferThreads("test", 2)
    seen: set[int] = set()
    done = threading.Semaphore(0)

    def call() -> None:
        seen.add(threading.get_ident())
        done.release()

    for _ in range(20):
        threads.add(call)
    for _ in range(20):
        assert done.acquire(timeout=20)
    assert 1 <= len(seen) <= 2
    threads.close()


def test_they_end_when_all_was_run() -> None:
    threads = TransferThreads("ending", 2)
    ran: list[int] = []
    for number in range(10):
        threads.add(lambda number=number: ran.append(number))  # type: ignore[misc]
    threads.close()
    for thread in threading.enumerate():
        if thread.name.startswith("ending"):
            thread.join(20)
            assert not thread.is_alive()
    assert sorted(ran) == list(range(10))
