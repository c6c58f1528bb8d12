"""The tools that peers.py runs, each with its best settings for two lanes."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

HERE = Path(__file__).parent
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
FORKRESIZE = os.path.join(os.path.dirname(sys.executable), "forkresize")


@dataclass(frozen=True)
class Task:
    """One workload, ready to run.

    Attributes:
        sources: paths of the pictures.
        folder: the directory with only these pictures.
        destination: an empty directory.
        widths: widths of the outputs in pixels.
        format: format of the outputs.
        quality: 1 to 100.
        workers: number of pictures processed at the same time.
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

    def write_json(self) -> str:
        """Write the task as JSON next to its destination, and return the path of the file."""
        path = f"{self.destination}.json"
        Path(path).write_text(json.dumps({**asdict(self), "suffix": self.suffix}), encoding="utf-8")
        return path


def run(command: list[str], given: bytes = b"", **environment: str) -> int:
    """Run a command, and return the peak memory of any of its processes in bytes.

    Args:
        command: the command.
        given: its standard input.
        environment: additional environment variables. Python may always write its compiled modules: otherwise, it would
            compile all of them in each run.

    Raises:
        CalledProcessError: it failed.
    """
    with tempfile.TemporaryFile() as stderr, tempfile.TemporaryFile() as stdin:
        stdin.write(given)
        stdin.seek(0)
        env = {name: value for name, value in os.environ.items() if name != NO_BYTECODE} | environment
        # Only wait4 returns its peak memory.
        process = subprocess.Popen(command, env=env, stdin=stdin, stdout=subprocess.DEVNULL, stderr=stderr)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            stderr.seek(0)
            raise subprocess.CalledProcessError(process.returncode, command, stderr=stderr.read())
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def forkresize(task: Task) -> int:
    """Run this project's command."""
    widths = ",".join(map(str, task.widths))
    # Only names with the width require a scan of all sources in advance.
    name = ["--name", "{stem}-{width}{ext}"] if len(task.widths) > 1 else []
    quality = [] if task.format in {"png", "gif"} else ["--quality", str(task.quality)]
    options = ["--width", widths, "--format", task.format, *quality, "--workers", str(task.workers), *name]
    return run([FORKRESIZE, task.folder, task.destination, *options])


def forkresize_again(task: Task) -> int:
    """Run this project's command on a tree whose outputs are all up to date."""
    return run([FORKRESIZE, f"{task.folder}/in", f"{task.folder}/out", "--width", str(task.widths[0])])


def rsync(task: Task) -> int:
    """Have rsync compare the same trees: the files of both are listed."""
    return run(["rsync", "-an", f"{task.folder}/in/", f"{task.folder}/out/"])


def empty_python(_: Task) -> int:
    """Start and end the interpreter."""
    return run([sys.executable, "-c", "pass"])


def sharp(task: Task) -> int:
    """Run sharp with one thread per picture and one picture per worker."""
    return run(["node", str(HERE / "sharp.mjs"), task.write_json()], UV_THREADPOOL_SIZE=str(task.workers))


def careful_sharp(task: Task) -> int:
    """Run sharp, but decode to at least two pixels per output pixel."""
    return run(["node", str(HERE / "sharp.mjs"), task.write_json(), "careful"], UV_THREADPOOL_SIZE=str(task.workers))


def five_sharps(task: Task) -> int:
    """Run sharp once for each width."""
    return max(sharp(replace(task, widths=(width,))) for width in task.widths)


def plain_loop(task: Task) -> int:
    """Run a loop over Pillow in one process."""
    return run([sys.executable, str(HERE / "loop.py"), task.write_json()])


def vipsthumbnail(task: Task) -> int:
    """Run vipsthumbnail under xargs, one thread each."""
    (width,) = task.widths
    settings = {"jpeg": ",optimize-coding", "webp": ",effort=4", "avif": ",effort=4"}
    options = "" if task.format == "png" else f"[Q={task.quality}{settings[task.format]}]"
    output = f"{task.destination}/%s-{width}.{task.suffix}{options}"
    return xargs(task, ["vipsthumbnail", "--size", f"{width}x>", "--output", output])


def mogrify(task: Task) -> int:
    """Run ImageMagick's mogrify under xargs, with the size hint for its JPEG decoder."""
    (width,) = task.widths
    hint = ["-define", f"jpeg:size={2 * width}x{2 * width}"]
    how = ["-auto-orient", "-thumbnail", f"{width}x>", "-quality", str(task.quality), "-format", task.suffix]
    command = ["mogrify", *hint, "-path", task.destination, *how]
    return xargs(task, command, OMP_NUM_THREADS="1", MAGICK_THREAD_LIMIT="1")


def graphicsmagick(task: Task) -> int:
    """Run GraphicsMagick's mogrify under xargs, with the same size hint."""
    (width,) = task.widths
    hint = ["-size", f"{2 * width}x{2 * width}"]
    how = ["-resize", f"{width}x>", "-quality", str(task.quality), "-format", task.suffix]
    command = ["gm", "mogrify", *hint, "-output-directory", task.destination, "-create-directories", *how]
    return xargs(task, command, OMP_NUM_THREADS="1")


def imgp(task: Task) -> int:
    """Run imgp, which writes next to its sources, on a copy."""
    (width,) = task.widths
    return run(["imgp", "-x", f"{width}x0", "-q", str(task.quality), "-m", "-w", task.destination])


def caesiumclt(task: Task) -> int:
    """Run caesiumclt with as many threads as workers."""
    (width,) = task.widths
    how = ["--quality", str(task.quality), "--width", str(width), "--threads", str(task.workers), "--no-upscale"]
    return run(["caesiumclt", *how, "--output", task.destination, *task.sources])


def xargs(task: Task, command: list[str], **environment: str) -> int:
    """Run a command on batches of the sources, one batch per worker at a time."""
    handful = max(1, min(100, -(-len(task.sources) // (4 * task.workers))))
    parallel = [shutil.which("xargs") or "xargs", "-0", "-P", str(task.workers), "-n", str(handful), *command]
    return run(parallel, "\0".join(task.sources).encode(), VIPS_CONCURRENCY="1", **environment)


@dataclass(frozen=True)
class Tool:
    """A tool and the commands that it needs.

    Attributes:
        run: creates a task's outputs, and returns the peak memory of any of its processes in bytes.
        needs: commands that must be on the path.
        lanes: whether one process handles several pictures at a time, which share its memory.
        in_place: whether it overwrites its sources, which are copied to the destination first.
        writes: whether it makes the outputs of the task, which are checked.
    """

    run: Callable[[Task], int]
    needs: tuple[str, ...] = ()
    in_place: bool = False
    lanes: bool = False
    writes: bool = True

    @property
    def is_installed(self) -> bool:
        """Whether it can be run."""
        return all(shutil.which(command) for command in self.needs)


TOOLS = {
    "forkresize": Tool(forkresize),
    "forkresize, again": Tool(forkresize_again, writes=False),
    "rsync -an": Tool(rsync, ("rsync",), writes=False),
    "empty Python": Tool(empty_python, writes=False),
    "sharp": Tool(sharp, ("node",), lanes=True),
    "sharp, careful": Tool(careful_sharp, ("node",), lanes=True),
    "sharp, one run per width": Tool(five_sharps, ("node",), lanes=True),
    "plain Pillow loop": Tool(plain_loop),
    "vipsthumbnail": Tool(vipsthumbnail, ("vipsthumbnail", "xargs")),
    "mogrify": Tool(mogrify, ("mogrify", "xargs")),
    "gm": Tool(graphicsmagick, ("gm", "xargs")),
    "imgp": Tool(imgp, ("imgp",), in_place=True),
    "caesiumclt": Tool(caesiumclt, ("caesiumclt",), lanes=True),
}
