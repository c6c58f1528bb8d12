"""URLs of ledgers, the default place of a remote destination's, and the names of destinations."""

import os
import threading
from pathlib import Path

import pytest

from forkresize.errors import FieldError, LedgerError
from forkresize.ledger import LedgerUrl, NullLedger, OutputRecord, default_ledger, open_ledger, parse_ledger
from forkresize.ledger.place import DestinationName, destination_name


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("sqlite:///var/lib/l.db", "/var/lib/l.db"),
        ("sqlite:////var/lib/l.db", "/var/lib/l.db"),
        ("sqlite:l.db", "l.db"),
        ("postgresql://u@h/d", None),
        ("postgres://h", None),
    ],
)
def test_urls_of_sqlite_and_postgresql_are_accepted(text: str, path: str | None) -> None:
    url = parse_ledger(text)
    assert isinstance(url, LedgerUrl)
    assert url == text
    assert url.path == path


@pytest.mark.parametrize(("text", "expected"), [("none", False), ("NONE", False), ("false", False), ("auto", True)])
def test_words_choose_no_ledger_or_the_default(text: str, expected: bool) -> None:
    assert parse_ledger(text) is expected


@pytest.mark.parametrize(
    "text",
    ["", "x", "sqlite:", "sqlite://", "sqlite://host/x", "sqlite:///x/", "mysql://u:hunter2@h/d", "http://h", "a\0"],
)
def test_other_values_are_refused(text: str) -> None:
    with pytest.raises(FieldError, match="use a URL such as sqlite:///") as caught:
        parse_ledger(text)
    assert "hunter2" not in str(caught.value)


def test_a_url_as_sqlalchemy_writes_it_names_the_same_file(tmp_path: Path) -> None:
    about = OutputRecord("k", "s3://in", "k", 1, 2, None, b"", "written")
    with open_ledger("s3://a/b", f"sqlite:///{tmp_path}/l.db") as ledger:
        ledger.record([about])
    with open_ledger("s3://a/b", f"sqlite://{tmp_path}/l.db", read_only=True) as ledger:
        assert ledger.get("k") == about


def test_the_representation_of_a_url_shows_no_password() -> None:
    assert "hunter2" not in repr(LedgerUrl("postgresql://u:hunter2@h/d"))


def test_the_default_of_a_bucket_is_below_the_state_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    one, other = default_ledger("s3://a/b"), default_ledger("s3://a/c")
    assert one.path is not None
    assert one.path.startswith(f"{tmp_path}/forkresize/")
    assert one != other
    assert open_ledger("s3://a/b", read_only=True).persistent is False
    assert os.listdir(tmp_path) == []
    about = OutputRecord("k", "s3://in", "k", 1, 2, None, b"", "written")
    with open_ledger("s3://a/b") as ledger:
        ledger.record([about])
    with open_ledger("s3://a/b", read_only=True) as ledger:
        assert ledger.get("k") == about
    with open_ledger("s3://a/c") as ledger:
        assert ledger.get("k") is None
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_ledger("s3://a/b").startswith(f"sqlite://{tmp_path}/.local/state/forkresize/")


def test_a_url_names_itself(tmp_path: Path) -> None:
    assert destination_name("s3://a/b", create=True) == DestinationName("s3://a/b", "s3://a/b", "s3://a/b")


def test_a_directory_keeps_its_name_when_it_is_moved(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    assert destination_name(str(tmp_path / "one"), create=False) is None
    first = destination_name(str(tmp_path / "one"), create=True)
    assert first is not None
    assert first.label.endswith(f":{tmp_path}/one")
    (tmp_path / "one").rename(tmp_path / "other")
    moved = destination_name(str(tmp_path / "other"), create=False)
    assert moved is not None
    assert moved.name == first.name
    another = destination_name(str(tmp_path / "one"), create=True)
    assert another is not None
    assert another.name != first.name


def test_shards_that_start_together_agree_on_the_name(tmp_path: Path) -> None:
    names = set()
    barrier = threading.Barrier(4)

    def name() -> None:
        barrier.wait(10)
        names.add(destination_name(str(tmp_path), create=True))

    threads = [threading.Thread(target=name) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(names) == 1
    assert None not in names


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("content", [b"x", b"../../etc/passwd", b"0" * 31, b"0" * 64])
def test_a_damaged_identifier_is_refused(tmp_path: Path, content: bytes, create: bool) -> None:
    path = tmp_path / ".forkresize/id"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(LedgerError, match="remove it to start over"):
        destination_name(str(tmp_path), create=create)
    assert path.read_bytes() == content


def test_a_link_in_the_place_of_an_identifier_is_refused(tmp_path: Path) -> None:
    path = tmp_path / ".forkresize/id"
    path.parent.mkdir()
    (tmp_path / "other").write_bytes(b"0" * 32)
    path.symlink_to(tmp_path / "other")
    with pytest.raises(LedgerError, match="a symbolic link in the place of a regular file; remove it"):
        destination_name(str(tmp_path), create=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_an_identifier_of_another_user_is_refused(tmp_path: Path) -> None:
    assert destination_name(str(tmp_path), create=True) is not None
    os.chown(tmp_path / ".forkresize/id", 1234, 1234)
    with pytest.raises(LedgerError, match="belongs to another user; remove it"):
        destination_name(str(tmp_path), create=True)
    os.chown(tmp_path, 1234, 1234)
    assert destination_name(str(tmp_path), create=True) is not None


def test_a_file_of_several_local_destinations(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/new/folder/ledger.db"
    about = OutputRecord("k", "/in", "k", 1, 2, None, b"", "written")
    assert isinstance(open_ledger(str(tmp_path / "out"), url, read_only=True), NullLedger)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with open_ledger(str(tmp_path / name), url) as ledger:
            ledger.begin_run()
            assert list(ledger.iter_records()) == []
            ledger.record([about._replace(root=f"/{name}")])
    for name in ("one", "two"):
        with open_ledger(str(tmp_path / name), url, read_only=True) as ledger:
            assert [each.root for each in ledger.iter_records()] == [f"/{name}"]
        assert sorted(os.listdir(tmp_path / name / ".forkresize")) == ["id"]
    (tmp_path / "three/.forkresize").mkdir(parents=True)
    (tmp_path / "three/.forkresize/id").write_bytes(b"0" * 32)
    with open_ledger(str(tmp_path / "three"), url, read_only=True) as ledger:
        assert list(ledger.iter_records()) == []


def test_a_directory_and_its_url_are_one_destination(tmp_path: Path) -> None:
    out, url = tmp_path / "ä out", f"sqlite://{tmp_path}/ledger.db"
    about = OutputRecord("k", "/in", "k", 1, 2, None, b"", "written")
    for place in (url, None):
        with open_ledger(str(out), place) as ledger:
            ledger.begin_run()
            ledger.record([about])
        with open_ledger(out.as_uri(), place, read_only=True) as ledger:
            assert ledger.get("k") == about


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LedgerError, match="cannot be created: Not a directory"):
        open_ledger("s3://a/b", f"sqlite://{tmp_path}/file/x/ledger.db")
