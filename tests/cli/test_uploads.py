"""Reports and other files that belong at URLs."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from msgspec.structs import replace

from forkresize.cli.arguments import Arguments
from forkresize.cli.uploads import upload_files
from forkresize.errors import DestinationError
from tests.protocols import ParseArguments
from tests.store.memory import MemoryStore


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    store = MemoryStore("web")
    monkeypatch.setattr("forkresize.store.objects.open_store", lambda _: store)
    return store


@pytest.fixture
def parse_urls(arguments: ParseArguments) -> Callable[..., Arguments]:
    base = arguments("in", "out", "--width", "16")
    return lambda **fields: replace(base, **fields)


def read(store: MemoryStore, key: str) -> bytes:
    with store.open(key) as file:
        return file.read()


def test_local_files_are_left_alone(parse_urls: Callable[..., Arguments]) -> None:
    given = parse_urls(report=("a.jsonl",), log_file="log")
    with upload_files(given) as arguments:
        assert arguments is given


def test_files_are_written_locally_and_uploaded_in_the_end(
    parse_urls: Callable[..., Arguments], store: MemoryStore
) -> None:
    with upload_files(parse_urls(report=("s3://web/r/a.jsonl", "b.csv"), manifest="s3://web/m.json")) as arguments:
        first, second = arguments.report
        assert (Path(first).name, second) == ("a.jsonl", "b.csv")
        assert arguments.places[first] == "s3://web/r/a.jsonl"
        Path(first).write_text("{}\n")
        assert [each.key for each in store.scan()] == []
    assert read(store, "a.jsonl") == b"{}\n"
    assert [each.key for each in store.scan()] == ["a.jsonl"]
    assert not Path(first).exists()


def test_files_of_several_runs_are_continued(parse_urls: Callable[..., Arguments], store: MemoryStore) -> None:
    for number in range(2):
        with upload_files(parse_urls(log_file="s3://web/log", metrics_file="s3://web/m.prom")) as arguments:
            assert arguments.log_file is not None
            with open(arguments.log_file, "a") as file:
                file.write(f"{number}\n")
    assert read(store, "log") == b"0\n1\n"


def test_date_in_a_url_is_filled_in(parse_urls: Callable[..., Arguments], store: MemoryStore) -> None:
    with upload_files(parse_urls(report=("s3://web/{date}/{time}.csv",))) as arguments:
        Path(arguments.report[0]).write_text("x")
        assert "{" not in arguments.places[arguments.report[0]]


def test_one_url_for_two_options_is_refused(parse_urls: Callable[..., Arguments], store: MemoryStore) -> None:
    given = parse_urls(report=("s3://web/a.json",), manifest="s3://web/a.json")
    with pytest.raises(click.UsageError, match="--manifest and --report name the same file"), upload_files(given):
        pass


@pytest.mark.parametrize("operation", ["put", "open"])
def test_store_that_fails_is_an_error_with_the_url(
    parse_urls: Callable[..., Arguments], store: MemoryStore, operation: str
) -> None:
    store.put("log", b"x")
    store.faults = {operation: 13}
    with (
        pytest.raises(DestinationError, match="s3://web/log: Permission denied"),
        upload_files(parse_urls(log_file="s3://web/log")) as arguments,
    ):
        assert Path(str(arguments.log_file)).exists()


def test_uploads_happen_after_errors_too(parse_urls: Callable[..., Arguments], store: MemoryStore) -> None:
    def fail(arguments: Any) -> None:
        Path(arguments.report[0]).write_text("x")
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError), upload_files(parse_urls(report=("s3://web/a.csv",))) as arguments:
        fail(arguments)
    assert read(store, "a.csv") == b"x"


@pytest.mark.parametrize("failing", ["a.csv", "log"])
def test_files_are_uploaded_although_another_cannot_be(
    parse_urls: Callable[..., Arguments], store: MemoryStore, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    put = store.put

    def put_others(key: str, *values: Any) -> Any:
        if key == failing:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return put(key, *values)

    monkeypatch.setattr(store, "put", put_others)
    given = parse_urls(report=("s3://web/a.csv",), log_file="s3://web/log")

    def write(arguments: Arguments) -> None:
        for path in (arguments.report[0], str(arguments.log_file)):
            Path(path).write_text("x")

    with pytest.raises(DestinationError, match=f"s3://web/{failing}"), upload_files(given) as arguments:
        write(arguments)
    assert [each.key for each in store.scan()] == ["log" if failing == "a.csv" else "a.csv"]
