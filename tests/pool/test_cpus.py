import math
import os
from pathlib import Path

import pytest

from forkresize.pool import available_cpus, cpus

V2 = "0::/system.slice/job.service\n"
V1 = "7:memory:/job\n4:cpu,cpuacct:/docker/job\n"


def lay_out(root: Path, membership: str, files: dict[str, str]) -> Path:
    for name, text in {"proc/self/cgroup": membership, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("membership", "files", "quota"),
    [
        (V2, {}, math.inf),
        (V2, {"sys/fs/cgroup/system.slice/job.service/cpu.max": "max 100000\n"}, math.inf),
        (V2, {"sys/fs/cgroup/system.slice/job.service/cpu.max": "150000 100000\n"}, 1.5),
        (V2, {"sys/fs/cgroup/system.slice/cpu.max": "50000 100000\n"}, 0.5),
        ("0::/elsewhere\n", {"sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2),
        (
            V2,
            {
                "sys/fs/cgroup/system.slice/cpu.max": "300000 100000\n",
                "sys/fs/cgroup/system.slice/job.service/cpu.max": "400000 100000\n",
            },
            3,
        ),
        (V1, {"sys/fs/cgroup/cpu/docker/job/cpu.cfs_quota_us": "-1\n"}, math.inf),
        (
            V1,
            {
                "sys/fs/cgroup/cpu/docker/job/cpu.cfs_quota_us": "250000\n",
                "sys/fs/cgroup/cpu/docker/job/cpu.cfs_period_us": "100000\n",
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
def test_the_smallest_quota_on_the_way_to_the_root_counts(
    tmp_path: Path, membership: str, files: dict[str, str], quota: float
) -> None:
    assert cpus.cpu_quota(lay_out(tmp_path, membership, files)) == quota


def test_without_control_groups_there_is_no_quota(tmp_path: Path) -> None:
    assert cpus.cpu_quota(tmp_path) == math.inf


@pytest.mark.parametrize(("quota", "count"), [(0.2, 1), (1.5, 2), (2.0, 2), (9.0, 4), (math.inf, 4)])
def test_a_quota_is_rounded_up_and_affinity_bounds_it(
    monkeypatch: pytest.MonkeyPatch, quota: float, count: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 3, 5}, raising=False)
    monkeypatch.setattr(cpus, "cpu_quota", lambda: quota)
    assert available_cpus() == count


@pytest.mark.parametrize(("machine", "count"), [(6, 6), (None, 1)])
def test_where_there_is_no_affinity_the_machine_counts(
    monkeypatch: pytest.MonkeyPatch, machine: int | None, count: int
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: machine)
    monkeypatch.setattr(cpus, "cpu_quota", lambda: math.inf)
    assert available_cpus() == count
