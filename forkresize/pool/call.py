"""A task on its way to a supervisor's process and back: Call."""

from collections.abc import Callable
from io import FileIO
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from forkresize.pool.files import close_all
from forkresize.pool.future import resolve
from forkresize.pool.result import SupervisorLostError, TaskResult

if TYPE_CHECKING:
    from concurrent.futures import Future

Convert: TypeAlias = Callable[[TaskResult[None, Any] | SupervisorLostError], Any]
"""Returns what a future gets, of the result of its task or of the loss of the supervisor, which may remain an error."""


class Call(Struct, eq=False):
    """A task on its way to the supervisor and back."""

    number: int
    task: Any  # To name it in errors.
    payload: bytes  # The message that hands it to the supervisor.
    files: tuple[FileIO, ...]  # Owned by the call.
    future: "Future[Any]"
    convert: "Convert | None" = None  # What the future gets; None for the result proper or a TaskError.
    losses: int = 0  # How often the supervisor died while it had the task.

    def close(self) -> None:
        """Close its files."""
        close_all(self.files)

    def finish(self, result: TaskResult[None, Any] | SupervisorLostError) -> None:
        """Give the future what it is to get."""
        try:
            value = result if self.convert is None else self.convert(result)
        except Exception as error:  # noqa: BLE001  It converts what a worker has sent, which may be anything.
            self.future.set_exception(error)
            return
        if isinstance(value, SupervisorLostError):
            self.future.set_exception(value)
        elif self.convert is None:
            resolve(self.future, value)
        else:
            self.future.set_result(value)
