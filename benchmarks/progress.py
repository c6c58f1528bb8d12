"""Compare the time left that progress views show with the time that was left in truth.

    python -m benchmarks.progress --corpus PHOTOS

Runs over photographs, several times each so that the run takes a while, over tiny files, and over both together. Prints
the worst ratio of both times, in either direction, from 20 % of the run on; the last second is left out, as views show
whole seconds. Beside it, the same for an estimate that counts pictures.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.workloads import photographs, tiny
from forkresize import Outcome, PoolOptions, Recipe, Settings, run
from forkresize.observer import Activity, Observer
from forkresize.report.work import WorkEstimate

FROM = 0.2
LAST_SECONDS = 1.0


class Recorder(Observer):
    """Records the time left that is shown, ten times per second.

    Attributes:
        shown: the time since the start, the time left by work, and by the number of pictures, in seconds.
    """

    def __init__(self) -> None:
        self.shown: list[tuple[float, float | None, float | None]] = []
        self.seconds = 0.0
        self._started = time.monotonic()
        self._work = WorkEstimate()
        self._sources = 0

    def on_total(self, sources: int, *, is_final: bool) -> None:
        """Keep the number of sources."""
        self._sources = sources if is_final else 0

    def on_total_work(self, work: float, *, is_final: bool) -> None:
        """Keep how much work there is."""
        if is_final:
            self._work.expect(self._sources, work)

    def on_outcome(self, outcome: Outcome) -> None:
        """Account for a picture."""
        self._work.add(outcome)
        self.seconds = time.monotonic() - self._started

    def on_tick(self, activities: Sequence[Activity]) -> None:
        """Record what would be shown."""
        self._work.observe(activities)
        elapsed, count = time.monotonic() - self._started, self._work.count
        by_count = (self._sources - count) * elapsed / count if count and self._sources else None
        self.shown.append((elapsed, self._work.seconds_left, by_count))

    def worst(self, which: int) -> float:
        """Return the worst ratio of an estimate: 1 by work, 2 by count; infinite if there was none when it is due."""
        ratios = [1.0]
        for moment in self.shown:
            left, shown = self.seconds - moment[0], moment[which]
            if moment[0] >= FROM * self.seconds and left >= LAST_SECONDS:
                ratios.append(max(shown / left, left / shown) if shown else float("inf"))
        return max(ratios)


def repeat(plant: Callable[[Path, Path | None], None], folder: Path, corpus: Path | None, times: int) -> None:
    """Create pictures in a folder, and as many hard links to each as make the given number."""
    plant(folder, corpus)
    for path in list(folder.iterdir()):
        for number in range(1, times):
            os.link(path, folder / f"{path.stem}-{number}{path.suffix}")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="folder of photographs [drawn ones]")
    parser.add_argument("--times", type=int, default=20, help="how often each photograph is made [20]")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each run [3]")
    parser.add_argument("--workers", type=int, default=2, help="number of workers [2]")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch, name) for name in ("photographs", "tiny files")]
        for folder in folders:
            folder.mkdir()
        repeat(photographs, folders[0], arguments.corpus, arguments.times)
        tiny(folders[1], None)
        for sources in ([folders[0]], [folders[1]], folders):
            for _ in range(arguments.rounds):
                recorder = Recorder()
                settings = Settings(pool=PoolOptions(workers=arguments.workers))
                with tempfile.TemporaryDirectory(dir=scratch) as destination:
                    run(sources, destination, Recipe.of(width=800), settings=settings, observers=[recorder])
                name = " and ".join(source.name for source in sources)
                print(
                    f"{name:<28} {recorder.seconds:5.1f} s; worst ratio {recorder.worst(1):.2f}; "
                    f"counting pictures {recorder.worst(2):.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
