"""What is attacked: directories with canaries, a victim process, pictures; and whether anything about them changed."""

import hashlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from PIL import Image

REPOSITORY = Path(__file__).parent.parent

CALM = 6
"""Pictures that attack nothing, so that other work goes on during each attack."""

TREES = "in", "home", "project", "outside"
"""Directories that no run may change."""

_FACTS = "Uid Gid Groups Cpus_allowed TracerPid SigPnd ShdPnd SigCgt SigIgn"
_SCHEDULE = {"pgrp": 4, "session": 5, "priority": 17, "nice": 18, "rt_priority": 39, "policy": 40}
"""Fields of /proc/PID/stat, counted from 0; see proc(5)."""


@dataclass(frozen=True)
class User:
    """A user to run as; the current one if the id is None."""

    name: str
    uid: int | None = None
    gid: int | None = None

    @property
    def identity(self) -> dict[str, object]:
        """Arguments of subprocess.Popen that switch to the user."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def describe_process(pid: int) -> dict[str, object]:
    """Return what other processes could have changed about a process.

    Raises:
        OSError: it is gone.
    """
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
    )
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return {
        **{name: status.get(name) for name in _FACTS.split()},
        **{name: fields[place - 2] for name, place in _SCHEDULE.items()},
        "limits": Path(f"/proc/{pid}/limits").read_text(),
        "oom": Path(f"/proc/{pid}/oom_score_adj").read_text(),
    }


def describe_tree(root: Path) -> dict[str, object]:
    """Return type, mode, owner, links, time, attributes and content of everything in a tree."""
    return {str(path.relative_to(root)): _describe(path) for path in [root, *sorted(root.rglob("*"))]}


def _describe(path: Path) -> tuple[object, ...]:
    found = path.lstat()
    facts = (stat.filemode(found.st_mode), found.st_uid, found.st_gid, found.st_nlink, found.st_ino, found.st_mtime_ns)
    if stat.S_ISLNK(found.st_mode):
        return (*facts, os.readlink(path))
    if stat.S_ISREG(found.st_mode):
        names = os.listxattr(path)
        values = {name: os.getxattr(path, name) for name in names}
        return (*facts, found.st_size, values, hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest())
    return facts


def outputs(folder: Path) -> dict[str, bytes]:
    """Return the content of everything in a destination, without the state directory; links by their targets."""
    found = (path for path in folder.rglob("*") if path.relative_to(folder).parts[0] != ".forkresize")
    return {str(path.relative_to(folder)): _content(path) for path in found}


def _content(path: Path) -> bytes:
    if path.is_symlink():
        return b"link to " + os.readlink(path).encode()
    return path.read_bytes() if path.is_file() else b"a directory"


class World:
    """A directory to attack from, with everything that belongs to it.

    Attributes:
        root: holds ``in``, ``out``, ``home``, ``project`` (working directory and virtual environment) and ``outside``.
        python: the interpreter of the virtual environment.
        victim: a process of the user.
    """

    def __init__(self, root: Path, user: User, numbers: Sequence[int], slots: int) -> None:
        """Create everything.

        Args:
            root: an empty directory.
            user: owner of the files and of the processes.
            numbers: of the probes to run; each gets a picture.
            slots: bytes of shared memory that workers report to.
        """
        self.root, self.user = root, user
        for name in (*TREES, "out"):
            (root / name).mkdir()
        self._plant_secrets()
        self.python = self._create_environment()
        self._draw(numbers)
        (root / "slots").write_bytes(bytes(slots))
        (root / "out/way-out").symlink_to("../outside/secret")
        if user.uid is not None:
            for path in [root, *root.rglob("*")]:
                os.chown(path, user.uid, user.gid or 0, follow_symlinks=False)
        os.setxattr(root / "in/calm-0.jpg", "user.canary", b"alive")
        self._victim = subprocess.Popen(["sleep", "600"], cwd=root, **user.identity)  # type: ignore[call-overload]  # noqa: S607
        self.victim: int = self._victim.pid

    def close(self) -> None:
        """End the victim and remove everything."""
        self._victim.kill()
        self._victim.wait()
        shutil.rmtree(self.root)

    def _plant_secrets(self) -> None:
        for name in ("project/.env", "project/conf/key", "home/.ssh/id", "outside/secret"):
            path = self.root / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"the secret in {name}\n")
            path.chmod(0o600)

    def _create_environment(self) -> str:
        """Make the working directory a virtual environment with the packages of this one."""
        home, version = _find_python(self.user), f"python{sysconfig.get_python_version()}"
        project = self.root / "project"
        (project / "bin").mkdir()
        (project / "bin/python").symlink_to(home)
        (project / "pyvenv.cfg").write_text(f"home = {os.path.dirname(home)}\n")
        packages = project / "lib" / version / "site-packages"
        packages.mkdir(parents=True)
        (packages / "forkresize.pth").write_text(f"{sysconfig.get_path('purelib')}\n{REPOSITORY}\n")
        return str(project / "bin/python")

    def _draw(self, numbers: Sequence[int]) -> None:
        for index, name in enumerate([*(f"calm-{each}" for each in range(CALM)), *(f"attack-{n}" for n in numbers)]):
            patches = Image.frombytes("RGB", (8, 8), Random(index).randbytes(192))
            patches.resize((64, 48)).save(self.root / f"in/{name}.jpg")

    def run(self, *arguments: str, timeout: float = 120) -> "subprocess.CompletedProcess[bytes]":
        """Run Python in the working directory, as the user, with no more of the environment than it needs."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.root / "home"), "LC_ALL": "C.UTF-8"}
        done: subprocess.CompletedProcess[bytes] = subprocess.run(  # type: ignore[call-overload]
            [self.python, *arguments],
            cwd=self.root / "project",
            env={**environment, "PYTHONDONTWRITEBYTECODE": "1", "TERM": "xterm"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
            **self.user.identity,
        )
        return done

    def snapshot(self) -> dict[str, object]:
        """Return the state of everything that no run may change."""
        trees = {f"{name}/{key}": value for name in TREES for key, value in describe_tree(self.root / name).items()}
        try:
            return {**trees, "victim": describe_process(self.victim)}
        except OSError:
            return {**trees, "victim": "gone"}

    def is_victim_alive(self) -> bool:
        """Return whether the victim runs."""
        return self._victim.poll() is None


def compare(before: dict[str, object], after: dict[str, object]) -> Iterator[str]:
    """Yield what differs between two snapshots."""
    for key in sorted(before.keys() | after.keys()):
        one, other = before.get(key), after.get(key)
        if one == other:
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            yield from (f"{key}: {name}: {one[name]} became {other[name]}" for name in one if one[name] != other[name])
        else:
            yield f"{key} {'was created' if one is None else 'is gone' if other is None else 'was changed'}"


def _find_python(user: User) -> str:
    """Return an interpreter of this version that the user may execute.

    Raises:
        LookupError: none is known.
    """
    version = sysconfig.get_python_version()
    base: str = sys._base_executable  # type: ignore[attr-defined]  # noqa: SLF001
    for path in (base, *(f"{place}/python{version}" for place in ("/usr/bin", "/usr/local/bin", "/opt/python/bin"))):
        try:
            subprocess.run(
                [path, "-c", "import encodings, ssl, sqlite3"],
                check=True,
                capture_output=True,
                timeout=60,
                **user.identity,
            )  # type: ignore[call-overload]
        except (OSError, subprocess.CalledProcessError):
            continue
        return path
    raise LookupError(f"user {user.name} may execute no Python {version}")


def end_leftovers(pids: Sequence[int]) -> None:
    """Kill processes that a run should have ended."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
