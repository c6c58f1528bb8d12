"""An assembler for the kernel's classic packet filters, as far as seccomp takes them. Knows no system call.

See https://docs.kernel.org/userspace-api/seccomp_filter.html and ``include/uapi/linux/bpf_common.h``.
"""

import struct
from collections.abc import Iterable, Sequence

from msgspec import Struct

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_INSTRUCTION = struct.Struct("=HBBI")


class Instruction(Struct, frozen=True):
    """One instruction, whose jumps go to labels further down, or on to the next instruction.

    Attributes:
        code: what it does.
        value: its operand, 32 bits.
        then: the label to go to if a test holds.
        otherwise: the label to go to if it does not.
    """

    code: int
    value: int
    then: str | None = None
    otherwise: str | None = None


def load(offset: int) -> Instruction:
    """Load the 32 bits at an offset into the call's data."""
    return Instruction(_LOAD, offset)


def if_equal(value: int, then: str | None = None, otherwise: str | None = None) -> Instruction:
    """Go on depending on whether what was loaded is this value."""
    return Instruction(_JUMP_EQUAL, value, then, otherwise)


def if_at_least(value: int, then: str) -> Instruction:
    """Go elsewhere if what was loaded is this value or more, unsigned."""
    return Instruction(_JUMP_AT_LEAST, value, then)


def if_any_bit(value: int, then: str | None = None, otherwise: str | None = None) -> Instruction:
    """Go on depending on whether what was loaded has any of these bits."""
    return Instruction(_JUMP_BITS, value, then, otherwise)


def answer(value: int) -> Instruction:
    """End with a verdict."""
    return Instruction(_RETURN, value)


def assemble(lines: Iterable[Instruction | str]) -> bytes:
    """Return the program that instructions and labels make, as the kernel takes it.

    Args:
        lines: instructions, and names that stand for the place of the instruction after them.

    Raises:
        struct.error: a jump goes backwards, or over more than 255 instructions.
        KeyError: a jump goes to a label that is not there.
    """
    program: list[Instruction] = []
    labels: dict[str, int] = {}
    for line in lines:
        if isinstance(line, str):
            labels[line] = len(program)
        else:
            program.append(line)
    return b"".join(_packed(program, place, labels) for place in range(len(program)))


def _packed(program: Sequence[Instruction], place: int, labels: dict[str, int]) -> bytes:
    line = program[place]
    then, otherwise = (0 if label is None else labels[label] - place - 1 for label in (line.then, line.otherwise))
    return _INSTRUCTION.pack(line.code, then, otherwise, line.value)
