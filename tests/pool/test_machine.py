import ctypes
import errno
import math
import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from forkresize.pool import machine

V2 = "0::/system.slice/job.service\n"
V1 = "7:memory:/job\n4:cpu,cpuacct:/docker/job\n"


def lay_out(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("membership", "files", "limit"),
    [
        (V2, {}, math.inf),
        (V2, {"system.slice/job.service/memory.max": "max\n"}, math.inf),
        (V2, {"system.slice/job.service/memory.max": "4000000\n"}, 4_000_000),
        (V2, {"system.slice/job.service/memory.max": "5000000\n", "system.slice/memory.max": "3000000\n"}, 3_000_000),
        (V2, {"system.slice/job.service/memory.max": "5000000\n", "memory.high": "2000000\n"}, 2_000_000),
        (V1, {"memory/job/memory.limit_in_bytes": "9223372036854771712\n"}, math.inf),
        (V1, {"memory/job/memory.limit_in_bytes": "6000000\n"}, 6_000_000),
        (V1, {"memory/memory.limit_in_bytes": "7000000\n"}, 7_000_000),
        (V1, {"cpu/docker/job/memory.max": "1\n"}, math.inf),
    ],
)
def test_the_smallest_memory_on_the_way_to_the_root_counts(
    tmp_path: Path, membership: str, files: dict[str, str], limit: float
) -> None:
    laid = {"proc/self/cgroup": membership, **{f"sys/fs/cgroup/{name}": text for name, text in files.items()}}
    assert machine.memory_limit(lay_out(tmp_path, laid)) == limit


def test_memory_is_that_of_the_machine() -> None:
    assert machine.total_memory() > 2**26
    assert machine.memory_limit() > 2**20


def test_the_limits_of_open_files_are_those_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.file_limits()[0] == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, resource.RLIM_INFINITY))
    assert machine.file_limits() == (64, math.inf)


def test_what_the_kernel_tells_of_this_process_is_found_by_name(tmp_path: Path) -> None:
    root = lay_out(tmp_path, {"proc/self/status": "Name:\tpython\nNoNewPrivs:\t1\nSeccomp:\t2\n"})
    assert machine.proc_status_field("Seccomp", root) == "2"
    assert machine.proc_status_field("Secc", root) is None
    assert machine.proc_status_field("Seccomp", tmp_path / "none") is None


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have system calls of the C library fail with an error number: ``kernel(errno.ENOSYS)``."""

    def answer(error: int) -> None:
        def syscall(*_: object) -> int:
            return -1

        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: SimpleNamespace(syscall=syscall))
        monkeypatch.setattr(ctypes, "get_errno", lambda: error)

    return answer


def test_the_version_of_landlock_is_what_the_kernel_answers() -> None:
    assert 0 <= machine.landlock_abi() < 100


@pytest.mark.parametrize("error", [errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM])
def test_a_kernel_without_landlock_has_version_none(error: int, kernel: Callable[..., None]) -> None:
    kernel(error)
    assert machine.landlock_abi() == 0


def test_any_other_refusal_is_told(kernel: Callable[..., None]) -> None:
    kernel(errno.EFAULT)
    with pytest.raises(OSError, match="Bad address"):
        machine.landlock_abi()


def test_other_systems_have_no_landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert machine.landlock_abi() == 0
