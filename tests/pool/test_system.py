import math
import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from forkresize.pool import available_cpus, system

V2 = "0::/system.slice/task.service\n"
V1 = "7:memory:/task\n4:cpu,cpuacct:/docker/task\n"


def lay_out(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("membership", "files", "quota"),
    [
        (V2, {}, math.inf),
        (V2, {"sys/fs/cgroup/system.slice/task.service/cpu.max": "max 100000\n"}, math.inf),
        (V2, {"sys/fs/cgroup/system.slice/task.service/cpu.max": "150000 100000\n"}, 1.5),
        (V2, {"sys/fs/cgroup/system.slice/cpu.max": "50000 100000\n"}, 0.5),
        ("0::/elsewhere\n", {"sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2),
        (
            V2,
            {
                "sys/fs/cgroup/system.slice/cpu.max": "300000 100000\n",
                "sys/fs/cgroup/system.slice/task.service/cpu.max": "400000 100000\n",
            },
            3,
        ),
        (V1, {"sys/fs/cgroup/cpu/docker/task/cpu.cfs_quota_us": "-1\n"}, math.inf),
        (
            V1,
            {
                "sys/fs/cgroup/cpu/docker/task/cpu.cfs_quota_us": "250000\n",
                "sys/fs/cgroup/cpu/docker/task/cpu.cfs_period_us": "100000\n",
            },
            2.5,
        ),
        (
            V1,
            {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"},
            math.inf,
        ),
    ],
)
def test_smallest_cpu_quota_of_all_parent_groups_applies(
    tmp_path: Path, membership: str, files: dict[str, str], quota: float
) -> None:
    assert system.cpu_quota(lay_out(tmp_path, {"proc/self/cgroup": membership, **files})) == quota


def test_cpu_quota_is_infinite_without_control_groups(tmp_path: Path) -> None:
    assert system.cpu_quota(tmp_path) == math.inf


@pytest.mark.parametrize(("quota", "count"), [(0.2, 1), (1.5, 2), (2.0, 2), (9.0, 4), (math.inf, 4)])
def test_available_cpus_is_the_rounded_up_quota_limited_by_affinity(
    monkeypatch: pytest.MonkeyPatch, quota: float, count: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 3, 5}, raising=False)
    monkeypatch.setattr(system, "cpu_quota", lambda: quota)
    assert available_cpus() == count


@pytest.mark.parametrize(("machine", "count"), [(6, 6), (None, 1)])
def test_available_cpus_is_the_cpu_count_without_affinity(
    monkeypatch: pytest.MonkeyPatch, machine: int | None, count: int
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: machine)
    monkeypatch.setattr(system, "cpu_quota", lambda: math.inf)
    assert available_cpus() == count


@pytest.mark.parametrize(
    ("membership", "files", "limit"),
    [
        (V2, {}, math.inf),
        (V2, {"system.slice/task.service/memory.max": "max\n"}, math.inf),
        (V2, {"system.slice/task.service/memory.max": "4000000\n"}, 4_000_000),
        (V2, {"system.slice/task.service/memory.max": "5000000\n", "system.slice/memory.max": "3000000\n"}, 3_000_000),
        (V2, {"system.slice/task.service/memory.max": "5000000\n", "memory.high": "2000000\n"}, 2_000_000),
        (V1, {"memory/task/memory.limit_in_bytes": "9223372036854771712\n"}, math.inf),
        (V1, {"memory/task/memory.limit_in_bytes": "6000000\n"}, 6_000_000),
        (V1, {"memory/memory.limit_in_bytes": "7000000\n"}, 7_000_000),
        (V1, {"cpu/docker/task/memory.max": "1\n"}, math.inf),
    ],
)
def test_smallest_memory_limit_of_all_parent_groups_applies(
    tmp_path: Path, membership: str, files: dict[str, str], limit: float
) -> None:
    laid = {"proc/self/cgroup": membership, **{f"sys/fs/cgroup/{name}": text for name, text in files.items()}}
    assert system.memory_limit(lay_out(tmp_path, laid)) == limit


def test_memory_of_this_machine_is_found() -> None:
    assert system.total_memory() > 2**26
    assert system.memory_limit() > 2**20


def test_file_limits_are_those_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert system.file_limits()[0] == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, resource.RLIM_INFINITY))
    assert system.file_limits() == (64, math.inf)


@pytest.mark.parametrize(("soft", "hard"), [(128, 4096), (128, resource.RLIM_INFINITY), (1024, 128)])
def test_a_lower_limit_that_is_set_stays(monkeypatch: pytest.MonkeyPatch, soft: int, hard: int) -> None:
    calls: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda *call: calls.append(call))
    system.lower_limit(resource.RLIMIT_NOFILE, 256)
    assert calls == [(resource.RLIMIT_NOFILE, (128, 128))]


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not limit address space")
def test_a_limit_of_any_size_can_be_set() -> None:
    code = (
        "import resource\n"
        "from forkresize.pool.system import lower_limit\n"
        "lower_limit(resource.RLIMIT_AS, 10**24)\n"
        "print(resource.getrlimit(resource.RLIMIT_AS)[1])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    assert int(done.stdout) == (sys.maxsize if hard == resource.RLIM_INFINITY else hard)


def test_proc_status_field_is_found_by_its_full_name(tmp_path: Path) -> None:
    root = lay_out(tmp_path, {"proc/self/status": "Name:\tpython\nNoNewPrivs:\t1\nSeccomp:\t2\n"})
    assert system.proc_status_field("Seccomp", root) == "2"
    assert system.proc_status_field("Secc", root) is None
    assert system.proc_status_field("Seccomp", tmp_path / "none") is None


def test_memory_of_an_ended_process_is_unknown() -> None:
    assert system.resident_memory("no such process") is None
    assert (system.resident_memory() or 0) > 1 << 20


def test_open_descriptors_include_what_is_open_but_no_standard_streams(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file:
        assert file.fileno() in set(system.open_descriptors())
    assert not {0, 1, 2} & set(system.open_descriptors())
