"""Keys of callers are changed while a gateway runs and answers: API keys and JSON Web Key Sets."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forkresize.gateway.access.api_keys import create_key
from tests.gateway.access.issuer import AUDIENCE, ISSUER, Issuer
from tests.gateway.conftest import Gateway, run_gateway

pytestmark = pytest.mark.slow

DEADLINE = 30.0

OLD, NEW = create_key("old", "reader"), create_key("new", "reader")


class Mount:
    """Files that change together, as Kubernetes mounts a Secret: each is a link through ``..data``, which is replaced.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._versions = 0

    def replace(self, **contents: bytes | str) -> None:
        """Put further contents into the files, by their names."""
        self._versions += 1
        version = self._folder / f"..{self._versions}"
        version.mkdir()
        for name, content in contents.items():
            (version / name).write_bytes(content if isinstance(content, bytes) else content.encode())
            if self._versions == 1:
                (self._folder / name).symlink_to(f"..data/{name}")
        (self._folder / "..new").symlink_to(version.name)
        os.replace(self._folder / "..new", self._folder / "..data")


class Rotation:
    """A gateway that runs, and the files with the keys of its callers."""

    def __init__(self, gateway: Gateway, mount: Mount) -> None:
        self.mount = mount
        self._gateway = gateway

    def accepts(self, key: str) -> bool:
        """Whether a request with this key or token is answered; otherwise it is refused for it."""
        answer = self._gateway.client.get("v1/roots", headers={"authorization": f"Bearer {key}"})
        assert answer.status_code in {200, 401}
        return answer.status_code == 200

    def wait_until(self, condition: Callable[[], bool], key: str) -> None:
        """Ask until something holds; until then, this key must always be accepted."""
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert self.accepts(key)
            assert time.monotonic() < deadline
        assert self.accepts(key)


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture(scope="module")
def rotation(photos: Path, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rotation]:
    folder = tmp_path_factory.mktemp("keys")
    mount = Mount(folder)
    mount.replace(keys=f"{OLD.line}\n", jwks=issuer.jwks("rsa"))
    options = [f"--api-keys={folder / 'keys'}", f"--jwks={folder / 'jwks'}"]
    options += [f"--jwt-issuer={ISSUER}", f"--jwt-audience={AUDIENCE}", "--unsigned", "--workers=1"]
    with run_gateway(f"--root=photos={photos}", *options) as gateway:
        yield Rotation(gateway, mount)


def test_keys_and_tokens_are_replaced_without_a_restart_and_without_a_request_refused(
    rotation: Rotation, issuer: Issuer
) -> None:
    former, present = issuer.sign("rsa"), issuer.sign("ec")
    assert rotation.accepts(former)
    assert rotation.accepts(OLD.key)
    assert not rotation.accepts(present)
    assert not rotation.accepts(NEW.key)

    rotation.mount.replace(keys=f"{OLD.line}\n{NEW.line}\n", jwks=issuer.jwks("rsa", "ec"))
    rotation.wait_until(lambda: rotation.accepts(NEW.key), OLD.key)
    rotation.wait_until(lambda: rotation.accepts(present), former)

    rotation.mount.replace(keys=f"{NEW.line}\n", jwks=issuer.jwks("ec"))
    rotation.wait_until(lambda: not rotation.accepts(OLD.key), NEW.key)
    rotation.wait_until(lambda: not rotation.accepts(former), present)
