"""The manifest of a chunk, which lists its jobs, and the outcomes of a chunk, which lie beside it."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from forkresize.batch.wire import WireOutcome
from forkresize.cluster.jsonlines import ManifestError, compress, decode_lines, decompress, encode_lines
from forkresize.cluster.protocol import VERSION, describe_other
from forkresize.cluster.signing import sign, verify
from forkresize.job import Job
from forkresize.outcome import Count, Seconds
from forkresize.store import STATE_DIR

MAX_LINES = 10_000
"""Lines that are accepted: far more than the pictures of a chunk."""

RUNS_DIR = f"{STATE_DIR}/runs"
"""Where a destination holds the manifests of its runs."""


class Header(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line of a manifest, or of outcomes.

    Attributes:
        version: of the protocol.
        kind: ``manifest`` or ``outcomes``.
        run: number of the run.
        chunk: number of the chunk that it was written for. The parts of a chunk that is split share its manifest.
        spec: digest of the run's recipe, destination and other values that all jobs need; a signature covers it.
        lines: how many lines follow.
        signature: HMAC-SHA256 of the document, as hexadecimal digits; empty if it is not signed.
    """

    version: int = VERSION
    kind: str = "manifest"
    run: int
    chunk: int
    spec: str
    lines: int
    signature: str = ""


class PlannedJob(Job, frozen=True, omit_defaults=True):
    """A job in a manifest.

    Attributes:
        before: what is under the key of each output, as the run has listed it: an ETag, empty for nothing, or None if
            that is not known. Empty if no output is bound to it.
    """

    before: tuple[str | None, ...] = ()


class JobOutcome(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happened to one job of a chunk.

    Attributes:
        index: of the job in the manifest.
        attempts: how many workers were given the source.
        worker: the last of them: name of the node and process id.
        seconds: wall time that it spent.
        outcomes: one for each output, or one for all of them.
    """

    index: Count
    attempts: Count
    worker: str
    seconds: Seconds
    outcomes: list[WireOutcome]


def run_directory(run: int) -> str:
    """Return the key that all manifests and outcomes of a run lie below."""
    return f"{RUNS_DIR}/{run}"


def manifest_key(run: int, chunk: int) -> str:
    """Return the key of a chunk's manifest in the destination."""
    return f"{run_directory(run)}/{chunk:06d}.json.gz"


def outcomes_key(run: int, chunk: int, attempt: int) -> str:
    """Return the key of a chunk's outcomes in the destination. A late node never replaces those of another attempt."""
    return f"{run_directory(run)}/{chunk:06d}.{attempt}.outcomes.json.gz"


def write_manifest(jobs: Sequence[Job], header: Header, secret: bytes | None = None) -> bytes:
    """Return a manifest.

    Args:
        jobs: of the chunk; those that are planned with what is under the keys of their outputs.
        header: its number of lines and its signature are filled in.
        secret: the key to sign with; None does not sign.
    """
    return _write(encode_lines(jobs), replace(header, kind="manifest", lines=len(jobs)), secret)


def read_manifest(data: bytes, secret: bytes | None = None) -> tuple[Header, list[Job]]:
    """Return the header and the jobs of a manifest; see ``read_plan``."""
    header, planned = read_plan(data, secret)
    return header, [Job(job.source, job.outputs, job.in_place) for job in planned]


def read_plan(data: bytes, secret: bytes | None = None) -> tuple[Header, list[PlannedJob]]:
    """Return the header and the jobs of a manifest, with what is under the keys of their outputs.

    Args:
        data: what ``write_manifest`` returned.
        secret: the key that must have signed it; None accepts any manifest.

    Raises:
        ManifestError: it is damaged, of another version, or not signed with the key.
    """
    header, lines = _read(data, "manifest", secret)
    return header, list(decode_lines(lines, PlannedJob))


def write_outcomes(outcomes: Sequence[JobOutcome], header: Header, secret: bytes | None = None) -> bytes:
    """Return the document of a chunk's outcomes; see ``write_manifest``."""
    return _write(encode_lines(outcomes), replace(header, kind="outcomes", lines=len(outcomes)), secret)


def read_outcomes(data: bytes, secret: bytes | None = None) -> tuple[Header, list[JobOutcome]]:
    """Return the header and the outcomes of a chunk; see ``read_manifest``.

    Raises:
        ManifestError: they are damaged, of another version, or not signed with the key.
    """
    header, lines = _read(data, "outcomes", secret)
    return header, list(decode_lines(lines, JobOutcome))


def _write(body: bytes, header: Header, secret: bytes | None) -> bytes:
    signature = "" if secret is None else sign(secret, header.kind, _signed_part(header, body))
    header = replace(header, signature=signature)
    return compress(encode_lines([header]) + body)


def _read(data: bytes, kind: str, secret: bytes | None) -> tuple[Header, list[bytes]]:
    first, _, body = decompress(data).partition(b"\n")
    (header,) = decode_lines([first], Header)
    if header.version != VERSION:
        raise ManifestError(describe_other(f"the {kind}", header.version))
    if header.kind != kind:
        raise ManifestError(f"a document of kind {header.kind!r}, expected {kind!r}")
    if secret is not None and not verify(secret, kind, _signed_part(header, body), header.signature):
        raise ManifestError(f"the {kind} has no valid signature: all programs of a cluster need the same key")
    found = body.count(b"\n")
    if found != header.lines or found > MAX_LINES:
        raise ManifestError(f"{found} lines, expected {header.lines}, and at most {MAX_LINES}")
    return header, body.split(b"\n")[:-1]


def _signed_part(header: Header, body: bytes) -> bytes:
    return encode_lines([replace(header, signature="")]) + body
