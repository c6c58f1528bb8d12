"""What a worker takes of the machine, which the kernel does not limit for a single process: find_excess.

The limits of a worker's address space and files bound what it can take between two inspections.
"""

from typing import Any, NamedTuple

from forkresize.pool.files import WithFiles
from forkresize.pool.handle import WorkerHandle
from forkresize.pool.memory import AdmissionController, format_bytes
from forkresize.pool.result import LossReason
from forkresize.pool.stderr import MAX_BYTES
from forkresize.pool.system import allowed_cpus, descriptors_of, file_blocks, memory_and_threads, private_memory

_MARGIN = 0.1
_MIN_MARGIN = 16 << 20
"""By how much a worker may exceed its share: as a fraction of it, and at least these bytes. Estimates are not exact,
and memory that was freed stays for a while."""

_MIN_THREADS = 256
_THREADS_PER_CPU = 8
MAX_THREADS = max(_MIN_THREADS, _THREADS_PER_CPU * allowed_cpus())
"""How many threads a worker may have. Codecs start one for each CPU, and each takes memory of the kernel."""


class Excess(NamedTuple):
    """Why a worker has to be killed."""

    reason: LossReason
    detail: str  # Continues a sentence that begins with the worker.


def find_excess(worker: WorkerHandle[Any], memory: AdmissionController, *, memfds: bool = True) -> Excess | None:
    """Return what a worker takes too much of; None if there is nothing, or it has ended.

    A worker that uses more memory than its share without a reservation is marked to be replaced. One that exceeds its
    share by more than a margin has to be killed.

    Args:
        worker: the worker.
        memory: what it has reserved.
        memfds: whether it may have files in memory.
    """
    if memfds:
        worker.collect_files()
    if worker.has_violated_protocol:
        return Excess(LossReason.PROTOCOL_VIOLATION, "sent files without a result")
    if worker.channel.stderr.over_limit:
        return Excess(LossReason.PROTOCOL_VIOLATION, f"wrote more than {format_bytes(MAX_BYTES)} to standard error")
    found = memory_and_threads(worker.pid)
    if found is None:
        return None
    resident, threads = found
    if threads > MAX_THREADS:
        return Excess(LossReason.PROTOCOL_VIOLATION, f"started {threads} threads, more than {MAX_THREADS},")
    files = _file_memory(worker) if memfds else 0
    worker.used = resident + files
    return _find_memory_excess(worker, memory, resident, files)


def _find_memory_excess(
    worker: WorkerHandle[Any], memory: AdmissionController, resident: int, files: int
) -> Excess | None:
    share = _share(worker, memory)
    worker.retiring |= resident + files > share and not memory.has_reserved(worker)
    most = share + max(share * _MARGIN, _MIN_MARGIN)
    # The first figure is a cheap upper bound of the second.
    if resident + files <= most or (used := _private_memory(worker, files)) <= most:
        return None
    return Excess(LossReason.MEMORY_LIMIT, f"used {format_bytes(used)}, its share is {format_bytes(share)}")


def _share(worker: WorkerHandle[Any], memory: AdmissionController) -> int:
    # A retry of an iteration runs alone, so it may use what the others leave.
    return (memory.budget.total if worker.progress.is_retrying else memory.share_of(worker)) + worker.inherited


def _task_files(worker: WorkerHandle[Any]) -> dict[int, int]:
    """Return the bytes of the files of its tasks, by inode: they belong to the user of the pool."""
    items = (task.item for task in worker.tasks.values())
    return file_blocks(file.fileno() for item in items if isinstance(item, WithFiles) for file in item.files)


def _file_memory(worker: WorkerHandle[Any]) -> int:
    """Return the bytes of its files in memory, such as memfds: those that it has open, and those that it has sent."""
    files = file_blocks(descriptors_of(worker.pid), worker.pid, worker.channel.stderr.device)
    files |= file_blocks(worker.collected_files)
    if len(files) > 1:
        for inode in _task_files(worker):
            files.pop(inode, None)
    return sum(files.values())


def _private_memory(worker: WorkerHandle[Any], files: int) -> int:
    """Return the bytes that no other process uses, with these bytes of files in memory, which may be mapped."""
    anonymous, shared = private_memory(worker.pid) or (0, 0)
    return anonymous + max(files, shared - sum(_task_files(worker).values()))
