"""Tests of making many thumbnails, of which some cost their worker."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from forkresize.batch import thumbnails as module
from forkresize.batch.thumbnails import make_thumbnails
from forkresize.image.thumbnail import thumbnail

Draw = Callable[..., Path]


def _deadly(path: str, side: int, folder: str, **_: object) -> bytes | None:
    if "deadly" in path:
        os.kill(os.getpid(), signal.SIGKILL)
    return thumbnail(path, side, folder)


def test_those_that_can_be_made_are_made(tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "thumbnail", _deadly)
    good = [str(draw(tmp_path / f"{number}.jpg", seed=number)) for number in range(3)]
    deadly = str(draw(tmp_path / "deadly.jpg"))
    made = make_thumbnails([good[0], deadly, str(tmp_path / "missing.jpg"), *good[1:]], workers=1)
    assert set(made) == set(good)
    assert all(picture.startswith(b"RIFF") for picture in made.values())


def test_no_further_one_is_begun_when_patience_ends(
    tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TIME_BUDGET", -1.0)
    made = make_thumbnails([str(draw(tmp_path / f"{number}.jpg", seed=number)) for number in range(30)], workers=1)
    assert 1 <= len(made) <= 3
