"""The names of sources in the file of --files-from."""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from forkresize.cli.files_from import names_reader
from forkresize.errors import FieldError


def test_names_of_a_file_are_read_from_the_start_each_time(tmp_path: Path) -> None:
    (tmp_path / "names").write_text("a.jpg\nb.jpg\n")
    with ExitStack() as stack:
        read = names_reader(str(tmp_path / "names"), stack, nul=False)
        assert list(read()) == list(read()) == ["a.jpg", "b.jpg"]


def test_names_can_end_in_nul(tmp_path: Path) -> None:
    (tmp_path / "names").write_bytes(b"a\nb.jpg\0c.jpg\0")
    with ExitStack() as stack:
        assert list(names_reader(str(tmp_path / "names"), stack, nul=True)()) == ["a\nb.jpg", "c.jpg"]


def test_names_of_a_pipe_can_be_read_twice() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"a.jpg\n")
    os.close(writing)
    with ExitStack() as stack:
        read = names_reader(f"/dev/fd/{reading}", stack, nul=False)
        assert list(read()) == list(read()) == ["a.jpg"]
    os.close(reading)


def test_empty_device_holds_no_names() -> None:
    with ExitStack() as stack:
        assert list(names_reader("/dev/null", stack, nul=False)()) == []


def test_device_without_an_end_is_refused() -> None:
    with ExitStack() as stack, pytest.raises(FieldError, match="'/dev/zero' is a device that may have no end"):
        names_reader("/dev/zero", stack, nul=False)
