from pathlib import Path

import pytest

from forkresize.cluster.node.allowed import AllowedUrls, NotAllowedError, check_job
from forkresize.errors import UsageError
from forkresize.job import Job, Output, Source

ALLOWED = AllowedUrls(["s3://photos/in", "s3://web", "file:///srv/pictures"])


@pytest.mark.parametrize(
    "url", ["s3://photos/in", "s3://photos/in/2026", "s3://web", "s3://web/a/b", "file:///srv/pictures/new/x"]
)
def test_what_lies_below_an_allowed_url_is_allowed(url: str) -> None:
    ALLOWED.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "s3://photos",
        "s3://photos/input",
        "s3://photos/i",
        "s3://photos2/in",
        "gs://photos/in",
        "s3://website",
        "file:///srv",
        "file:///srv/pictures2",
        "file:///srv/pictures/../secret",
        "file:///srv/pictures/%2e%2e/secret",
        "file:///",
    ],
)
def test_what_lies_elsewhere_is_not(url: str) -> None:
    with pytest.raises(NotAllowedError, match="is not allowed on this node, which may use s3://photos/in, s3://web"):
        ALLOWED.check(url)


@pytest.mark.parametrize("url", ["http://web/x", "/srv/pictures", "s3://photos/in/../out", "s3://web@photos/in", ""])
def test_what_is_not_the_url_of_a_store_is_not(url: str) -> None:
    with pytest.raises(UsageError):
        ALLOWED.check(url)


def test_a_link_does_not_lead_out_of_an_allowed_directory(tmp_path: Path) -> None:
    (tmp_path / "allowed").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "allowed/link").symlink_to(tmp_path / "other")
    allowed = AllowedUrls([(tmp_path / "allowed").as_uri()])
    allowed.check((tmp_path / "allowed/new").as_uri())
    with pytest.raises(NotAllowedError):
        allowed.check((tmp_path / "allowed/link").as_uri())


def job(path: str = "s3://photos/in/a.jpg", key: str = "a.jpg", staged: str = "", *, in_place: bool = False) -> Job:
    return Job(Source(path, "a.jpg"), (Output(key, 0, staged),), in_place)


def test_a_job_reads_below_the_sources_of_its_run() -> None:
    check_job(job(), ["s3://photos/in"])
    check_job(job("s3://photos/in/a//b\n.jpg"), ["s3://photos/in"])
    for path in ("s3://photos/input/a.jpg", "s3://photos/in", "/etc/passwd", "s3://other/in/a.jpg", ""):
        with pytest.raises(NotAllowedError, match="is not below the sources of its run"):
            check_job(job(path), ["s3://photos/in"])


@pytest.mark.parametrize(
    "key", ["../a.jpg", "/a.jpg", "a//b.jpg", "a/./b", "a\0.jpg", "", ".forkresize/x", ".forkresize"]
)
def test_outputs_are_plain_keys_outside_the_state(key: str) -> None:
    with pytest.raises(NotAllowedError, match="the output "):
        check_job(job(key=key), ["s3://photos/in"])


def test_nothing_is_staged_or_replaced() -> None:
    with pytest.raises(NotAllowedError, match="is not one of a run on a cluster"):
        check_job(job(staged="x"), ["s3://photos/in"])
    with pytest.raises(NotAllowedError, match="would be replaced"):
        check_job(job(in_place=True), ["s3://photos/in"])


def test_a_file_lies_below_its_directory_also_behind_links(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.jpg").touch()
    (tmp_path / "in/a.jpg").touch()
    (tmp_path / "in/link.jpg").symlink_to(tmp_path / "secret.jpg")
    (tmp_path / "in/inside.jpg").symlink_to(tmp_path / "in/a.jpg")
    location = str(tmp_path / "in")
    check_job(job(f"{location}/a.jpg"), [location])
    check_job(job(f"{location}/inside.jpg"), [location])
    for name in ("link.jpg", "../secret.jpg", "./../secret.jpg"):
        with pytest.raises(NotAllowedError, match="leads out of"):
            check_job(job(f"{location}/{name}"), [location])
