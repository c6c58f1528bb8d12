"""How a job's result crosses the pipe: Codec. Knows no result."""

import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec import Struct


class Serializer(Struct, frozen=True):
    """How a job's result becomes bytes in the worker, and a value again in the pool's process.

    Attributes:
        encode: returns the bytes of a result; called in the worker.
        decode: returns what the bytes tell, or raises anything. They may be anything, too, if a worker was taken over
            by what it works on: then a pickle will not do, which can take any memory, and call what it likes.
    """

    encode: Callable[[Any], bytes]
    decode: Callable[[bytes | bytearray], Any]


PICKLE = Serializer(partial(pickle.dumps, protocol=pickle.HIGHEST_PROTOCOL), pickle.loads)
"""For workers that can be trusted."""
