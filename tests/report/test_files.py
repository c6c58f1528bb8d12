"""Files that are replaced atomically, and the wording of their errors."""

import os
import re
from pathlib import Path

import pytest

from forkresize.errors import DestinationError, UsageError
from forkresize.report.files import ReplacedFile, discard_on_error, open_errors, write_errors


def _file(path: Path) -> ReplacedFile:
    return ReplacedFile(str(path), "list", re.compile(b"list"))


def _content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_commit_replaces_the_file_by_the_staged_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("list\nold\n")
    file = _file(tmp_path / "a.txt")
    file.stage(["list\n", "new\n"])
    assert (tmp_path / "a.txt").read_text() == "list\nold\n"
    file.commit()
    assert _content(tmp_path) == {"a.txt": "list\nnew\n"}


def test_discard_keeps_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("list\nold\n")
    file = _file(tmp_path / "a.txt")
    file.stage(["list\n"])
    file.discard()
    file.discard()
    assert _content(tmp_path) == {"a.txt": "list\nold\n"}


def test_staged_file_is_discarded_after_an_error(tmp_path: Path) -> None:
    file = _file(tmp_path / "a.txt")
    file.stage(["list\n"])
    with pytest.raises(ZeroDivisionError), discard_on_error([file]):
        raise ZeroDivisionError
    assert _content(tmp_path) == {}


def test_file_that_appeared_after_the_check_is_not_replaced(tmp_path: Path) -> None:
    file = _file(tmp_path / "a.txt")
    file.check()
    (tmp_path / "a.txt").write_text("precious")
    with pytest.raises(DestinationError, match="exists and is not a list: remove it first, or choose another name"):
        file.stage(["list\n"])
    assert _content(tmp_path) == {"a.txt": "precious"}


@pytest.mark.parametrize("error", [FileNotFoundError, IsADirectoryError, NotADirectoryError])
def test_path_that_cannot_be_a_file_is_a_usage_error(error: type[OSError]) -> None:
    with pytest.raises(UsageError, match="cannot write the log 'x': why"), open_errors("log", "x"):
        raise error(2, "why")
    with pytest.raises(DestinationError, match="cannot write the log 'x': why"), write_errors("log", "x"):
        raise error(2, "why")


def test_missing_directory_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = str(tmp_path / "missing" / "x")
    with (
        pytest.raises(UsageError, match=r"there is no directory '.*missing'; create it first"),
        open_errors("log", path),
    ):
        raise FileNotFoundError(2, "why")


def test_other_errors_are_about_the_destination() -> None:
    with pytest.raises(DestinationError, match="cannot write the log 'x': No space left"), open_errors("log", "x"):
        raise OSError(28, os.strerror(28))
