"""The settings of batches."""

from collections.abc import Mapping

from msgspec import Struct

from forkresize.errors import FieldError
from forkresize.gateway.runs.places import Places
from forkresize.recipe import Recipe


class ClusterSettings(Struct, frozen=True, kw_only=True):
    """A cluster.

    Attributes:
        broker: URL of its broker.
        ledger: URL of its database.
        key_file: the file with its key; None for that of the environment, or none.
    """

    broker: str
    ledger: str
    key_file: str | None = None


class RunsSettings(Struct, frozen=True, kw_only=True):
    """Settings of batches.

    Attributes:
        places: what callers may name.
        presets: recipes that they may name.
        cluster: whose nodes do the runs; None for this machine.
        state_dir: for the records of runs on this machine.
        ledger: of runs on this machine; None for the default.
        slots: how many runs are done at the same time; None for one on this machine, and eight on a cluster.
        workers: of each run on this machine; None for as many as there are CPUs.
        memory: bytes that they may use together; None for a half of what the command would use.
        nice: their niceness. Workers for pictures on demand have 5, and get nine times as much of a processor.
        sandbox: of these workers.

    Raises:
        FieldError: the database of a cluster is missing.
    """

    places: Places
    presets: Mapping[str, Recipe] = {}
    cluster: ClusterSettings | None = None
    state_dir: str = ""
    ledger: str | None = None
    slots: int | None = None
    workers: int | None = None
    memory: int | None = None
    nice: int = 15
    sandbox: str = "auto"

    def __post_init__(self) -> None:
        ledger = self.cluster.ledger if self.cluster else "postgresql://"
        if not ledger.startswith(("postgresql://", "postgres://")):
            raise FieldError("ledger", "a cluster needs the URL of its database, such as postgresql://host/database")
