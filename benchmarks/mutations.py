"""Ways to damage a file: flipped bits, truncation, splices, false sizes and counts."""

import struct
import zlib
from collections.abc import Callable, Sequence
from random import Random

from benchmarks.seeds import SIZE

Mutation = Callable[[bytearray, Random], None]

_HEADER = 256
"""Length of the part that holds most of a picture's header, in bytes."""

_MOST_SPLICED = 4096

_EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x1_0000, 0xFF_FFFF, 2**31 - 1, 2**31, 2**32 - 1)

_FIELDS = ("<B", "<H", ">H", "<I", ">I", "<Q", ">Q")

_PNG = b"\x89PNG\r\n\x1a\n"


def mutant(seed: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """Return a file with one to four mutations.

    Args:
        seed: the valid file.
        others: files that parts may come from.
        random: source of all random choices.
    """
    data = bytearray(seed)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        random.choice(_MUTATIONS)(data, random)
        if random.random() < 1 / 10:
            _splice(data, random.choice(others), random)
    # With wrong checksums, decoders would reject most mutants early.
    return _with_checksums(bytes(data)) if random.random() < 2 / 3 else bytes(data)


def _flip(data: bytearray, random: Random) -> None:
    for _ in range(random.choice((1, 1, 2, 8, 64)) if data else 0):
        place = _place(data, random)
        data[place] ^= 1 << random.randrange(8)


def _scramble(data: bytearray, random: Random) -> None:
    start = _place(data, random)
    end = min(len(data), start + random.choice((1, 2, 4, 16, 256)))
    data[start:end] = random.randbytes(end - start)


def _truncate(data: bytearray, random: Random) -> None:
    del data[random.randrange(len(data) + 1) :]


def _cut_out(data: bytearray, random: Random) -> None:
    start = _place(data, random)
    del data[start : start + random.choice((1, 2, 4, 32, 512))]


def _repeat(data: bytearray, random: Random) -> None:
    start = _place(data, random)
    data[start:start] = data[start : start + random.choice((1, 4, 32, 512))] * random.choice((1, 2, 20))


def _lie(data: bytearray, random: Random) -> None:
    """Set a field at any position to an extreme value."""
    field = random.choice(_FIELDS)
    start = _place(data, random)
    value = _extreme(field, random)
    if start + len(value) <= len(data):
        data[start : start + len(value)] = value


def _lie_of_size(data: bytearray, random: Random) -> None:
    """Set the width or the height, as a number or in digits, to an extreme value."""
    field, side = random.choice(_FIELDS[1:5]), random.choice(SIZE)
    truth, lie = struct.pack(field, side), _extreme(field, random)
    if random.random() < 1 / 4:
        truth, lie = str(side).encode(), str(random.choice(_EXTREMES)).encode()
    start = data.find(truth)
    if start >= 0:
        data[start : start + len(truth)] = lie


def _splice(data: bytearray, other: bytes, random: Random) -> None:
    start = _place(data, random)
    taken = random.randrange(len(other))
    data[start:start] = other[taken : taken + random.randrange(1, _MOST_SPLICED)]


_MUTATIONS: Sequence[Mutation] = (_flip, _flip, _scramble, _truncate, _cut_out, _repeat, _lie, _lie, _lie, _lie_of_size)


def _place(data: bytearray, random: Random) -> int:
    """Return a random position, in half of the cases in the header."""
    return random.randrange(max(1, min(len(data), _HEADER) if random.random() < 1 / 2 else len(data)))


def _extreme(field: str, random: Random) -> bytes:
    most = 256 ** struct.calcsize(field) - 1
    return struct.pack(field, random.choice(_EXTREMES) & most)


def _with_checksums(data: bytes) -> bytes:
    """Return a PNG with correct checksums for all chunks; return other data unchanged."""
    if not data.startswith(_PNG):
        return data
    parts, place = [_PNG], len(_PNG)
    while place + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, place)
        body = data[place + 4 : place + 8 + size]
        parts.append(data[place : place + 4] + body + struct.pack(">I", zlib.crc32(body)))
        place += 12 + size
    return b"".join(parts) + data[place:]
