import hashlib
import hmac
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.cluster.signing import KEY_VARIABLE, load_key, sign, verify
from forkresize.errors import FieldError

KEY = b"k" * 32


def test_a_signature_is_the_hmac_of_purpose_and_data() -> None:
    # printf 'manifest\0data' | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
    assert sign(KEY, "manifest", b"data") == "5b848e9927e3e7d8386f331dc497498d75f152368af89ceb20e4bb01666d6476"


KEYS = st.binary().filter(lambda key: b"\n" not in key)


@given(KEYS, st.binary(), st.binary(min_size=1), st.text())
def test_only_the_same_key_purpose_and_data_have_the_same_signature(
    key: bytes, data: bytes, more: bytes, text: str
) -> None:
    signature = sign(key, "message", data)
    assert verify(key, "message", data, signature)
    assert not verify(key, "manifest", data, signature)
    assert not verify(key, "message", data + more, signature)
    assert not verify(key + b"1", "message", data, signature)
    assert verify(key, "message", data, text) == (text == signature)
    assert not verify(key, "message", data, None)


def test_a_key_comes_from_a_file_or_from_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"  " + b"a" * 40 + b"\n")
    assert load_key(str(path), {KEY_VARIABLE: "b" * 32}) == b"a" * 40
    assert load_key(None, {KEY_VARIABLE: "b" * 32}) == b"b" * 32
    assert load_key(None, {KEY_VARIABLE: " "}) is None
    assert load_key(None, {}) is None


def test_the_first_of_several_keys_signs_and_all_of_them_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"n" * 40 + b" \n" + b"f" * 40 + b"\n")
    both = load_key(str(path), {})
    assert both is not None
    new, former, other = b"n" * 40, b"f" * 40, b"o" * 40
    assert verify(new, "message", b"data", sign(both, "message", b"data"))
    assert [verify(both, "message", b"data", sign(key, "message", b"data")) for key in (new, former, other)] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("content", [b"", b"short", b" " * 64, b"\xff\n" * 15])
def test_a_key_that_is_too_short_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(FieldError, match="at least 32 are needed; create one with: openssl rand -hex 32"):
        load_key(str(path), {})


def test_a_key_file_that_cannot_be_read_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(FieldError, match="missing' cannot be read: No such file"):
        load_key(str(tmp_path / "missing"), {})


def test_a_key_that_is_too_short_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"\n" + b"k" * 40 + b"\n\nshort\n")
    with pytest.raises(FieldError, match="the key on line 4 has 5 bytes"):
        load_key(str(path), {})


def test_empty_lines_between_keys_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"n" * 40 + b"\r\n\r\n \n" + b"f" * 40 + b"\n\n")
    assert load_key(str(path), {}) == b"n" * 40 + b"\n" + b"f" * 40


def test_a_key_of_random_bytes_may_contain_line_feeds(tmp_path: Path) -> None:
    path = tmp_path / "key"
    content = b"\xff" + b"\n" * 2 + b"a" * 40 + b"\n \xfe"
    path.write_bytes(content)
    key = load_key(str(path), {})
    assert key == content
    assert verify(key, "message", b"data", hmac.new(content, b"message\0data", hashlib.sha256).hexdigest())
    signature = sign(key, "message", b"data")
    assert verify(key, "message", b"data", signature)
    assert not verify(key, "message", b"data", sign(b"a" * 40, "message", b"data"))
