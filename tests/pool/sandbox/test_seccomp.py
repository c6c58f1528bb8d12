"""The seccomp filter, run by a BPF interpreter for every system call of both architectures."""

import errno
import platform
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.pool.libc import Libc
from forkresize.pool.sandbox import bpf, seccomp, syscalls

ME = 4321
ALLOWED, KILLED = "allowed", "killed"
MACHINES = sorted(seccomp.ARCHITECTURES)
CLONE_THREAD = 0x10000


def interpret(program: bytes, number: int, audit: int, argument: int = 0) -> str:
    """Return what the kernel does with a system call."""
    data = struct.pack("=IIQ6Q", number, audit, 0, argument, 0, 0, 0, 0, 0)
    lines = list(struct.iter_unpack("=HBBI", program))
    place, loaded = 0, 0
    while True:
        code, then, otherwise, value = lines[place]
        place += 1
        if code == 0x20:
            (loaded,) = struct.unpack_from("=I", data, value)
        elif code == 0x06:
            return {0x7FFF: ALLOWED, 0x8000: KILLED}.get(value >> 16) or errno.errorcode[value & 0xFFFF]
        else:
            holds = {0x15: loaded == value, 0x35: loaded >= value, 0x45: bool(loaded & value)}[code]
            place += then if holds else otherwise


def verdict(machine: str, number: int, argument: int = 0) -> str:
    chosen = seccomp.ARCHITECTURES[machine]
    return interpret(seccomp.deny_list(chosen, ME), number, chosen.audit, argument)


def number_of(machine: str, name: str) -> int | None:
    tables = (*syscalls.DENIED, syscalls.UNKNOWN, syscalls.INSPECTED)
    return next(table[name] for table in tables if name in table)[seccomp.ARCHITECTURES[machine].column]


@pytest.mark.parametrize("machine", MACHINES)
def test_exactly_the_listed_system_calls_are_denied(machine: str) -> None:
    chosen = seccomp.ARCHITECTURES[machine]
    program = seccomp.deny_list(chosen, ME)
    inspected = {each[chosen.column] for each in syscalls.INSPECTED.values()}
    denied = {each[chosen.column] for table in syscalls.DENIED for each in table.values()} - {None}
    unknown = {each[chosen.column] for each in syscalls.UNKNOWN.values()}
    assert len(denied) > 90
    for number in set(range(syscalls.FIRST_UNKNOWN + 200)) - inspected:
        late = number >= syscalls.FIRST_UNKNOWN or number in unknown
        expected = "ENOSYS" if late else "EPERM" if number in denied else ALLOWED
        assert interpret(program, number, chosen.audit) == expected, number


@pytest.mark.parametrize("machine", MACHINES)
@given(number=st.integers(syscalls.FIRST_UNKNOWN, 2**32 - 1), argument=st.integers(0, 2**64 - 1))
def test_system_calls_newer_than_the_list_fail_with_enosys(machine: str, number: int, argument: int) -> None:
    assert verdict(machine, number, argument) == "ENOSYS"


@pytest.mark.parametrize("machine", MACHINES)
@given(number=st.integers(0, 2**32 - 1), audit=st.integers(0, 2**32 - 1))
def test_system_call_of_another_architecture_kills_the_process(machine: str, number: int, audit: int) -> None:
    chosen = seccomp.ARCHITECTURES[machine]
    expected = KILLED if audit != chosen.audit else None
    assert expected in {None, interpret(seccomp.deny_list(chosen, ME), number, audit)}


@pytest.mark.parametrize("machine", MACHINES)
@given(flags=st.integers(0, 2**64 - 1))
def test_clone_starts_threads_and_no_processes(machine: str, flags: int) -> None:
    number = number_of(machine, "clone")
    assert number is not None
    assert verdict(machine, number, flags) == (ALLOWED if flags & CLONE_THREAD else "EPERM")


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["kill", "tgkill"])
@pytest.mark.parametrize(("process", "expected"), [(ME, ALLOWED), (1, "EPERM"), (0, "EPERM"), (2**64 - 1, "EPERM")])
def test_signals_can_only_be_sent_to_the_process_itself(machine: str, name: str, process: int, expected: str) -> None:
    number = number_of(machine, name)
    assert number is not None
    assert verdict(machine, number, process) == expected


@pytest.mark.parametrize("number", [0, 1, 9, 41 | 0x40000000])
def test_filters_of_the_two_architectures_reject_each_other(number: int) -> None:
    one, other = (seccomp.ARCHITECTURES[name] for name in MACHINES)
    assert interpret(seccomp.deny_list(one, ME), number, other.audit) == KILLED


def test_seccomp_is_unsupported_on_unknown_architectures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert not seccomp.is_supported(Libc())


def test_seccomp_is_unsupported_if_the_kernel_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSYS, "none")

    monkeypatch.setattr(Libc, "syscall", refuse)
    assert not seccomp.is_supported(Libc())


def test_jump_to_an_unknown_or_earlier_label_is_rejected() -> None:
    with pytest.raises(KeyError):
        bpf.assemble([bpf.if_equal(1, "nowhere"), bpf.finish(0)])
    with pytest.raises(struct.error):
        bpf.assemble(["back", bpf.load(0), bpf.if_equal(1, "back")])
