"""What the tests of the sandbox share: two trees, a place outside of them, and code that is run inside a worker."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from forkresize.pool import Pool, PoolOptions, SandboxPolicy, TaskResult
from forkresize.pool.sandbox import missing_layers

Inside = Callable[..., TaskResult[int, object]]


@dataclass(frozen=True)
class Trees:
    """A picture's way: from ``sources`` to ``destination``; and what is no business of a worker's."""

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
    def confinement(self) -> SandboxPolicy:
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
    """Run something in a confined worker: ``inside(action)``; its result has to be a plain value."""

    def run(action: Callable[[], object], confinement: SandboxPolicy | None = None) -> TaskResult[int, object]:
        options = PoolOptions(workers=1, retries=0, sandbox=confinement or trees.confinement)
        with Pool[int, object](lambda _: action(), options=options) as pool:
            [answer] = pool.imap_unordered([1])
        return answer

    return run


@pytest.fixture
def needs_landlock() -> None:
    if "landlock" in missing_layers():
        pytest.skip("this kernel lacks Landlock")


@pytest.fixture
def needs_seccomp() -> None:
    if "seccomp" in missing_layers():
        pytest.skip("this kernel lacks seccomp, or the numbers of its system calls are not known")
