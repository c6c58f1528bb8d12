"""Fixtures of the sandbox tests: sources, a destination, a directory outside, and code that runs in a worker."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from forkresize.pool import Pool, PoolOptions, SandboxPolicy, TaskResult, request_file
from forkresize.pool.sandbox import missing_layers
from forkresize.store.files import FALLBACK_OPENER

Inside = Callable[..., TaskResult[int, object]]


@dataclass(frozen=True)
class Trees:
    """Directories that a worker may read and write, and one that it may not access."""

    sources: Path
    destination: Path
    outside: Path

    @property
    def secret(self) -> Path:
        return self.outside / "secret"

    @property
    def source(self) -> Path:
        return self.sources / "a.jpg"

    @property
    def policy(self) -> SandboxPolicy:
        return SandboxPolicy(read=(str(self.sources),), write=(str(self.destination),))


@pytest.fixture
def trees(tmp_path: Path) -> Trees:
    made = Trees(tmp_path / "in", tmp_path / "out", tmp_path / "outside")
    for folder in (made.sources, made.destination, made.outside):
        folder.mkdir()
    made.source.write_bytes(b"a picture")
    made.secret.write_bytes(b"a secret")
    return made


@pytest.fixture
def inside(trees: Trees) -> Inside:
    """Call a function in a sandboxed worker: ``inside(action)``. Its result has to be a plain value."""

    def run(action: Callable[[], object], policy: SandboxPolicy | None = None) -> TaskResult[int, object]:
        options = PoolOptions(workers=1, retries=0, sandbox=policy or trees.policy)
        opener = partial(FALLBACK_OPENER.set, request_file)
        with Pool[int, object](lambda _: action(), options=options, initializer=opener) as pool:
            [result] = pool.imap_unordered([1])
        return result

    return run


@pytest.fixture
def needs_landlock() -> None:
    if "landlock" in missing_layers():
        pytest.skip("this kernel lacks Landlock")


@pytest.fixture
def needs_seccomp() -> None:
    if "seccomp" in missing_layers():
        pytest.skip("this kernel lacks seccomp, or the numbers of its system calls are not known")
