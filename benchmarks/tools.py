"""The tools that peers.py runs, each at its best setting for two lanes, and the workloads they are run on."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

HERE = Path(__file__).parent
FORKRESIZE = os.path.join(os.path.dirname(sys.executable), "forkresize")


@dataclass(frozen=True)
class Task:
    """One workload, ready to run.

    Attributes:
        sources: paths of the pictures.
        folder: the directory that holds them, and nothing else.
        destination: an empty directory.
        widths: of the outputs, in pixels.
        format: of the outputs.
        quality: 1 to 100.
        workers: how many pictures at a time.
    """

    sources: tuple[str, ...]
    folder: str
    destination: str
    widths: tuple[int, ...]
    format: str = "jpeg"
    quality: int = 80
    workers: int = 2

    @property
    def suffix(self) -> str:
        """The outputs' suffix, without its dot."""
        return "jpg" if self.format == "jpeg" else self.format

    def written(self) -> str:
        """Write the task as JSON beside its destination, and return the file's path."""
        path = f"{self.destination}.json"
        Path(path).write_text(json.dumps({**asdict(self), "suffix": self.suffix}), encoding="utf-8")
        return path


def run(command: list[str], **environment: str) -> None:
    """Run a command to its end; what it prints is of no interest unless it fails."""
    subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True)


def forkresize(task: Task) -> None:
    """Run this project's command."""
    widths = ",".join(map(str, task.widths))
    name = "{stem}-{width}{ext}"
    quality = [] if task.format == "png" else ["--quality", str(task.quality)]
    options = ["--width", widths, "--format", task.format, *quality, "--workers", str(task.workers), "--name", name]
    run([FORKRESIZE, task.folder, task.destination, *options])


def sharp(task: Task) -> None:
    """Run sharp with one thread a picture, as many pictures at a time as there are workers."""
    run(["node", str(HERE / "sharp.mjs"), task.written()], UV_THREADPOOL_SIZE=str(task.workers))


def five_sharps(task: Task) -> None:
    """Run sharp once for each width."""
    for width in task.widths:
        sharp(replace(task, widths=(width,)))


def plain_loop(task: Task) -> None:
    """Run a loop over Pillow in one process."""
    run([sys.executable, str(HERE / "loop.py"), task.written()])


def vipsthumbnail(task: Task) -> None:
    """Run vipsthumbnail under xargs, one thread each."""
    (width,) = task.widths
    options = {"jpeg": f"[Q={task.quality},optimize-coding]", "webp": f"[Q={task.quality},effort=4]", "png": ""}
    output = f"{task.destination}/%s-{width}.{task.suffix}{options[task.format]}"
    xargs(task, ["vipsthumbnail", "--size", f"{width}x>", "--output", output])


def mogrify(task: Task) -> None:
    """Run ImageMagick's mogrify under xargs, with the hint that lets it decode small."""
    (width,) = task.widths
    hint = ["-define", f"jpeg:size={2 * width}x{2 * width}"]
    how = ["-auto-orient", "-thumbnail", f"{width}x>", "-quality", str(task.quality), "-format", task.suffix]
    xargs(task, ["mogrify", *hint, "-path", task.destination, *how], OMP_NUM_THREADS="1", MAGICK_THREAD_LIMIT="1")


def graphicsmagick(task: Task) -> None:
    """Run GraphicsMagick's mogrify under xargs, with the hint likewise."""
    (width,) = task.widths
    hint = ["-size", f"{2 * width}x{2 * width}"]
    how = ["-resize", f"{width}x>", "-quality", str(task.quality), "-format", task.suffix]
    command = ["gm", "mogrify", *hint, "-output-directory", task.destination, "-create-directories", *how]
    xargs(task, command, OMP_NUM_THREADS="1")


def imgp(task: Task) -> None:
    """Run imgp, which writes beside its sources: on a copy, made before the clock starts."""
    (width,) = task.widths
    run(["imgp", "-x", f"{width}x0", "-q", str(task.quality), "-m", "-w", task.destination])


def caesiumclt(task: Task) -> None:
    """Run caesiumclt with as many threads as workers."""
    (width,) = task.widths
    how = ["--quality", str(task.quality), "--width", str(width), "--threads", str(task.workers), "--no-upscale"]
    run(["caesiumclt", *how, "--output", task.destination, *task.sources])


def xargs(task: Task, command: list[str], **environment: str) -> None:
    """Run a command on all sources, as many at a time as there are workers, in handfuls."""
    handful = max(1, min(100, -(-len(task.sources) // (4 * task.workers))))
    subprocess.run(
        [shutil.which("xargs") or "xargs", "-0", "-P", str(task.workers), "-n", str(handful), *command],
        input="\0".join(task.sources).encode(),
        env={**os.environ, "VIPS_CONCURRENCY": "1", **environment},
        check=True,
        capture_output=True,
    )


@dataclass(frozen=True)
class Tool:
    """A tool and where it can be found out whether it is there.

    Attributes:
        run: makes a task's outputs.
        needs: commands that must be on the path.
        in_place: whether it writes over its sources, which are copied to the destination first.
    """

    run: Callable[[Task], None]
    needs: tuple[str, ...] = ()
    in_place: bool = False

    @property
    def is_there(self) -> bool:
        """Whether it can be run."""
        return all(shutil.which(command) for command in self.needs)


TOOLS = {
    "forkresize": Tool(forkresize),
    "sharp": Tool(sharp, ("node",)),
    "sharp, a run a width": Tool(five_sharps, ("node",)),
    "plain Pillow loop": Tool(plain_loop),
    "vipsthumbnail": Tool(vipsthumbnail, ("vipsthumbnail", "xargs")),
    "mogrify": Tool(mogrify, ("mogrify", "xargs")),
    "gm": Tool(graphicsmagick, ("gm", "xargs")),
    "imgp": Tool(imgp, ("imgp",), in_place=True),
    "caesiumclt": Tool(caesiumclt, ("caesiumclt",)),
}
