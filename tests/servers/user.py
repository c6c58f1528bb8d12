"""Run servers that refuse to run as root as an ordinary user."""

import contextlib
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

_USER = "nobody"  # language: allow (the name of a user)


def as_ordinary_user() -> Sequence[str]:
    """Return the beginning of a command that runs as an ordinary user; empty unless this process is root's."""
    if os.geteuid():
        return ()
    user = pwd.getpwnam(_USER)
    return ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--pdeathsig=KILL", "--")


@contextlib.contextmanager
def ordinary_directory(name: str) -> Iterator[Path]:
    """Create a directory that the user of ``as_ordinary_user`` owns and reaches, and remove it at the end."""
    directory = Path(tempfile.mkdtemp(prefix=f"forkresize-{name}-"))
    try:
        if not os.geteuid():
            user = pwd.getpwnam(_USER)
            os.chown(directory, user.pw_uid, user.pw_gid)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
