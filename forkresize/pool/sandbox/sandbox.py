"""All layers of the sandbox together: prepared before the fork, put in force in a worker. Holds no layer's details."""

import contextlib
import os
import sys
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Self

from forkresize.errors import SandboxError
from forkresize.pool.libc import Libc
from forkresize.pool.machine import landlock_abi
from forkresize.pool.sandbox import landlock, limits, seccomp
from forkresize.pool.sandbox.paths import NULL, extra_writable, interpreter_paths
from forkresize.pool.sandbox.policy import SandboxMode, SandboxPolicy

_LAYERS = ("landlock", "seccomp", "no_new_privs")
_PR_SET_NO_NEW_PRIVS = 38

_CAPABILITIES = 0b1110
"""What root keeps: to read and write the files of others, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH and CAP_FOWNER."""


def missing_layers(libc: Libc | None = None) -> tuple[str, ...]:
    """Return the names of the layers that this kernel lacks."""
    there = {"landlock": landlock_abi() > 0, "seccomp": seccomp.is_offered(libc or Libc()), "no_new_privs": _is_linux()}
    return tuple(name for name in _LAYERS if not there[name])


def require_support(mode: SandboxMode) -> None:
    """Refuse a sandbox that has to be complete where it can't be.

    Raises:
        SandboxError: the kernel lacks a layer, which is named.
    """
    if mode is SandboxMode.ON and (missing := missing_layers()):
        raise SandboxError(
            f"--sandbox on: this system lacks {' and '.join(missing)}; --sandbox auto goes on with what there is"
        )


def _is_linux() -> bool:
    return sys.platform == "linux"


class Sandbox:
    """What workers are held to; made before the first fork, so that a worker opens and loads nothing for it.

    Attributes:
        confinement: what was asked for.
        in_force: names of the layers, such as ``landlock:5``.
        missing: names of those that the kernel lacks.
    """

    def __init__(self, confinement: SandboxPolicy, libc: Libc) -> None:
        """Prepare a sandbox.

        Raises:
            SandboxError: all of it is asked for and the kernel lacks a layer.
            OSError: the kernel refuses a rule.
        """
        require_support(confinement.mode)
        self.confinement = confinement
        self.missing = missing_layers(libc)
        self._libc = libc
        self._cleanup = contextlib.ExitStack()
        self._descriptors: tuple[int, ...] = ()
        # In this order: the last ones deny what the first ones take.
        self._layers = list(self._prepared())
        self.in_force = tuple(name for name, _ in self._layers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def note_descriptors(self, kept: Collection[int]) -> None:
        """Right before a fork: take note of what is open, to be closed in the worker but for what it needs.

        Among it may be reports, locks and databases of the pool's user, and none of those is a worker's.
        """
        self._descriptors = tuple(each for each in _open_descriptors() if each not in kept)

    def enter(self) -> None:
        """In a worker: put all layers in force; there is no way back.

        Raises:
            SandboxError: the kernel refuses, though it has the layer.
        """
        for name, enforce in self._layers:
            try:
                enforce()
            except (OSError, ValueError) as error:
                raise SandboxError(f"the sandbox can't be entered: {name}: {error}; see --sandbox") from error
        self._close_descriptors()

    def _prepared(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield the layers that the system has, by name, each with what puts it in force."""
        yield "limits", partial(limits.apply, self.confinement.memory)
        if "no_new_privs" not in self.missing:
            yield "no_new_privs", partial(_give_up_privileges, self._libc)
        if "landlock" not in self.missing:
            abi = landlock_abi()
            ruleset = self._cleanup.enter_context(contextlib.closing(self._rules(abi)))
            yield f"landlock:{abi}", ruleset.enforce
        if "seccomp" not in self.missing:
            yield "seccomp", seccomp.Filter(self._libc).enforce

    def _rules(self, abi: int) -> landlock.Ruleset:
        ruleset = landlock.Ruleset(self._libc, abi)
        ruleset.allow(interpreter_paths(), landlock.TRAVERSE)
        ruleset.allow([NULL], landlock.Access.READ_FILE | landlock.Access.WRITE_FILE)
        ruleset.allow(self.confinement.read, landlock.READ)
        ruleset.allow([*self.confinement.write, *extra_writable()], landlock.WRITE)
        return ruleset

    def _close_descriptors(self) -> None:
        for descriptor in self._descriptors:
            # Some were closed with what they belonged to.
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _give_up_privileges(libc: Libc) -> None:
    libc.control(_PR_SET_NO_NEW_PRIVS, 1)
    libc.keep_capabilities(_CAPABILITIES)


def _open_descriptors() -> Iterator[int]:
    for name in os.listdir("/dev/fd"):
        with contextlib.suppress(OSError):  # One was the listing's own.
            os.fstat(int(name))
            if int(name) > 2:  # noqa: PLR2004  The standard streams are the worker's own by then.
                yield int(name)
