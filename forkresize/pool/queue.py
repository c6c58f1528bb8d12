"""What is still to be handed out, and in which order. Knows no workers and no clock."""

import pickle
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Generic

from msgspec import Struct

from forkresize.pool.protocol import encode_task
from forkresize.pool.result import Item, WorkerLost


class Task(Struct, Generic[Item], eq=False):
    """One item on its way through the pool.

    Attributes:
        number: its number, from 1 up; a Slot says 0 for none.
        item: what it is about.
        lost: what to answer if it is not tried again, once a worker has died of it.
        returns: how many workers died before they had begun it, by what they say.
        order: the frame that tells a worker to do it, once it is packed.
    """

    number: int
    item: Item
    lost: WorkerLost[Item] | None = None
    returns: int = 0
    order: bytes = b""

    @property
    def deaths(self) -> int:
        """How many workers have died of it."""
        return self.lost.attempts if self.lost else 0

    def pack(self) -> None:
        """Make the order, once, however often it is sent.

        Raises:
            Exception: the item can't be pickled.
        """
        if not self.order:
            self.order = encode_task(self.number, pickle.dumps(self.item, pickle.HIGHEST_PROTOCOL))


class TaskQueue(Generic[Item]):
    """What is still to be handed out.

    Attributes:
        error: what the items' iterator raised; that was its end.
        suspects: tasks that a worker died of and that will be tried again.
        next_number: the next item's number.
    """

    def __init__(self, items: Iterable[Item], first_number: int = 1) -> None:
        """Start over some items.

        Args:
            items: an iterable; it is asked for one item at a time, when that can be handed out.
            first_number: the first item's number.
        """
        self.error: Exception | None = None
        self.suspects: deque[Task[Item]] = deque()
        self.next_number = first_number
        self._items: Iterator[Item] | None = iter(items)
        self._returned: deque[Task[Item]] = deque()

    def take(self) -> Task[Item] | None:
        """Return the next task that is under no suspicion; None if there is none."""
        if self._returned:
            return self._returned.popleft()
        if self._items is None:
            return None
        try:
            item = next(self._items)
        except StopIteration:
            self._items = None
            return None
        except Exception as error:  # noqa: BLE001  Raised again when what runs has been answered.
            self._items = None
            self.error = error
            return None
        task = Task(self.next_number, item)
        self.next_number += 1
        return task

    def give_back(self, tasks: Iterable[Task[Item]], *, by_death: bool = False) -> None:
        """Put tasks that a worker was handed but did not start in front of all others, in their order.

        Args:
            tasks: in the order in which they were handed out.
            by_death: whether it died instead.
        """
        for task in reversed(list(tasks)):
            task.returns += by_death
            (self.suspects if task.lost else self._returned).appendleft(task)

    def suspect(self, task: Task[Item], answer: WorkerLost[Item], retries: int) -> bool:
        """Set aside a task that a worker died of; return False if it has been tried often enough.

        It comes before the other suspects: whatever kills workers from outside at intervals won't hit it twice.
        """
        task.lost = answer
        if task.deaths > retries:
            return False
        self.suspects.appendleft(task)
        return True

    def give_up(self) -> list[WorkerLost[Item]]:
        """Empty the suspects; return what to answer for them."""
        answers = [task.lost for task in self.suspects if task.lost]
        self.suspects.clear()
        return answers
