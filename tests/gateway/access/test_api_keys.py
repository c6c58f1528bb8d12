"""API keys: created once, stored as hashes, revoked by removing their lines."""

import errno
import logging
from pathlib import Path
from typing import NoReturn

import pytest

from forkresize.errors import FieldError
from forkresize.gateway.access.api_keys import ApiKeys, create_key
from forkresize.gateway.access.principal import Principal, Role


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_created_key_is_found_with_its_role_and_its_file_does_not_contain_it(tmp_path: Path) -> None:
    web, boss = create_key("web", "submitter"), create_key("boss", "admin")
    file = tmp_path / "keys"
    file.write_text(f"# keys\n\n{web.line}  # the web team\n{boss.line}\n")
    keys = ApiKeys(str(file))
    assert keys.find(web.key) == Principal("key:web", Role.SUBMITTER)
    assert keys.find(boss.key) == Principal("key:boss", Role.ADMIN)
    assert keys.find(web.key[:-1]) is None
    assert keys.find(web.line.rpartition(":")[2]) is None
    assert keys.find("forkresize_\udcff\x00") is None
    assert web.key.removeprefix("forkresize_") not in file.read_text()
    assert create_key("web", "submitter").key != web.key


def test_a_key_is_revoked_when_its_line_is_removed_and_others_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    web, app = create_key("web", "reader"), create_key("app", "reader")
    file = tmp_path / "keys"
    file.write_text(f"{web.line}\n{app.line}\n")
    clock = Clock()
    keys = ApiKeys(str(file), clock)
    file.write_text(f"{app.line}\n")
    clock.now = 0.5
    assert keys.find(web.key) is not None
    clock.now = 1.0
    assert keys.find(web.key) is None
    assert keys.find(app.key) is not None
    # A mistake elsewhere does not bring it back, and costs only its own line.
    file.write_text(f"{web.key}\n{app.line}\nx:king:{'0' * 64}\n")
    clock.now = 2.0
    assert keys.find(web.key) is None
    assert keys.find(app.key) is not None
    assert [record.getMessage().partition(": ")[0] for record in caplog.records if record.levelno == logging.ERROR] == [
        f"{file}:1",
        f"{file}:3",
    ]
    assert web.key not in caplog.text
    file.unlink()
    clock.now = 3.0
    assert keys.find(app.key) is None
    assert "none of its keys is valid" in caplog.text


def test_keys_are_valid_again_after_their_file_could_not_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = create_key("web", "reader")
    file = tmp_path / "keys"
    file.write_text(f"{web.line}\n")
    clock = Clock()
    keys = ApiKeys(str(file), clock)

    def fail(*_: object) -> NoReturn:
        raise OSError(errno.EMFILE, "too many open files")

    file.write_text(f"{web.line}\n\n")
    with monkeypatch.context() as patch:
        patch.setattr("forkresize.gateway.access.key_file.open", fail, raising=False)
        clock.now = 1.0
        assert keys.find(web.key) is None
    clock.now = 2.0
    assert keys.find(web.key) is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("web:submitter", "keys:1: malformed line"),
        (f"\nweb:king:{'0' * 64}", "keys:2: malformed line"),
        (f"a:reader:{'0' * 64}\na:admin:{'1' * 64}", "keys:2: the name 'a' is used twice"),
        (f"web:reader:{'0' * 63}g", "keys:1: malformed line"),
        ("#" * (1 << 20) + "#", "larger than 1 MiB"),
    ],
)
def test_a_malformed_file_is_refused_at_the_start(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "keys"
    file.write_text(text)
    with pytest.raises(FieldError, match=message) as found:
        ApiKeys(str(file))
    assert found.value.field == "api_keys"


def test_a_missing_file_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(FieldError, match="cannot be used: No such file"):
        ApiKeys(str(tmp_path / "none"))


@pytest.mark.parametrize("name", ["", "a:b", "a b", "a\nb", "x" * 65, "-a"])
def test_a_key_needs_a_name_that_fits_into_its_line(name: str) -> None:
    with pytest.raises(FieldError, match="invalid name"):
        create_key(name, "reader")
