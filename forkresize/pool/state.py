"""What a pool's user and its supervisor share: Control. Does nothing by itself."""

from msgspec import Struct

from forkresize.pool.shared import SharedFlag
from forkresize.pool.signals import StopSignals


class PoolState(Struct):
    """What the pool's user may change and look at while it runs.

    Attributes:
        stop: raised when no job may be started any more.
        watch: hears of signals.
        workers_lost: how many workers died and had to be buried.
        busy_seconds: wall time that all jobs took together.
    """

    stop: SharedFlag
    watch: StopSignals
    workers_lost: int = 0
    busy_seconds: float = 0.0
