"""The seccomp filter, run by a BPF interpreter for every system call of both architectures."""

import errno
import fcntl
import mmap
import os
import platform
import re
import struct
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.pool.libc import Libc
from forkresize.pool.sandbox import bpf, seccomp, syscalls
from forkresize.pool.sandbox.arguments import OWN_PID
from forkresize.pool.sandbox.seccomp import allowed_groups

ALLOWED, KILLED = "allowed", "killed"
MACHINES = sorted(seccomp.ARCHITECTURES)
COLUMNS = {"x86_64": 0, "aarch64": 1}
HIGH = 1 << 32
PROGRAMS = {
    (name, memfds, tools): seccomp.allow_list(machine, allowed_groups(memfds=memfds, tools=tools))
    for name, machine in seccomp.ARCHITECTURES.items()
    for memfds, tools in product((False, True), repeat=2)
}
HEADERS = {
    "x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h /usr/include/asm/unistd_64.h",
    "aarch64": "/usr/include/asm-generic/unistd.h",
}


def interpret(program: bytes, number: int, audit: int, arguments: tuple[int, ...] = ()) -> str:
    """Return what the kernel does with a system call."""
    data = struct.pack("=IIQ6Q", number, audit, 0, *arguments, *[0] * (6 - len(arguments)))
    lines = list(struct.iter_unpack("=HBBI", program))
    place, loaded = 0, 0
    while True:
        code, then, otherwise, value = lines[place]
        place += 1
        if code == 0x20:
            (loaded,) = struct.unpack_from("=I", data, value)
        elif code == 0x54:
            loaded &= value
        elif code == 0x06:
            return {0x7FFF: ALLOWED, 0x8000: KILLED}.get(value >> 16) or errno.errorcode[value & 0xFFFF]
        else:
            holds = {0x15: loaded == value, 0x35: loaded >= value}[code]
            place += then if holds else otherwise


def verdict(machine: str, name: str, *arguments: int, memfds: bool = False, tools: bool = False) -> str:
    """Return what happens to an allowed system call with these arguments."""
    chosen = seccomp.ARCHITECTURES[machine]
    number = next(chosen.number_of(group[name]) for group in allowed_groups(memfds=True, tools=True) if name in group)
    assert number is not None
    return interpret(PROGRAMS[machine, memfds, tools], number, chosen.audit, arguments)


def expected_verdicts(machine: seccomp.Architecture, memfds: bool, tools: bool) -> dict[int | None, str]:
    """Return what is to happen to each call that does not fail with EPERM and is not restricted by its arguments."""
    calls = {name: call for group in allowed_groups(memfds=memfds, tools=tools) for name, call in group.items()}
    column = COLUMNS[machine.name]
    return {
        **{numbers[column]: "ENOSYS" for numbers in syscalls.UNSUPPORTED.values()},
        **{numbers[column]: "ENOTTY" for numbers in syscalls.NO_TERMINAL.values()},
        **{machine.number_of(call): ALLOWED for call in calls.values() if not call.conditions},
    }


@pytest.mark.parametrize(("machine", "memfds", "tools"), PROGRAMS)
def test_exactly_the_listed_system_calls_are_allowed(machine: str, memfds: bool, tools: bool) -> None:
    chosen = seccomp.ARCHITECTURES[machine]
    expected = expected_verdicts(chosen, memfds, tools)
    restricted = {
        chosen.number_of(call)
        for group in allowed_groups(memfds=memfds, tools=tools)
        for call in group.values()
        if call.conditions
    }
    assert len(expected) > 70
    for number in set(range(syscalls.FIRST_UNKNOWN)) - restricted:
        assert interpret(PROGRAMS[machine, memfds, tools], number, chosen.audit) == expected.get(number, "EPERM"), (
            number
        )


@pytest.mark.parametrize("machine", MACHINES)
def test_no_system_call_is_listed_twice_or_both_allowed_and_denied(machine: str) -> None:
    chosen = seccomp.ARCHITECTURES[machine]
    numbers = [chosen.number_of(call) for group in syscalls.GROUPS.values() for call in group.values()]
    column = COLUMNS[machine]
    numbers += [each[column] for each in (*syscalls.UNSUPPORTED.values(), *syscalls.NO_TERMINAL.values())]
    assert sorted({each for each in numbers if each is not None}) == sorted(
        each for each in numbers if each is not None
    )


def listed_numbers() -> Iterator[tuple[str, tuple[int | None, int | None]]]:
    for group in allowed_groups(memfds=True, tools=True):
        yield from ((name, (call.x86_64, call.aarch64)) for name, call in group.items())
    yield from (*syscalls.UNSUPPORTED.items(), *syscalls.NO_TERMINAL.items())


@pytest.mark.parametrize(("column", "machine"), list(enumerate(HEADERS)))
def test_numbers_are_those_of_the_kernels_headers(column: int, machine: str) -> None:
    header = next((Path(path) for path in HEADERS[machine].split() if os.path.exists(path)), None)
    if header is None:
        pytest.skip("the headers of the kernel are not installed")
    defined = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text()))
    # asm-generic names these calls for 32 and 64 bits at once.
    defined |= {"newfstatat": defined["fstatat"]} if "fstatat" in defined else {}
    for name, numbers in listed_numbers():
        # A header may be older than a call.
        assert name not in defined or defined[name] == str(numbers[column]), name


@pytest.mark.parametrize("machine", MACHINES)
@given(number=st.integers(syscalls.FIRST_UNKNOWN, 2**32 - 1), argument=st.integers(0, 2**64 - 1))
def test_system_calls_newer_than_the_list_fail_with_enosys(machine: str, number: int, argument: int) -> None:
    program = PROGRAMS[machine, True, True]
    assert interpret(program, number, seccomp.ARCHITECTURES[machine].audit, (argument,)) == "ENOSYS"


@pytest.mark.parametrize("machine", MACHINES)
@given(number=st.integers(0, 2**32 - 1), audit=st.integers(0, 2**32 - 1))
def test_system_call_of_another_architecture_kills_the_process(machine: str, number: int, audit: int) -> None:
    chosen = seccomp.ARCHITECTURES[machine]
    expected = KILLED if audit != chosen.audit else None
    assert expected in {None, interpret(PROGRAMS[machine, False, False], number, audit)}


@pytest.mark.parametrize("machine", MACHINES)
@given(flags=st.integers(0, 2**64 - 1) | st.integers(0, 0x7FFFFF).map(lambda bits: bits & 0x7D0F00 | 0x10000))
def test_clone_starts_threads_and_no_processes_or_namespaces(machine: str, flags: int) -> None:
    flags_of_threads = 0x7D0F00
    thread = flags & 0x10000 and not flags % HIGH & ~flags_of_threads
    assert verdict(machine, "clone", flags) == (ALLOWED if thread else "EPERM")


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("flags", [0x3D0F00, 0x7D0F00])
def test_clone_starts_threads_of_glibc_and_musl(machine: str, flags: int) -> None:
    assert verdict(machine, "clone", flags) == ALLOWED


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["kill", "tgkill", "tkill"])
@pytest.mark.parametrize(
    ("process", "expected"),
    [(OWN_PID, ALLOWED), (OWN_PID + HIGH, ALLOWED), (1, "EPERM"), (0, "EPERM"), (2**64 - 1, "EPERM")],
)
def test_signals_can_only_be_sent_to_the_process_itself(machine: str, name: str, process: int, expected: str) -> None:
    assert verdict(machine, name, process) == expected


@pytest.mark.parametrize("machine", MACHINES)
@given(process=st.sampled_from([0, OWN_PID, 1]) | st.integers(0, 2**64 - 1), new=st.just(0) | st.integers(0, 2**64 - 1))
def test_limits_and_cpus_can_only_be_read_and_only_its_own(machine: str, process: int, new: int) -> None:
    own = process % HIGH in {0, OWN_PID}
    assert verdict(machine, "sched_getaffinity", process) == (ALLOWED if own else "EPERM")
    assert verdict(machine, "prlimit64", process, 9, new) == (ALLOWED if own and not new else "EPERM")


@pytest.mark.parametrize("machine", MACHINES)
@given(command=st.integers(0, 20) | st.integers(1020, 1050) | st.integers(0, 2**32 - 1))
def test_fcntl_has_commands_for_descriptors_only(machine: str, command: int) -> None:
    own = {fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_DUPFD_CLOEXEC}
    seals = {1033, 1034}
    locks = {fcntl.F_SETLK, fcntl.F_SETLKW, fcntl.F_GETLK}
    for allowed, memfds, tools in ((own, False, False), (own | seals, True, False), (own | seals | locks, False, True)):
        expected = ALLOWED if command in allowed else "EPERM"
        assert verdict(machine, "fcntl", 3, command, memfds=memfds, tools=tools) == expected


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["mmap", "mprotect"])
@given(protection=st.integers(0, 2**64 - 1) | st.integers(0, 7))
def test_memory_is_never_writable_and_executable(machine: str, name: str, protection: int) -> None:
    both = mmap.PROT_WRITE | mmap.PROT_EXEC
    assert verdict(machine, name, 0, 4096, protection) == ("EPERM" if protection & both == both else ALLOWED)


@pytest.mark.parametrize("machine", MACHINES)
@given(flags=st.integers(0, 2**64 - 1) | st.integers(0, 0x3F))
def test_anonymous_memory_is_never_shared(machine: str, flags: int) -> None:
    both = 0x01 | 0x20  # MAP_SHARED and MAP_ANONYMOUS.
    assert verdict(machine, "mmap", 0, 4096, 3, flags) == ("EPERM" if flags & both == both else ALLOWED)


@pytest.mark.slow
@pytest.mark.parametrize(("machine", "name"), [("x86_64", "open"), ("x86_64", "openat"), ("aarch64", "openat")])
@given(flags=st.integers(0, 2**64 - 1) | st.integers(0, 3).map(lambda mode: mode | os.O_TRUNC))
def test_files_are_not_emptied_without_being_opened_for_writing(machine: str, name: str, flags: int) -> None:
    mode = flags & os.O_ACCMODE
    allowed = mode in {os.O_WRONLY, os.O_RDWR} or (mode == os.O_RDONLY and not flags & os.O_TRUNC)
    path = [0] * (name == "openat") + [0]
    assert verdict(machine, name, *path, flags) == (ALLOWED if allowed else "EPERM")


@pytest.mark.parametrize("machine", MACHINES)
@given(option=st.integers(0, 100) | st.integers(0, 2**64 - 1))
def test_prctl_names_threads_only(machine: str, option: int) -> None:
    assert verdict(machine, "prctl", option) == (ALLOWED if option % HIGH == 15 else "EPERM")


@pytest.mark.parametrize("machine", MACHINES)
def test_memfds_are_created_only_if_the_policy_says_so(machine: str) -> None:
    assert verdict(machine, "memfd_create") == verdict(machine, "memfd_create", tools=True) == "EPERM"
    assert verdict(machine, "memfd_create", memfds=True) == ALLOWED


@pytest.mark.parametrize("number", [0, 1, 9, 41 | 0x40000000])
def test_filters_of_the_two_architectures_reject_each_other(number: int) -> None:
    one, other = MACHINES
    for name, foreign in ((one, other), (other, one)):
        assert interpret(PROGRAMS[name, True, True], number, seccomp.ARCHITECTURES[foreign].audit) == KILLED


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
