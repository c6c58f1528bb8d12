"""An assembler for the classic BPF programs that seccomp accepts.

See https://docs.kernel.org/userspace-api/seccomp_filter.html and ``include/uapi/linux/bpf_common.h``.
"""

import struct
from collections.abc import Iterable, Sequence

from msgspec import Struct

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
_INSTRUCTION = struct.Struct("=HBBI")

INSTRUCTION_SIZE = _INSTRUCTION.size
"""Bytes of an instruction; the last four are its value."""


class Instruction(Struct, frozen=True):
    """One instruction; its jumps go to labels further down, or to the next instruction."""

    code: int
    value: int  # 32 bits.
    then: str | None = None  # Where to go if a test holds.
    otherwise: str | None = None  # Where to go if it does not.


def load(offset: int) -> Instruction:
    """Load 32 bits at an offset into ``struct seccomp_data``."""
    return Instruction(_LOAD, offset)


def if_equal(value: int, then: str | None = None, otherwise: str | None = None) -> Instruction:
    """Branch on whether the loaded value is equal to this one."""
    return Instruction(_JUMP_EQUAL, value, then, otherwise)


def if_at_least(value: int, then: str) -> Instruction:
    """Jump if the loaded value is at least this one, unsigned."""
    return Instruction(_JUMP_AT_LEAST, value, then)


def keep_bits(mask: int) -> Instruction:
    """Clear all bits of the loaded value except these."""
    return Instruction(_AND, mask)


def finish(value: int) -> Instruction:
    """End the program with an action."""
    return Instruction(_RETURN, value)


def assemble(lines: Iterable[Instruction | str]) -> bytes:
    """Return the program in the kernel's format.

    Args:
        lines: instructions, and labels for the instruction that follows them.

    Raises:
        struct.error: a jump goes backwards, or more than 255 instructions forward.
        KeyError: a jump goes to a label that does not exist.
    """
    program: list[Instruction] = []
    labels: dict[str, int] = {}
    for line in lines:
        if isinstance(line, str):
            labels[line] = len(program)
        else:
            program.append(line)
    return b"".join(_pack(program, index, labels) for index in range(len(program)))


def _pack(program: Sequence[Instruction], index: int, labels: dict[str, int]) -> bytes:
    line = program[index]
    then, otherwise = (0 if label is None else labels[label] - index - 1 for label in (line.then, line.otherwise))
    return _INSTRUCTION.pack(line.code, then, otherwise, line.value)
