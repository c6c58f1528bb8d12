"""One picture from file to file: its outcome, and the errors that never escape."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from forkresize.batch import render_job as module
from forkresize.batch.render_job import preload, render_job
from forkresize.image import transform as room
from forkresize.image.picture import Picture
from forkresize.job import Job, Output, Source
from forkresize.outcome import Failed, Outcome, Reason, Written
from forkresize.recipe import Recipe
from forkresize.store import LocalStore

Scene = Callable[..., Image.Image]
Render = Callable[..., Outcome]


def test_a_written_output_is_described(scene: Scene, result: Render, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    outcome = result(scene(), "a.jpg", {"exif": exif}, width=40, format="webp", quality=70)
    assert isinstance(outcome.detail, Written)
    assert outcome.source == Source(str(tmp_path / "a.jpg"), "a.jpg", (tmp_path / "a.jpg").stat().st_size)
    assert outcome.destination == str(tmp_path / "out" / "a.jpg")
    assert (outcome.detail.in_size, outcome.detail.out_size) == ((80, 120), (40, 60))
    assert (outcome.detail.in_format, outcome.detail.out_format, outcome.detail.quality) == ("jpeg", "webp", 70)
    assert outcome.detail.out_bytes == (tmp_path / "out" / "a.jpg").stat().st_size
    stages = outcome.detail.decode_seconds, outcome.detail.resize_seconds, outcome.detail.encode_seconds
    assert min(stages) > 0
    assert sum(stages) <= outcome.execution.seconds < 10
    assert 1_000_000 < outcome.detail.peak_rss < 2**40


def test_a_failure_has_a_destination_and_a_time(result: Render, tmp_path: Path) -> None:
    outcome = result(b"\xff\xd8\xff", "a.jpg")
    assert isinstance(outcome.detail, Failed)
    assert outcome.destination == str(tmp_path / "out" / "a.jpg")
    assert outcome.execution.seconds > 0


def test_peak_memory_is_in_bytes_on_every_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    on_linux = module._peak_rss()  # noqa: SLF001
    monkeypatch.setattr(sys, "platform", "darwin")
    assert module._peak_rss() == pytest.approx(on_linux / 1024, rel=0.5)  # noqa: SLF001


@pytest.mark.parametrize(
    ("raised", "reason"), [(ZeroDivisionError("odd"), Reason.INTERNAL), (MemoryError(), Reason.MEMORY_LIMIT)]
)
def test_an_error_in_a_step_fails_one_picture(
    raised: Exception, reason: Reason, scene: Scene, result: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Picture:
        raise raised

    monkeypatch.setattr(room, "apply_before", fail)
    outcome = result(scene())
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is reason
    assert outcome.error in {"ZeroDivisionError: odd", "not enough memory"}


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
def test_interruptions_propagate(
    raised: type[BaseException], scene: Scene, result: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> Picture:
        raise raised

    monkeypatch.setattr(room, "apply_before", interrupt)
    with pytest.raises(raised):
        result(scene())


def test_each_warning_is_reported_once(scene: Scene, result: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    def warn(picture: Picture, *_: object) -> Picture:
        for text in ("one", "two", "one"):
            picture.diagnostics.warn(text)
        return picture

    monkeypatch.setattr(room, "apply_before", warn)
    assert result(scene()).warnings == ("one", "two")


def test_names_that_are_not_valid_utf_8_work(scene: Scene, tmp_path: Path) -> None:
    path = str(tmp_path / "a\udcff [red]\n.png")
    scene().save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(path)
    destination = str(tmp_path / "out" / "b\udcff.png")
    assert isinstance(
        render_job(Job(Source(path, "a"), (Output(destination),)), Recipe.of(width=30), LocalStore("", "tag"))[
            0
        ].detail,
        Written,
    )
    assert os.path.getsize(destination)


@pytest.mark.slow
def test_no_module_is_loaded_after_preloading(scene: Scene, tmp_path: Path) -> None:
    for suffix in ("jpg", "png", "webp", "tif", "gif"):
        scene().save(tmp_path / f"a.{suffix}")
    script = f"""
import glob, sys
from forkresize.batch.render_job import preload, render_job
from forkresize.job import Job, Output, Source
from forkresize.recipe import Recipe
from forkresize.store import LocalStore
preload(Recipe.of())
before = set(sys.modules)
for path in glob.glob({str(tmp_path)!r} + "/a.*"):
    for output in (None, "jpeg", "png", "webp", "avif", "gif", "tiff"):
        job = Job(Source(path, "a"), (Output(path + ".out"),))
        assert render_job(job, Recipe.of(width=30, format=output), LocalStore("", "t"))[0].status == "written"
# The reader of PNGs is optional, and loaded for the first PNG.
print([name for name in sorted(set(sys.modules) - before) if not name.startswith("micro_reader_codecs")])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("options", [{"lossless": True}, {"effort": 10, "width": 30}, {"if_larger": "keep-original"}])
def test_what_packs_files_is_loaded_by_preloading_and_starts_no_thread(
    options: dict[str, object], scene: Scene, tmp_path: Path
) -> None:
    for suffix in ("jpg", "png"):
        scene().save(tmp_path / f"a.{suffix}")
    script = f"""
import glob, os, sys
from forkresize.batch.render_job import preload, render_job
from forkresize.job import Job, Output, Source
from forkresize.recipe import Recipe
from forkresize.store import LocalStore
recipe = Recipe.of(**{options})
preload(recipe)
before, threads = set(sys.modules), len(os.listdir("/proc/self/task")) if sys.platform == "linux" else 1
for path in glob.glob({str(tmp_path)!r} + "/a.*"):
    job = Job(Source(path, "a"), (Output(path + ".out"),))
    assert render_job(job, recipe, LocalStore("", "t"))[0].status == "written"
# The reader of PNGs is optional, and loaded for the first PNG.
print(threads, [name for name in sorted(set(sys.modules) - before) if not name.startswith("micro_reader_codecs")])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "1 []\n"


def test_preloading_twice_is_harmless() -> None:
    preload(Recipe.of())
    preload(Recipe.of())
