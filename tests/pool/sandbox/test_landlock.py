import errno
import struct
from pathlib import Path

import pytest

from forkresize.pool.libc import Libc
from forkresize.pool.sandbox import landlock
from forkresize.pool.sandbox.landlock import Access, Ruleset, supported_access


class Recorder(Libc):
    """A kernel that agrees to all and remembers it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[int, tuple[int | bytes | None, ...]]] = []

    def call(self, number: int, *arguments: int | bytes | None) -> int:
        self.calls.append((number, arguments))
        return 99


@pytest.mark.parametrize(
    ("abi", "bits", "words"),
    [(1, 13, 1), (2, 14, 1), (3, 15, 1), (4, 15, 2), (5, 16, 2), (6, 16, 3), (7, 16, 3), (99, 16, 3)],
)
def test_a_kernel_is_asked_for_all_it_knows_and_no_more(abi: int, bits: int, words: int) -> None:
    assert supported_access(abi) == (1 << bits) - 1
    kernel = Recorder()
    Ruleset(kernel, abi)
    number, (attributes, size, flags) = kernel.calls[0]
    assert (number, size, flags) == (444, words * 8, 0)
    assert isinstance(attributes, bytes)
    assert struct.unpack(f"={words}Q", attributes)[0] == supported_access(abi)


def test_a_file_is_granted_what_files_have_and_what_is_missing_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    kernel = Recorder()
    ruleset = Ruleset(kernel, 1)
    ruleset.allow([str(file), str(tmp_path), str(tmp_path / "nothing")], landlock.WRITE)
    granted = [struct.unpack("=Qi", rule)[0] for _, (_, _, rule, _) in kernel.calls[1:] if isinstance(rule, bytes)]
    files = Access.READ_FILE | Access.WRITE_FILE
    assert granted == [files, files | Access.MAKE_REG | Access.MAKE_DIR | Access.REMOVE_FILE]


def test_a_kernel_that_refuses_a_rule_is_heard(tmp_path: Path) -> None:
    class Refusing(Recorder):
        def call(self, number: int, *arguments: int | bytes | None) -> int:
            if number != 444:
                raise OSError(errno.EINVAL, "no")
            return super().call(number, *arguments)

    with pytest.raises(OSError, match="no"):
        Ruleset(Refusing(), 7).allow([str(tmp_path)], landlock.READ)
