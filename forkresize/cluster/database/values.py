"""The rows of a cluster's tables, as callers see them."""

from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from forkresize.cluster.spec import RunSpec, SpecHeader


class RunState(StrEnum):
    """How far a run is."""

    OPEN = "open"
    """More chunks may be added."""
    CLOSED = "closed"
    """It has all of its chunks."""
    DONE = "done"
    CANCELLED = "cancelled"


class ChunkState(StrEnum):
    """What is to be done with a chunk."""

    PENDING = "pending"
    LEASED = "leased"
    DONE = "done"
    CANCELLED = "cancelled"
    SPLIT = "split"
    """Other chunks have its pictures."""


class Handling(StrEnum):
    """How a node works on a chunk."""

    NORMAL = "normal"
    SINGLE = "single"
    """Alone on its node, one picture after another, each recorded before it starts."""
    FAIL = "fail"
    """Its one picture has ended two nodes while they worked on nothing else: it is not tried again."""


class NewChunk(Struct, frozen=True):
    """A chunk to add.

    Attributes:
        number: of the chunk in its run, from 1 to 1,000,000,000.
        manifest: key of its manifest in the destination.
        first: index of its first picture in the manifest.
        count: how many pictures it has.
        size: bytes of its sources.
    """

    number: int
    manifest: str
    first: int
    count: int
    size: int


class Lease(Struct, frozen=True, kw_only=True):
    """The right to work on a chunk until the lease runs out.

    Attributes:
        run: number of the run.
        number: of the chunk.
        token: what no other lease has.
        manifest: key of the manifest.
        first: index of the first picture in the manifest.
        count: how many pictures the chunk has.
        handling: how to work on it.
        attempt: how often the chunk was leased, with this lease.
    """

    run: int
    number: int
    token: UUID
    manifest: str
    first: int
    count: int
    handling: Handling
    attempt: int


class Result(Struct, frozen=True, kw_only=True):
    """What a node has made of a chunk.

    Attributes:
        made: how many pictures, from the first one on, have outcomes. The others become a chunk of their own.
        outcomes: key of the outcomes in the destination; empty if there are none.
        counts: outcomes by status, and other totals, such as bytes.
        error: why there are no outcomes.
    """

    made: int
    outcomes: str = ""
    counts: dict[str, int] = {}
    error: str = ""


class ListedRun(Struct, frozen=True, kw_only=True):
    """A run, maybe of another version of this program.

    Attributes:
        run: its number.
        spec: where its sources and its outputs are.
        state: how far it is.
        cancelled: whether no node may begin another chunk.
        detached: whether no client follows it.
        owner: who began it, for people.
        age: seconds since it began.
        refusal: why a node has left its chunks to others a moment ago; empty if none did.
    """

    run: int
    spec: SpecHeader
    state: RunState
    cancelled: bool
    detached: bool
    owner: str
    age: float
    refusal: str = ""


class RunRow(ListedRun, frozen=True, kw_only=True):
    """A run of this version.

    Attributes:
        spec: what its chunks have in common.
    """

    spec: RunSpec


class Progress(Struct, frozen=True, kw_only=True):
    """How much of a run is done; chunks that were split do not count, their parts do.

    Attributes:
        state: of the run.
        cancelled: whether it was cancelled.
        chunks: how many, by state.
        pictures: how many all chunks have.
        pictures_done: how many of them have outcomes, or are cancelled.
        counts: sums of the counts of chunks that are done.
        lost: how often a node was lost that worked on a chunk.
    """

    state: RunState
    cancelled: bool
    chunks: dict[ChunkState, int]
    pictures: int
    pictures_done: int
    counts: dict[str, int]
    lost: int

    @property
    def is_finished(self) -> bool:
        """Whether the run has all of its chunks, and none is to be done."""
        unfinished = self.chunks.get(ChunkState.PENDING, 0) + self.chunks.get(ChunkState.LEASED, 0)
        return self.state is not RunState.OPEN and not unfinished


class FinishedChunk(Struct, frozen=True, kw_only=True):
    """A chunk that is done.

    Attributes:
        sequence: 1 for the first chunk of the run that was done, 2 for the next one.
        number: of the chunk.
        manifest: key of the manifest.
        first: index of the first picture in the manifest.
        count: how many pictures it has.
        node: name of the node that made it.
        outcomes: key of its outcomes; empty if its manifest could not be used.
        error: why it could not.
        attempt: how often it was leased.
        seconds: time from the last lease to the end.
    """

    sequence: int
    number: int
    manifest: str
    first: int
    count: int
    node: str
    outcomes: str
    error: str
    attempt: int
    seconds: float


class WorkingChunk(Struct, frozen=True, kw_only=True):
    """A chunk that a node works on.

    Attributes:
        run: number of the run.
        number: of the chunk.
        node: name of the node.
        count: how many pictures it has.
        made: how many of them have outcomes.
        seconds: time since the node has it.
        expires: seconds until the lease runs out.
    """

    run: int
    number: int
    node: str
    count: int
    made: int
    seconds: float
    expires: float


class NodeInfo(Struct, frozen=True, kw_only=True):
    """What a node reports about itself.

    Attributes:
        name: unique among all nodes, in the past as well.
        workers: how many pictures it works on at the same time.
        memory: bytes that they may use.
        allow: URLs that it may read and write below.
        queues: the queues that it takes chunks from.
        version: of the program.
        key: whether it requires signatures.
        protocol: version of what it reads; see ``forkresize.cluster.protocol``.
        renderer: what the bytes of its outputs depend on; see ``forkresize.batch.fingerprint.renderer_versions``.
    """

    name: str
    workers: int
    memory: int
    allow: list[str]
    queues: list[str]
    version: str
    key: bool
    protocol: int = 1
    renderer: list[str] = []


class NodeRow(Struct, frozen=True, kw_only=True):
    """A node.

    Attributes:
        info: what it reports about itself.
        present: whether it is connected to the database.
        draining: whether it takes no more chunks.
        age: seconds since it started.
        seen: seconds since its last sign of life.
        chunks: how many chunks it has leased.
    """

    info: NodeInfo
    present: bool
    draining: bool
    age: float
    seen: float
    chunks: int

    @property
    def state(self) -> str:
        """In a word: ``ready``, ``draining`` or ``lost``."""
        return "lost" if not self.present else "draining" if self.draining else "ready"
