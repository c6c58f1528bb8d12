"""All layers of the sandbox together: prepared before the fork, applied in each worker."""

import contextlib
import os
import sys
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Self

from forkresize.errors import SandboxError
from forkresize.pool.libc import Libc
from forkresize.pool.sandbox import landlock, limits, seccomp
from forkresize.pool.sandbox.paths import NULL, extra_writable, interpreter_paths
from forkresize.pool.sandbox.policy import SandboxMode, SandboxPolicy
from forkresize.pool.system import open_descriptors

_LAYERS = ("landlock", "seccomp", "no_new_privs")
_PR_SET_NO_NEW_PRIVS = 38

_CAPABILITIES = 0b0100
"""What root keeps: CAP_DAC_READ_SEARCH, to read files of other users."""


def missing_layers(libc: Libc | None = None) -> tuple[str, ...]:
    """Return the names of the layers that this kernel does not support."""
    supported = {
        "landlock": landlock.abi_version() > 0,
        "seccomp": seccomp.is_supported(libc or Libc()),
        "no_new_privs": sys.platform == "linux",
    }
    return tuple(name for name in _LAYERS if not supported[name])


def require_support(mode: SandboxMode) -> None:
    """Check that the kernel supports what a mode requires.

    Raises:
        SandboxError: names the layers that are missing.
    """
    if mode is SandboxMode.ON and (missing := missing_layers()):
        raise SandboxError(
            f"sandbox 'on' is not available: this system lacks {' and '.join(missing)}; 'auto' uses what it has"
        )


class Sandbox:
    """What the workers of a pool may do. Created before the first fork, so that a worker opens and loads nothing."""

    def __init__(self, policy: SandboxPolicy, libc: Libc) -> None:
        """Prepare the layers.

        Raises:
            SandboxError: the policy requires all layers, and the kernel lacks one.
            OSError: the kernel rejects a rule.
        """
        require_support(policy.mode)
        self.policy = policy
        self.missing = missing_layers(libc)  # Names of the layers that the kernel does not support.
        self._libc = libc
        self._cleanup = contextlib.ExitStack()
        self._inherited: tuple[int, ...] = ()
        # The order matters: the last layers deny what the first ones need.
        self._layers = list(self._prepare())
        self.active_layers = tuple(name for name, _ in self._layers)  # Such as ``landlock:5``.

    @property
    def allows_memfds(self) -> bool:
        """Whether a worker can have files in memory."""
        return self.policy.create_memfds or "seccomp" in self.missing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def snapshot_fds(self, kept: Collection[int]) -> None:
        """Right before a fork: record which descriptors the worker has to close: all except those it needs.

        Among them may be reports, locks and databases of the program that uses the pool.
        """
        self._inherited = tuple(each for each in open_descriptors() if each not in kept)

    def apply(self) -> None:
        """In a worker: apply all layers, irreversibly.

        Raises:
            SandboxError: the kernel refuses a layer although it supports it.
        """
        for name, enforce in self._layers:
            try:
                enforce()
            except (OSError, ValueError) as error:
                raise SandboxError(f"cannot apply the sandbox layer {name}: {error}") from error
        for descriptor in self._inherited:
            # Some were closed together with their owners.
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _prepare(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield the layers that the system supports, by name, each with the function that applies it."""
        yield "limits", partial(limits.apply, self.policy.memory)
        if "no_new_privs" not in self.missing:
            yield "no_new_privs", partial(_drop_privileges, self._libc)
        if "landlock" not in self.missing:
            abi = landlock.abi_version()
            ruleset = self._cleanup.enter_context(contextlib.closing(self._make_ruleset(abi)))
            yield f"landlock:{abi}", ruleset.enforce
        if "seccomp" not in self.missing:
            groups = seccomp.allowed_groups(memfds=self.policy.create_memfds, tools=bool(extra_writable()))
            yield "seccomp", seccomp.Filter(self._libc, groups).enforce

    def _make_ruleset(self, abi: int) -> landlock.Ruleset:
        ruleset = landlock.Ruleset(self._libc, abi)
        ruleset.allow(interpreter_paths(), landlock.TRAVERSE)
        ruleset.allow([NULL], landlock.Access.READ_FILE | landlock.Access.WRITE_FILE)
        ruleset.allow(self.policy.read, landlock.READ)
        ruleset.allow(self.policy.write, landlock.WRITE)
        ruleset.allow(extra_writable(), landlock.MANAGE)
        return ruleset


def _drop_privileges(libc: Libc) -> None:
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1)
    libc.keep_capabilities(_CAPABILITIES)
