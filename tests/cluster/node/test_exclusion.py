import threading

from forkresize.cluster.node.exclusion import Exclusion

DEADLINE = 30


class Chunk(threading.Thread):
    """A thread that runs until it is let go."""

    def __init__(self, exclusion: Exclusion, *, alone: bool) -> None:
        super().__init__()
        self.exclusion = exclusion
        self.alone = alone
        self.entered = threading.Event()
        self.release = threading.Event()
        self.start()

    def run(self) -> None:
        with self.exclusion.enter(alone=self.alone):
            self.entered.set()
            assert self.release.wait(DEADLINE)

    def end(self) -> None:
        self.release.set()
        self.join(DEADLINE)
        assert not self.is_alive()


def test_chunks_run_side_by_side_except_those_that_are_alone() -> None:
    exclusion = Exclusion()
    first, second = (Chunk(exclusion, alone=False) for _ in range(2))
    assert first.entered.wait(DEADLINE)
    assert second.entered.wait(DEADLINE)
    alone = Chunk(exclusion, alone=True)
    # One that comes later waits for the one that wants to be alone.
    later = Chunk(exclusion, alone=False)
    first.end()
    assert not alone.entered.wait(0.1)
    second.end()
    assert alone.entered.wait(DEADLINE)
    assert not later.entered.wait(0.1)
    alone.end()
    assert later.entered.wait(DEADLINE)
    later.end()


def test_only_one_is_alone() -> None:
    exclusion = Exclusion()
    chunks = [Chunk(exclusion, alone=True) for _ in range(3)]
    for remaining in (3, 2, 1):
        entered = [chunk for chunk in chunks if chunk.entered.wait(1) and not chunk.release.is_set()]
        assert len(entered) == 1, remaining
        entered[0].end()
