"""Outputs that can't be written, and what that means for the run."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from forkresize.batch.render_job import render_job
from forkresize.job import Job, Output, Source
from forkresize.outcome import Failed, Reason, Written
from forkresize.recipe import Recipe
from forkresize.store import LocalStore
from tests.protocols import Draw


@pytest.fixture
def source(draw: Draw, tmp_path: Path) -> Source:
    return Source(str(draw(tmp_path / "a.png", (120, 80))), "a.png")


@pytest.mark.parametrize(
    ("number", "fatal"),
    [
        (errno.ENOSPC, True),
        (errno.EDQUOT, True),
        (errno.EROFS, True),
        (errno.EACCES, True),
        (errno.EPERM, True),
        (errno.EIO, False),
        (errno.ENAMETOOLONG, False),
    ],
)
def test_errors_that_all_outputs_would_meet_are_fatal(
    number: int, fatal: bool, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(LocalStore, "put", fail)
    destination = str(tmp_path / "out" / "a.png")
    outcome = render_job(Job(source, (Output(destination),)), Recipe.of(width=30), LocalStore("", "tag"))[0]
    assert isinstance(outcome.detail, Failed)
    assert (outcome.reason, outcome.detail.fatal) == (Reason.NOT_WRITTEN, fatal)
    assert outcome.error == f"{destination}: {os.strerror(number)}"


def test_a_file_in_the_way_of_a_directory_is_reported(source: Source, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    outcome = render_job(
        Job(source, (Output(str(tmp_path / "file" / "a.png")),)), Recipe.of(width=30), LocalStore("", "tag")
    )[0]
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.NOT_WRITTEN
    assert not outcome.detail.fatal


@pytest.mark.parametrize("link", [None, os.symlink, os.link])
def test_a_source_is_never_overwritten_by_its_output(
    link: Callable[[str, str], None] | None, source: Source, tmp_path: Path
) -> None:
    destination = source.path
    if link is not None:
        destination = str(tmp_path / "b.png")
        link(source.path, destination)
    before = Path(source.path).read_bytes()
    outcome = render_job(Job(source, (Output(destination),)), Recipe.of(width=30), LocalStore("", "tag"))[0]
    assert isinstance(outcome.detail, Failed)
    assert (outcome.reason, outcome.error) == (Reason.NOT_WRITTEN, "the output would overwrite its source")
    assert Path(source.path).read_bytes() == before


@pytest.mark.parametrize("difference", [0, -1, 1, 1 << 20])
def test_a_source_is_read_to_its_end_even_if_its_size_is_not_what_was_found(
    difference: int, source: Source, tmp_path: Path
) -> None:
    found = Source(source.path, source.relative, Path(source.path).stat().st_size + difference)
    store = LocalStore(str(tmp_path), "tag")
    outcome = render_job(Job(found, (Output("b.png"),)), Recipe.of(width=30), store)[0]
    assert isinstance(outcome.detail, Written)
    with Image.open(tmp_path / "b.png") as image:
        assert image.size == (30, 20)


def test_an_output_that_is_there_is_replaced_and_nothing_else_is_left(source: Source, tmp_path: Path) -> None:
    destination = tmp_path / "out" / "deep" / "a.png"
    for width in (30, 20):
        outcome = render_job(Job(source, (Output(str(destination)),)), Recipe.of(width=width), LocalStore("", "tag"))[0]
        assert isinstance(outcome.detail, Written)
        assert outcome.detail.out_bytes == destination.stat().st_size
    assert [entry.name for entry in destination.parent.iterdir()] == ["a.png"]
    with Image.open(destination) as made:
        assert made.size == (20, 13)
