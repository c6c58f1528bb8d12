"""The installed command with sources and outputs in buckets of a real S3 server."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.buckets.bucket import SECRET, SIZES, Bucket, RunCommand, counts, picture
from tests.servers.program import uses

pytestmark = [*uses("ministack"), pytest.mark.slow, pytest.mark.timeout(180)]


def test_a_bucket_is_made_and_then_unchanged(photos: Bucket, web: Bucket, run: RunCommand) -> None:
    source, destination = photos.url("in"), web.url("out")
    assert counts(run(source, destination, *SIZES)) == (28, 0, 1, 0, 0)
    assert len(web.keys("out/trip/")) == 24
    at_top = {"trip", "a-16w.jpg", "a-16w.webp", "a-32w.jpg", "a-32w.webp"}
    assert {key.split("/")[1] for key in web.keys("")} == at_top
    with Image.open(io.BytesIO(web.get("out/trip/3-32w.webp"))) as image:
        assert (image.size, image.format) == ((32, 24), "WEBP")
    assert counts(run(source, destination, *SIZES)) == (0, 28, 1, 0, 0)


def test_what_changed_or_is_missing_is_made_again_and_nothing_else(
    photos: Bucket, web: Bucket, run: RunCommand
) -> None:
    source, destination = photos.url("in"), web.url("out")
    run(source, destination, *SIZES)
    photos.put("in/trip/1.jpg", picture(77))
    photos.put("in/new.jpg", picture(78))
    web.delete("out/trip/2-16w.webp")
    web.put("out/trip/3-16w.jpg", b"of another program")
    assert counts(run(source, destination, *SIZES, "--dry-run")) == (0, 22, 1, 0, 0)
    assert counts(run(source, destination, *SIZES)) == (10, 22, 1, 0, 0)
    assert counts(run(source, destination, *SIZES)) == (0, 32, 1, 0, 0)


def test_a_run_without_its_ledger_goes_by_time(photos: Bucket, web: Bucket, run: RunCommand, tmp_path: Path) -> None:
    source, destination = photos.url("in"), web.url("out")
    run(source, destination, *SIZES)
    (database,) = (tmp_path / "state").rglob("*.db")
    database.unlink()
    assert counts(run(source, destination, *SIZES)) == (0, 28, 1, 0, 0)
    assert counts(run(source, destination, *SIZES, "--no-ledger")) == (0, 28, 1, 0, 0)


def test_from_and_to_local_directories(photos: Bucket, web: Bucket, run: RunCommand, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(3):
        (tmp_path / "in" / f"{number}.jpg").write_bytes(picture(number))
    for _, expected in ((0, (3, 0, 0, 0, 0)), (1, (0, 3, 0, 0, 0))):
        assert counts(run("in", web.url("up"), "--width", "16")) == expected
    assert web.keys("up/") == ["up/0.jpg", "up/1.jpg", "up/2.jpg"]
    for _, expected in ((0, (7, 0, 1, 0, 0)), (1, (0, 7, 1, 0, 0))):
        assert counts(run(photos.url("in/"), "down", "--width", "16")) == expected
    assert (tmp_path / "down/trip/5.jpg").exists()
    assert (tmp_path / "down/.forkresize/ledger.db").exists()
    assert counts(run("in", photos.url("in"), (tmp_path / "all").as_uri(), "--width", "16")) == (10, 0, 1, 0, 0)
    assert sorted(path.name for path in (tmp_path / "all/in").iterdir()) == ["0.jpg", "1.jpg", "2.jpg", "a.png", "trip"]


def test_selection_names_and_shards(photos: Bucket, web: Bucket, run: RunCommand) -> None:
    photos.put("in/.hidden.jpg", picture(1))
    photos.put("in/trip/raw/1.jpg", picture(1))
    source = photos.url("in")
    selected = ("--width", "16", "--exclude", "raw/", "--exclude", "*.png")
    assert run(source, web.url("a"), *selected)["written"] == 6
    assert run(source, web.url("b"), "--width", "16", "--no-recursive")["written"] == 1
    assert run(source, web.url("c"), "--width", "16", "--hidden")["written"] == 9
    run(source, web.url("d"), "--width", "16", "--name", "{dir}/{stem}_{width}{ext}")
    assert "d/trip/3_16.jpg" in web.keys("d/")
    made = [run(source, web.url("e"), "--width", "16", "--shard", f"{k}/2")["written"] for k in (1, 2)]
    assert sum(made) == 8
    assert len(web.keys("e/")) == 8


def test_collisions_are_found_before_any_work(photos: Bucket, web: Bucket, run: RunCommand) -> None:
    photos.put("in/a.jpg", picture(5))
    message = run(photos.url("in"), web.url("out"), "--format", "webp", code=2)["stderr"]
    assert web.url("out/a.webp") in message
    assert photos.url("in/a.png") in message
    assert web.keys("out/") == []
    run(photos.url("in"), web.url("out"), "--format", "webp", "--on-collision", "suffix")
    assert {"out/a-png.webp", "out/a-jpg.webp"} <= set(web.keys("out/"))


def test_single_object_and_a_name_for_its_output(photos: Bucket, web: Bucket, run: RunCommand, tmp_path: Path) -> None:
    assert run(photos.url("in/a.png"), web.url("out"), "--width", "16")["written"] == 1
    assert web.keys("out/") == ["out/a.png"]
    assert run(photos.url("in/a.png"), "small.webp", "--width", "16")["written"] == 1
    assert (tmp_path / "small.webp").read_bytes()[:4] == b"RIFF"
    assert run(photos.url("in/a.png"), web.url("small.webp"), "--width", "16")["written"] == 1
    assert web.get("small.webp")[:4] == b"RIFF"
    photos.put("in/notes.txt", b"not a picture")
    assert "not a picture" in run(photos.url("in/notes.txt"), web.url("out"), "--width", "16", code=1)["stderr"]


def test_prune_removes_what_lost_its_source_within_the_limit(photos: Bucket, web: Bucket, run: RunCommand) -> None:
    source, destination = photos.url("in"), web.url("out")
    run(source, destination, "--width", "16")
    photos.delete("in/trip/0.jpg", "in/trip/1.jpg")
    web.put("out/trip/1.jpg", b"modified")
    web.put("out/foreign.jpg", b"of another program")
    assert counts(run(source, destination, "--width", "16", "--prune", "--max-prune", "0", code=3))[-1] == 0
    assert counts(run(source, destination, "--width", "16", "--prune", "--dry-run"))[-1] == 1
    assert counts(run(source, destination, "--width", "16", "--prune"))[-1] == 1
    assert {"out/trip/1.jpg", "out/foreign.jpg"} <= set(web.keys("out/"))
    assert "out/trip/0.jpg" not in web.keys("out/")
    # Excluded sources are not gone.
    assert counts(run(source, destination, "--width", "16", "--prune", "--exclude", "trip/"))[-1] == 0


def test_garbage_fails_by_name_once(photos: Bucket, web: Bucket, run: RunCommand) -> None:
    photos.put("in/bad.jpg", b"\xff\xd8\xff garbage")
    photos.put("in/empty.jpg", b"")
    photos.put("in/folder/", b"")
    source, destination = photos.url("in"), web.url("out")
    first = run(source, destination, "--width", "16", code=1)
    assert sorted(each["source"] for each in first["failures"]) == [
        photos.url("in/bad.jpg"),
        photos.url("in/empty.jpg"),
    ]
    second = run(source, destination, "--width", "16", code=1)
    assert (second["written"], second["failed"], {each["attempts"] for each in second["failures"]}) == (0, 2, {0})
    assert run(source, destination, "--width", "16", "--retry-failed", code=1)["failed"] == 2
    assert run(source, web.url("other"), "--width", "16", "--max-errors", "1", code=4)["failed"] >= 1


def test_what_exists_is_kept_or_an_error_if_asked(photos: Bucket, web: Bucket, run: RunCommand) -> None:
    source, destination = photos.url("in"), web.url("out")
    web.put("out/a.png", b"of another program")
    assert counts(run(source, destination, "--width", "16", "--if-exists", "skip")) == (6, 0, 2, 0, 0)
    assert web.get("out/a.png") == b"of another program"
    assert run(source, destination, "--width", "16", "--if-exists", "error", code=1)["failed"] == 7
    assert run(source, destination, "--width", "16", "--force")["written"] == 7
    assert web.get("out/a.png") != b"of another program"


def test_headers_of_outputs(photos: Bucket, web: Bucket, run: RunCommand) -> None:
    headers = ("--cache-control", "public, max-age=60", "--metadata-header", "owner=me")
    run(photos.url("in"), web.url("out"), "--format", "webp", "--name", "{dir}/{stem}", *headers)
    head = web.head("out/trip/0")
    assert (head["ContentType"], head["CacheControl"]) == ("image/webp", "public, max-age=60")
    assert head["Metadata"] == {"owner": "me"}
    message = run(photos.url("in"), "out", "--width", "16", "--cache-control", "no-store", code=2)["stderr"]
    assert "--cache-control" in message


def test_reports_and_metrics_at_urls(photos: Bucket, web: Bucket, run: RunCommand) -> None:
    source, destination = photos.url("in"), web.url("out")
    urls = {
        "--report": "r/run.jsonl",
        "--metrics-file": "m/web.prom",
        "--manifest": "out/all.json",
        "--log-file": "log",
    }
    options = [text for option, key in urls.items() for text in (option, web.url(key))]
    for _ in range(2):
        run(source, destination, *SIZES, "--report", web.url("r/page.html"), *options)
    records = [json.loads(line) for line in web.get("r/run.jsonl").splitlines()]
    assert {each["destination"] for each in records if each["destination"]} >= {web.url("out/trip/0-16w.webp")}
    assert b'forkresize_outputs_total{batch="web",reason="",status="written"} 28.0' in web.get("m/web.prom")
    assert b'status="unchanged"} 28.0' in web.get("m/web.prom")
    manifest = json.loads(web.get("out/all.json"))
    renditions = {each["path"]: each["width"] for entry in manifest["sources"] for each in entry["renditions"]}
    assert (len(renditions), renditions["trip/0-16w.webp"]) == (28, 16)
    assert b"<html" in web.get("r/page.html")
    assert SECRET.encode() not in web.get("log") + web.get("r/page.html")


def test_srcset_in_a_local_file_is_relative_to_the_destination(
    photos: Bucket, web: Bucket, run: RunCommand, tmp_path: Path
) -> None:
    run(photos.url("in"), web.url("out"), *SIZES, "--srcset", "pictures.html")
    assert 'srcset="trip/0-16w.webp 16w' in (tmp_path / "pictures.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--watch"], "do not report changes"),
        (["--preserve-times"], "cannot be set"),
        (["--symlinks", "follow"], "no symbolic links"),
        (["--workers", "0"], "does not decode"),
        (["--files-from", "/dev/null"], "not supported with object stores"),
    ],
)
def test_what_objects_cannot_do_is_refused_with_the_reason(
    photos: Bucket, web: Bucket, run: RunCommand, arguments: list[str], reason: str
) -> None:
    message = run(photos.url("in"), web.url("out"), "--width", "16", *arguments, code=2)["stderr"]
    assert arguments[0] in message
    assert reason in message


def test_in_place_is_refused_with_the_reason(photos: Bucket, run: RunCommand) -> None:
    message = run("--in-place", "--no-backup", photos.url("in"), "--width", "16", code=2)["stderr"]
    assert "--in-place: objects" in message


def test_destination_among_the_sources_is_left_out_of_them(photos: Bucket, run: RunCommand) -> None:
    assert run(photos.url("in"), photos.url("in/web"), "--width", "16")["written"] == 7
    assert counts(run(photos.url("in"), photos.url("in/web"), "--width", "16")) == (0, 7, 1, 0, 0)
    assert "also a source" in run(photos.url("in"), photos.url("in"), "--width", "16", code=2)["stderr"]
    failed = run(photos.url("in/trip"), photos.url("in"), "--width", "16", "--name", "trip/{name}", code=1)
    assert (failed["written"], failed["failed"]) == (0, 6)


def test_errors_name_the_url_and_no_secret(photos: Bucket, web: Bucket, run: RunCommand) -> None:
    assert "no-such-bucket-x" in run("s3://no-such-bucket-x/in", web.url("out"), "--width", "16", code=3)["stderr"]
    assert "no-such-bucket-x" in run(photos.url("in"), "s3://no-such-bucket-x/out", "--width", "16", code=3)["stderr"]
    assert "credentials" in run("s3://user:hush@photos/in", "out", "--width", "16", code=2)["stderr"]
