"""The control groups that bind this process, versions 1 and 2. Knows no controller by name."""

from collections.abc import Iterator
from pathlib import Path


def group_folders(controller: str, root: Path = Path("/")) -> Iterator[Path]:
    """Yield the folder of each control group that binds this process: its own, and those above, which bind it too.

    See https://docs.kernel.org/admin-guide/cgroup-v2.html. Folders may be missing: a container sees the paths of its
    host.

    Args:
        controller: what is limited, such as ``cpu``.
        root: where ``proc`` and ``sys`` are found.
    """
    mount = root / "sys/fs/cgroup"
    for line in read(root / "proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if not controllers or controller in controllers.split(","):
            base = mount / controller if controllers else mount
            path = base / group.lstrip("/")
            yield from (folder for folder in (path, *path.parents) if folder.is_relative_to(base))


def read(file: Path) -> str:
    """Return the text of a file of the kernel's; nothing where there is none."""
    try:
        return file.read_text()
    except OSError:
        return ""
