import ctypes
import os
import subprocess
import sys

import pytest

from forkresize.pool.libc import Libc

COUNT_PAGE_FAULTS = """
import resource
from forkresize.pool.libc import Libc
{first}
def work():
    large, small = [bytearray(24_000_000) for _ in range({blocks})], bytearray(1_500_000)
for _ in range(5):
    work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(cache: int, blocks: int) -> int:
    script = COUNT_PAGE_FAULTS.format(first=f"Libc().limit_malloc_cache({cache})", blocks=blocks)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="not glibc")
@pytest.mark.parametrize(("cache", "blocks"), [(64 << 20, 1), (128 << 20, 4)])
def test_cached_memory_is_reused_without_page_faults(cache: int, blocks: int) -> None:
    assert page_faults(cache, blocks) * 10 < page_faults(1 << 20, blocks)


def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    libc = Libc()
    monkeypatch.setattr(libc, "_library", object())
    libc.limit_malloc_cache(1 << 20)
    libc.malloc_trim()


def test_process_exits_at_once_if_its_parent_has_already_died(monkeypatch: pytest.MonkeyPatch) -> None:
    class ExitedError(Exception):
        pass

    def leave(_: int) -> None:
        raise ExitedError

    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(sys, "platform", "other")
    Libc().set_parent_death_signal(os.getppid())
    with pytest.raises(ExitedError):
        Libc().set_parent_death_signal(os.getpid())
