import ctypes
import errno
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from forkresize.pool.libc import Libc
from forkresize.pool.sandbox import landlock
from forkresize.pool.sandbox.landlock import Access, Ruleset, abi_version, supported_access


class Recorder(Libc):
    """A kernel that accepts and records every call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[int, tuple[int | bytes | None, ...]]] = []

    def syscall(self, number: int, *arguments: int | bytes | None) -> int:
        self.calls.append((number, arguments))
        return 99


@pytest.mark.parametrize(
    ("abi", "bits", "words"),
    [(1, 13, 1), (2, 14, 1), (3, 15, 1), (4, 15, 2), (5, 16, 2), (6, 16, 3), (7, 16, 3), (99, 16, 3)],
)
def test_ruleset_handles_all_operations_of_the_abi_version(abi: int, bits: int, words: int) -> None:
    assert supported_access(abi) == (1 << bits) - 1
    kernel = Recorder()
    Ruleset(kernel, abi)
    number, (attributes, size, flags) = kernel.calls[0]
    assert (number, size, flags) == (444, words * 8, 0)
    assert isinstance(attributes, bytes)
    assert struct.unpack(f"={words}Q", attributes)[0] == supported_access(abi)


def test_files_get_file_operations_only_and_missing_paths_are_ignored(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    kernel = Recorder()
    ruleset = Ruleset(kernel, 1)
    for access in (landlock.WRITE, landlock.MANAGE):
        ruleset.allow([str(file), str(tmp_path), str(tmp_path / "nothing")], access)
    allowed = [struct.unpack("=Qi", rule)[0] for _, (_, _, rule, _) in kernel.calls[1:] if isinstance(rule, bytes)]
    write, manage = Access.WRITE_FILE, Access.WRITE_FILE | Access.READ_FILE
    directory = Access.MAKE_REG | Access.MAKE_DIR | Access.REMOVE_FILE
    assert allowed == [write, write | Access.MAKE_REG, manage, manage | directory]


def test_rejected_rule_raises(tmp_path: Path) -> None:
    class Refusing(Recorder):
        def syscall(self, number: int, *arguments: int | bytes | None) -> int:
            if number != 444:
                raise OSError(errno.EINVAL, "no")
            return super().syscall(number, *arguments)

    with pytest.raises(OSError, match="no"):
        Ruleset(Refusing(), 7).allow([str(tmp_path)], landlock.READ)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make system calls fail with an error number: ``kernel(errno.ENOSYS)``."""

    def fail_with(error: int) -> None:
        def syscall(*_: object) -> int:
            return -1

        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: SimpleNamespace(syscall=syscall))
        monkeypatch.setattr(ctypes, "get_errno", lambda: error)

    return fail_with


def test_abi_version_is_that_of_the_kernel() -> None:
    assert 0 <= abi_version() < 100


@pytest.mark.parametrize("error", [errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM])
def test_abi_version_is_0_without_landlock(error: int, kernel: Callable[..., None]) -> None:
    kernel(error)
    assert abi_version() == 0


def test_other_errors_of_the_kernel_are_raised(kernel: Callable[..., None]) -> None:
    kernel(errno.EFAULT)
    with pytest.raises(OSError, match="Bad address"):
        abi_version()


def test_abi_version_is_0_on_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert abi_version() == 0
