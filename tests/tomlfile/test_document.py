from pathlib import Path

import pytest

from forkresize.tomlfile import TomlFileError, TomlValueError, parse, read


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = 1\nb = webp\n", r":2: invalid TOML: Invalid value: put texts in quotes, and close arrays by \]"),
        (b"a = 1\nb 2\n", r":2: invalid TOML: Expected '=' after a key"),
        (b"a = 1\nb = '\xff'\n", r":2: not encoded in UTF-8"),
        (b"a = 1\nb = " + b"9" * 5000, r": a number has thousands of digits"),
        (b"a = " + b"[" * 5000, r": arrays or tables are nested hundreds deep"),
        (b"a = 1\nb = [1,\n  0x1_0000_0000_0000_0000]\n", r":3: b\[1\]: exceeds the 64-bit range of TOML"),
    ],
)
def test_malformed_toml_is_refused_with_its_line(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "file.toml").write_bytes(content)
    with pytest.raises(TomlFileError, match=rf"file\.toml{message}"):
        read(str(tmp_path / "file.toml"))


def test_a_missing_file_is_refused_with_its_name() -> None:
    with pytest.raises(TomlFileError, match=r"^missing\.toml: No such file or directory$"):
        read("missing.toml")


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "file.toml").write_bytes(b"\xef\xbb\xbfa = 1\n")
    assert read(str(tmp_path / "file.toml")).data == {"a": 1}


def test_an_error_names_file_line_and_key_and_has_the_requested_class() -> None:
    class SomeFileError(TomlFileError):
        pass

    document = parse("a = 1\n[b.'c d']\n\ne = [\n 1,\n 2]\n", "some.toml", SomeFileError)
    error = document.error_at(TomlValueError(("b", "c d", "e", 1), "is wrong"))
    assert type(error) is SomeFileError
    assert str(error) == 'some.toml:6: b."c d".e[1]: is wrong'
    assert (error.name, error.line, error.key, error.message) == ("some.toml", 6, 'b."c d".e[1]', "is wrong")
