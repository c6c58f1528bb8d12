"""How object stores are used."""

from typing import Annotated

from msgspec import Meta, Struct

Seconds = Annotated[float, Meta(gt=0)]

NO_CONDITIONAL_PUT = (
    "the store ignores conditions of writes: two runs that write to it at the same time may not notice each other"
)
"""The warning for a destination whose probe shows no conditional puts."""


class StoreOptions(Struct, frozen=True, kw_only=True):
    """Limits of the requests to an object store.

    Attributes:
        allow_http: whether to send requests without encryption to other machines than this one.
        connect_timeout: seconds to establish a connection.
        stall_timeout: seconds without a byte of a response.
        timeout: seconds for a request with its body.
        retries: how often a request is repeated after an error that may pass.
        retry_timeout: seconds since the first request after which it is not repeated again.
        first_delay: seconds until the first repetition; the next ones wait twice as long each, 15 seconds at most.
        lock_seconds: time without renewal after which the lock of a run counts as abandoned.
    """

    allow_http: bool = False
    connect_timeout: Seconds = 5.0
    stall_timeout: Seconds = 30.0
    timeout: Seconds = 120.0
    retries: Annotated[int, Meta(ge=0)] = 8
    retry_timeout: Seconds = 180.0
    first_delay: Seconds = 0.2
    lock_seconds: Seconds = 60.0
