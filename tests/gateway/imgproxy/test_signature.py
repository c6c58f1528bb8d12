import json
import shutil
import subprocess
from pathlib import Path

import pytest

from forkresize.errors import FieldError
from forkresize.gateway.imgproxy.signature import Signer, SigningKey, load_keys

VECTORS = json.loads(Path(__file__).with_name("signed_urls.json").read_text())
KEY = SigningKey(bytes.fromhex(VECTORS["key"]), bytes.fromhex(VECTORS["salt"]))
OTHER = SigningKey(b"k" * 32, b"s" * 32)


def split(url: str) -> tuple[str, str]:
    # The client "imgproxy" of npm drops the path of its base URL.
    signature, _, path = url.removeprefix("/i").removeprefix("/").partition("/")
    return signature, f"/{path}"


@pytest.mark.parametrize("vector", VECTORS["urls"], ids=lambda vector: f"{vector['origin']} {vector['path'][:12]}")
def test_urls_that_client_libraries_of_imgproxy_sign_are_accepted(vector: dict[str, str]) -> None:
    signature, path = split(vector["path"])
    signer = Signer([OTHER, KEY], size=len(signature) * 6 // 8)
    assert signer.verifies(signature, path.encode())
    assert Signer([KEY], size=len(signature) * 6 // 8).sign(path) == signature
    assert not signer.verifies(signature, path.encode() + b"x")
    assert not Signer([OTHER]).verifies(signature, path.encode())


@pytest.mark.parametrize("change", ["", "=", "A", " "])
def test_a_changed_signature_is_not_accepted(change: str) -> None:
    signer, path = Signer([KEY]), "/w:80/plain/photos/a.jpg"
    signature = signer.sign(path)
    assert signer.verifies(signature, path.encode())
    assert not signer.verifies(signature[: -len(change) or None] + change if change else "", path.encode())


def test_no_other_spelling_of_a_signature_is_accepted() -> None:
    # The last of 43 characters has two bits that do not count.
    signer, path = Signer([KEY]), "/w:80/plain/photos/a.jpg"
    signature = signer.sign(path)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert [last for last in alphabet if signer.verifies(signature[:-1] + last, path.encode())] == [signature[-1]]
    assert not signer.verifies("ä" * 43, path.encode())


@pytest.mark.parametrize("signature", ["unsafe", "insecure", "_", ""])
def test_words_for_no_signature_count_only_without_keys(signature: str) -> None:
    assert Signer([]).verifies(signature, b"/plain/photos/a.jpg")
    assert not Signer([KEY]).verifies(signature, b"/plain/photos/a.jpg")
    assert Signer([]).url("/plain/photos/a.jpg") == "/i/unsafe/plain/photos/a.jpg"


def test_the_first_key_signs() -> None:
    assert Signer([OTHER, KEY]).sign("/a") == Signer([OTHER]).sign("/a") != Signer([KEY]).sign("/a")


@pytest.mark.parametrize("size", [0, 7, 33])
def test_a_size_that_makes_signatures_guessable_is_refused(size: int) -> None:
    with pytest.raises(FieldError, match="use 8 to 32"):
        Signer([KEY], size)


def test_a_key_file_holds_a_key_and_a_salt_on_each_line(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# of November\n{'6B' * 32}:{'73' * 32}\r\n\n  {VECTORS['key']}:{VECTORS['salt']}  \n")
    assert load_keys(str(file)) == (OTHER, KEY)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no key; create a line with: echo"),
        ("# nothing\n", "holds no key"),
        ("5ec4e7\n", "line 1: use KEY:SALT, both in hexadecimal"),
        ("5ec4e7:5ec4e7:5ec4e7\n", "line 1: use KEY:SALT"),
        (f"\n{'5ec4e7' * 8}:5ec4e7z0\n", "line 2: the salt is not in hexadecimal"),
        (f"{'5ec4e7' * 8}5:5ec4e7\n", "line 1: the key is not in hexadecimal"),
        ("5ec4e7:5ec4e7\n", "line 1: the key has 3 bytes, at least 16 are needed"),
        ("5ec4e7" * 20_000, "has more than 65536 bytes"),
    ],
)
def test_a_malformed_key_file_is_refused_without_showing_what_is_in_it(
    tmp_path: Path, content: str, message: str
) -> None:
    file = tmp_path / "keys"
    file.write_text(content)
    with pytest.raises(FieldError, match=message) as caught:
        load_keys(str(file))
    assert caught.value.field == "key_file"
    assert "5ec4e7" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FieldError, match="missing' cannot be read: No such file"):
        load_keys(str(tmp_path / "missing"))


def test_keys_are_not_shown() -> None:
    assert repr(OTHER) == "SigningKey(…)"
    assert "kkk" not in f"{OTHER} {[OTHER]}"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_line_that_the_message_proposes_is_a_key(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.touch()
    with pytest.raises(FieldError) as caught:
        load_keys(str(file))
    command = caught.value.message.partition("create a line with: ")[2]
    file.write_bytes(subprocess.check_output(command, shell=True))  # noqa: S602  As a user does it.
    assert len(load_keys(str(file))) == 1
