"""Work functions for the processes of a Renderer, in place of its own: what a worker that was taken over does."""

import os
from pathlib import Path
from typing import Any

from forkresize.batch.remote.render_task import Inline
from forkresize.batch.wire import WireOutcome
from forkresize.image.inspection import Inspected
from forkresize.outcome import Failed, Reason, Written
from forkresize.pool import WithFiles, sealed_memfd

WRITTEN = Written(out_bytes=5, in_size=(1, 1), out_size=(1, 1), in_format="png", out_format="png")


def task_of(item: Any) -> Any:
    """Return the task proper, of a picture that comes as a file or in the message."""
    return item.value if isinstance(item, WithFiles) else item


def claim_more(task: WithFiles[Any]) -> WithFiles[list[WireOutcome]]:
    """Report an output that is longer than what was returned."""
    return WithFiles([WireOutcome(0, WRITTEN, ())], (sealed_memfd(b"abc"),))


def claim_more_inline(task: Any) -> Inline:
    """Report an output that is longer than what came in the message."""
    return Inline([WireOutcome(0, WRITTEN, ())], b"abc")


def return_too_much_inline(task: Any) -> Inline:
    """Return bytes with a failure."""
    return Inline([WireOutcome(None, Failed(Reason.DAMAGED), ())], b"abc")


def return_nothing(task: WithFiles[Any]) -> list[WireOutcome]:
    """Report an output without returning it."""
    return [WireOutcome(0, WRITTEN, ())]


def return_too_much(task: WithFiles[Any]) -> WithFiles[list[WireOutcome]]:
    """Return a file with a failure."""
    return WithFiles([WireOutcome(None, Failed(Reason.DAMAGED), ())], (sealed_memfd(b"abc"),))


def return_size(task: WithFiles[Any]) -> Inspected:
    """Return the size of a picture, even if it was to be rendered."""
    return Inspected(1, 1, "png", 1)


def return_size_with_file(task: WithFiles[Any]) -> WithFiles[Inspected]:
    """Return the size of a picture, and a file."""
    return WithFiles(Inspected(1, 1, "png", 1), (sealed_memfd(b"abc"),))


def report(task: WithFiles[Any]) -> list[WireOutcome]:
    """Report what this process can do, in the error."""
    found = [f"environment={sorted(os.environ)}"]
    for attempt in ("open", "connect"):
        try:
            if attempt == "open":
                Path(os.fsdecode(task_of(task).name)).read_bytes()
            else:
                __import__("socket").create_connection(("127.0.0.1", 9), timeout=1)
        except OSError as error:
            found.append(f"{attempt}={error.errno}")
        else:
            found.append(f"{attempt}=done")
    return [WireOutcome(None, Failed(Reason.DAMAGED, " ".join(found)[:400]), ())]


def kill_supervisor(task: WithFiles[Any]) -> list[WireOutcome]:
    """Kill the supervisor."""
    os.kill(os.getppid(), 9)
    return []
