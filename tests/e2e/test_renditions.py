"""The manifest and the srcset HTML of the installed command."""

import json
import os
import re
import signal
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from PIL import Image

from tests.e2e.frozen import frozen_command
from tests.protocols import Draw, Run

pytestmark = pytest.mark.slow

HOSTILE = ["a b.jpg", 'it\'s "x".jpg', "sub/#?%&<>.png", "a\nb.jpg", "a,b 2x.webp", "-->.gif", "é.jpg", "\udcff.jpg"]

LISTS = ["--manifest", "site/manifest.json", "--srcset", "site/pictures.html"]
RENDITIONS = ["--width", "40,80", "--format", "webp,jpeg"]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    return tmp_path / "site"


def manifest(site: Path) -> dict[str, Any]:
    listing = json.loads((site / "manifest.json").read_text("ascii"))
    assert (listing["generator"], listing["schema"]) == ("forkresize", 1)
    return {source["name"]: source for source in listing["sources"]}


def urls(page: Path) -> list[str]:
    found = re.findall(r'(?:src|srcset)="([^"]*)"', page.read_text("utf-8"))
    return [candidate.split()[0] for attribute in found for candidate in attribute.split(",")]


def lists(site: Path) -> list[bytes]:
    return [(site / name).read_bytes() for name in ("manifest.json", "pictures.html")]


def test_every_output_is_listed_with_any_name(tmp_path: Path, site: Path, draw: Draw, forkresize: Run) -> None:
    for seed, name in enumerate(HOSTILE):
        draw(tmp_path / "in" / name, (160, 120), seed=seed)
    result = forkresize("in", "site/img", *RENDITIONS, *LISTS)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    listing = manifest(site)
    assert {os.fsencode(name) for name in listing} == set(map(os.fsencode, HOSTILE))
    listed = [each for source in listing.values() for each in source["renditions"]]
    assert len(listed) == 4 * len(HOSTILE)
    for each in listed:
        path = site / each["path"]
        assert path.stat().st_size == each["bytes"]
        with Image.open(path) as picture:
            assert (*picture.size, (picture.format or "").lower()) == (each["width"], each["height"], each["format"])
            assert picture.get_format_mimetype() == each["type"]
    shown = {unquote_to_bytes(url) for url in urls(site / "pictures.html")}
    assert shown == {os.fsencode(each["path"]) for each in listed}


def test_lists_do_not_depend_on_the_run_or_the_workers(tmp_path: Path, site: Path, draw: Draw, forkresize: Run) -> None:
    for seed in range(6):
        draw(tmp_path / f"in/{seed}.jpg", (160 - 20 * seed, 120), seed=seed)
    arguments = ["in", "site/img", *RENDITIONS, *LISTS, "--json"]
    forkresize(*arguments)
    first = lists(site)
    again = json.loads(forkresize(*arguments).stdout)
    assert (again["written"], again["failed"]) == (0, 0)
    assert lists(site) == first
    made_anew = json.loads(forkresize(*arguments, "--if-exists", "overwrite", "--workers", "1").stdout)
    assert made_anew["unchanged"] == 0
    assert lists(site) == first


def test_a_small_picture_is_listed_once_per_size(tmp_path: Path, site: Path, draw: Draw, forkresize: Run) -> None:
    draw(tmp_path / "in/a.jpg", (60, 30))
    for _ in range(2):
        forkresize("in", "site/img", "--width", "40,80,160", *LISTS)
        assert [each["width"] for each in manifest(site)["a.jpg"]["renditions"]] == [40, 60]
        assert 'srcset="img/a-40w.jpg 40w, img/a-80w.jpg 60w"' in (site / "pictures.html").read_text()


def test_a_failed_source_is_not_listed(tmp_path: Path, site: Path, draw: Draw, forkresize: Run) -> None:
    draw(tmp_path / "in/a.jpg")
    (tmp_path / "in/bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
    (tmp_path / "in/notes.txt").write_text("not a picture")
    assert forkresize("in", "site/img", *RENDITIONS, *LISTS).returncode == 1
    assert list(manifest(site)) == ["a.jpg"]
    assert "bad" not in (site / "pictures.html").read_text()


def test_sources_with_collision_suffixes_list_their_own_outputs(
    tmp_path: Path, site: Path, draw: Draw, forkresize: Run
) -> None:
    draw(tmp_path / "in/a.jpg", (60, 30))
    draw(tmp_path / "in/a.png", (30, 60))
    forkresize("in", "site/img", "--width", "20", "--format", "webp", "--on-collision", "suffix", *LISTS)
    [one], [other] = (manifest(site)[name]["renditions"] for name in ("a.jpg", "a.png"))
    assert one["path"] != other["path"]
    assert (one["height"], other["height"]) == (10, 40)


def test_kept_outputs_are_listed_and_unreadable_ones_reported(
    tmp_path: Path, site: Path, draw: Draw, forkresize: Run
) -> None:
    draw(tmp_path / "in/a.jpg")
    draw(tmp_path / "in/b.jpg")
    draw(site / "img/a.jpg", (7, 5))
    (site / "img/b.jpg").write_text("not a picture")
    arguments = ["in", "site/img", "--width", "40", "--if-exists", "skip", *LISTS]
    result = forkresize(*arguments)
    assert (result.returncode, result.stderr) == (
        0,
        "forkresize: existing outputs that cannot be listed: 1; the first: site/img/b.jpg: not a picture\n",
    )
    [(name, source)] = manifest(site).items()
    assert (name, source["renditions"][0]["width"]) == ("a.jpg", 7)
    assert forkresize(*arguments, "--quiet").stderr == ""


def test_lists_can_be_in_the_destination(tmp_path: Path, draw: Draw, forkresize: Run) -> None:
    draw(tmp_path / "in/a.jpg", (30, 20))
    arguments = ["in", "in/out", *RENDITIONS, "--manifest", "in/out/manifest.json", "--srcset", "in/out/p.html"]
    for _ in range(2):
        summary = json.loads(forkresize(*arguments, "--json").stdout)
        assert (summary["sources"], summary["skipped"], summary["exit_code"]) == (1, 2, 0)
        found = sorted(os.listdir(tmp_path / "in/out"))
        assert found == [".forkresize", "a-40w.jpg", "a-40w.webp", "manifest.json", "p.html"]


@pytest.mark.parametrize("quiet", [True, False])
def test_a_run_that_stops_early_keeps_the_previous_lists(
    tmp_path: Path, site: Path, draw: Draw, forkresize: Run, *, quiet: bool
) -> None:
    draw(tmp_path / "in/a.jpg")
    forkresize("in", "site/img", *RENDITIONS, *LISTS)
    before = lists(site)
    (tmp_path / "in/bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
    options = ["--max-errors", "1", *(["--quiet"] if quiet else [])]
    result = forkresize("in", "site/img", *RENDITIONS, *LISTS, *options)
    assert result.returncode == 4
    assert ("the manifest 'site/manifest.json' was not updated" in result.stderr) is not quiet
    assert lists(site) == before
    assert sorted(os.listdir(site)) == ["img", "manifest.json", "pictures.html"]


def test_lists_may_be_in_a_directory_that_the_run_creates(tmp_path: Path, draw: Draw, forkresize: Run) -> None:
    draw(tmp_path / "in/a.jpg", (64, 48))
    result = forkresize("in", "site/img/web", "--width", "40", *LISTS)
    assert (result.returncode, result.stderr) == (0, "")
    assert 'src="img/web/a.jpg"' in (tmp_path / "site/pictures.html").read_text()


def test_a_run_without_pictures_names_the_list_that_has_no_directory(tmp_path: Path, forkresize: Run) -> None:
    (tmp_path / "in").mkdir()
    result = forkresize("in", "site/img", "--width", "40", "--srcset", "site/pictures.html")
    assert result.returncode == 3
    assert "cannot write the srcset 'site/pictures.html'" in result.stderr
    assert not (tmp_path / "site").exists()


def test_an_interrupted_run_writes_no_list(tmp_path: Path, site: Path, draw: Draw, command: list[str]) -> None:
    first = draw(tmp_path / "in/00.png", (1000, 750))
    for number in range(1, 24):
        os.link(first, tmp_path / f"in/{number:02}.png")
    lists = ["--manifest", "pictures.json", "--srcset", "pictures.html"]
    arguments = [*command, "../in", "img", "--width", "600", "--workers", "2", *lists]
    with frozen_command(arguments, site / "img", 24) as (process, workers):
        process.send_signal(signal.SIGINT)
        workers.go_on()
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"the srcset 'pictures.html' was not updated" in stderr
    assert os.listdir(site) == ["img"]


def test_a_dry_run_does_not_change_the_lists(tmp_path: Path, site: Path, draw: Draw, forkresize: Run) -> None:
    draw(tmp_path / "in/a.jpg")
    assert forkresize("in", "site/img", *RENDITIONS, *LISTS, "--dry-run").returncode == 0
    assert os.listdir(site) == []


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["--manifest", "missing/m.json"], "cannot write the manifest 'missing/m.json': there is no directory"),
        (["--srcset", "missing/p.html"], "cannot write the srcset 'missing/p.html': there is no directory"),
        (["--manifest", "in/a.jpg"], "'in/a.jpg' exists and is not a manifest: remove it first"),
        (["--srcset", "page.html"], "'page.html' exists and is not a srcset: remove it first"),
        (["--manifest", "in"], "--manifest"),
        (["--manifest", "x", "--srcset", "./x"], "--srcset and --manifest name the same file: './x'"),
        (["--manifest", "r.jsonl", "--report", "r.jsonl"], "--manifest and --report name the same file: 'r.jsonl'"),
    ],
)
def test_an_unwritable_list_is_refused_before_any_work(
    arguments: list[str], advice: str, tmp_path: Path, draw: Draw, forkresize: Run
) -> None:
    draw(tmp_path / "in/a.jpg")
    (tmp_path / "page.html").write_text("<!DOCTYPE html>\n")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    result = forkresize("in", "out", "--width", "40", *arguments)
    assert result.returncode == 2
    assert advice in result.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert not (tmp_path / "out").exists()
