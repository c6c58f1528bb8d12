"""Files below a root: no link is followed, in any tree, even while it changes."""

import contextlib
import os
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forkresize.store import InvalidKeyError, beneath
from forkresize.store.beneath import LinkError, Root, create_file, make_directories

NAMES = ["a", "b", "file", "out", "up", "self", "absolute", "dangling", "x" * 255, "\udcff"]
keys = st.lists(st.sampled_from(NAMES), min_size=1, max_size=5).map("/".join)
wild_keys = st.lists(st.sampled_from([*NAMES, "..", ".", "", "a\0b"]), min_size=1, max_size=5).map("/".join)


@pytest.fixture(params=["openat2", "one after the other"])
def way_of_opening(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of opening have to behave the same."""
    if request.param != "openat2":
        monkeypatch.setattr(beneath, "open_beneath", lambda *_: None)
    elif sys.platform != "linux":
        pytest.skip("this system has no openat2")


def test_openat2_is_used_for_a_long_way(tmp_path: Path) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a")
    with Root(str(tmp_path)) as root:
        found = beneath.open_beneath("a/b/c", root.descriptor)
        if found is None:
            pytest.skip("this kernel has no openat2, or it is switched off")
        os.close(found)
        for key in ("link/b/c", "..", f"{tmp_path}/a", "missing"):
            assert beneath.open_beneath(key, root.descriptor) is None


@contextlib.contextmanager
def tree() -> Iterator[tuple[Path, Path]]:
    """Create a directory with links of each kind on two levels, and files outside of it."""
    with tempfile.TemporaryDirectory() as folder:
        root, outside = Path(folder, "root"), Path(folder, "outside")
        for directory in (root / "a/b", root / "b", outside / "a/b", outside / "b"):
            directory.mkdir(parents=True)
        for below in (root, root / "a", outside, outside / "a"):
            (below / "file").write_bytes(b"precious")
        for below in (root, root / "a"):
            (below / "out").symlink_to(outside)
            (below / "up").symlink_to("..")
            (below / "self").symlink_to(".")
            (below / "absolute").symlink_to(root / "b")
            (below / "dangling").symlink_to("nowhere")
        yield root, outside


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        found[str(path)] = (status.st_mtime_ns if content else 0, content)
    return found


def has_link(root: Path, folder: str) -> bool:
    """Return whether a directory on the way to another, or that one, is a link. The kernel resolves each path anew."""
    parts = folder.split("/") if folder else []
    way = [os.path.join(root, *parts[: number + 1]) for number in range(len(parts))]
    existing = [path for path in way if os.path.lexists(path)]
    return any(
        os.path.realpath(path) != os.path.realpath(os.path.dirname(path)) + "/" + os.path.basename(path)
        for path in existing
    )


@pytest.mark.slow
@pytest.mark.usefixtures("way_of_opening")
@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=keys, create=st.booleans())
def test_a_directory_is_opened_if_and_only_if_no_link_is_on_its_way(key: str, create: bool) -> None:
    with tree() as (root, outside):
        before = snapshot(outside)
        linked, existed = has_link(root, key), os.path.isdir(root / key)
        try:
            with Root(str(root)) as opened, opened.directory(key, create=create) as descriptor:
                assert os.path.samestat(os.fstat(descriptor), os.stat(root / key))
                assert not linked
                assert existed or create
        except LinkError as error:
            assert linked
            name = str(error.strerror).removesuffix(
                " is a symbolic link; outputs are not written through links in the destination"
            )
            assert os.path.islink(name)
        except FileNotFoundError:
            assert not create
            assert not existed
        except NotADirectoryError:
            assert "file" in key
        assert snapshot(outside) == before


@pytest.mark.slow
@pytest.mark.usefixtures("way_of_opening")
@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=wild_keys)
def test_only_what_is_below_the_root_without_links_is_removed(key: str) -> None:
    with tree() as (root, outside):
        before, inside = snapshot(outside), snapshot(root)
        try:
            with Root(str(root)) as opened:
                opened.remove(key)
        except (OSError, InvalidKeyError):
            assert snapshot(root) == inside
        else:
            assert not has_link(root, os.path.dirname(key))
            assert not os.path.lexists(root / key)
        assert snapshot(outside) == before


@pytest.mark.usefixtures("way_of_opening")
@pytest.mark.parametrize("key", ["..", "a/../../outside", "/etc", "a//b", "a/", ".", "a\0b"])
def test_paths_that_lead_out_are_invalid(tmp_path: Path, key: str) -> None:
    (tmp_path / "root").mkdir()
    with Root(str(tmp_path / "root")) as root:
        for create in (False, True):
            with pytest.raises(InvalidKeyError), root.directory(key, create=create):
                pytest.fail("opened")
        with pytest.raises(InvalidKeyError):
            root.remove(key)
    assert os.listdir(tmp_path) == ["root"]
    assert os.listdir(tmp_path / "root") == []


@pytest.mark.slow
@pytest.mark.usefixtures("way_of_opening")
@pytest.mark.parametrize("way", ["a", "a/b/c"])
def test_no_file_is_created_outside_while_a_directory_turns_into_a_link(tmp_path: Path, way: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "a/b/c").mkdir(parents=True)
    (outside / "b/c").mkdir(parents=True)
    directories = list(outside.rglob("*"))
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            os.rename(root / "a", root / "real")
            os.symlink(outside, root / "a")
            os.unlink(root / "a")
            os.rename(root / "real", root / "a")

    thread = threading.Thread(target=swap)
    thread.start()
    created = refused = 0
    deadline = time.monotonic() + 30
    with Root(str(root)) as opened:
        while min(created, refused) < 50 and time.monotonic() < deadline:
            try:
                with opened.directory(way) as descriptor:
                    os.close(create_file(f"{created}", descriptor))
                created += 1
            except OSError:
                refused += 1
    done.set()
    thread.join()
    assert list(outside.rglob("*")) == directories
    assert len([path for path in (root / way).iterdir() if path.is_file()]) == created > 0
    assert refused > 0


@pytest.mark.slow
def test_directories_are_created_a_thousand_deep(deep_path: Path) -> None:
    deep = "/".join(["d"] * 1000)
    make_directories(str(deep_path / "plain" / deep))
    assert (deep_path / "plain" / deep).is_dir()
    with Root(str(deep_path / "root"), create=True) as root:
        with root.directory(deep, create=True) as descriptor:
            os.close(create_file("file", descriptor))
        assert [names for _, _, names in root.walk() if names] == [["file"]]
        root.remove(f"{deep}/file")
    assert os.listdir(deep_path / "root") == []


@pytest.mark.timeout(20)
@pytest.mark.parametrize("path", ["dangling/a/b", "dangling/a", "file/a", "file/a/b"])
def test_directories_that_cannot_be_created_are_an_error(tmp_path: Path, path: str) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises((FileNotFoundError, NotADirectoryError)):
        make_directories(str(tmp_path / path))
    with pytest.raises((FileNotFoundError, NotADirectoryError)):
        make_directories(f"/dev/fd/nowhere/{path}")


def test_directories_that_exist_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in ("a/b", "a/b/", "./a/c", ".", str(tmp_path), f"{tmp_path}/d/", "/"):
        make_directories(path)
        make_directories(path)
    assert sorted(str(each) for each in Path().rglob("*")) == ["a", "a/b", "a/c", "d"]


@pytest.mark.usefixtures("way_of_opening")
def test_a_tree_is_removed_and_links_in_it_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious/deep").mkdir(parents=True)
    (tmp_path / "precious/file").write_bytes(b"precious")
    (tmp_path / "root/tree/deep/er").mkdir(parents=True)
    (tmp_path / "root/tree/deep/file").write_bytes(b"")
    (tmp_path / "root/tree/link").symlink_to(tmp_path / "precious")
    (tmp_path / "root/link").symlink_to(tmp_path / "precious")
    with Root(str(tmp_path / "root")) as root:
        root.remove_tree("tree")
        root.remove_tree("link")
        root.remove_tree("missing")
    assert os.listdir(tmp_path / "root") == ["link"]
    assert sorted(os.listdir(tmp_path / "precious")) == ["deep", "file"]


def test_a_file_is_created_anew_and_never_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    for place in (os.symlink, os.link):
        place(tmp_path / "precious", tmp_path / "file")
        with Root(str(tmp_path)) as root:
            os.close(create_file("file", root.descriptor))
        assert (tmp_path / "file").read_bytes() == b""
        assert not (tmp_path / "file").is_symlink()
        (tmp_path / "file").unlink()
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_directories_need_to_be_searchable_only(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a").chmod(0o311)
    with Root(str(tmp_path)) as root, root.directory("a/b") as descriptor:
        os.close(create_file("file", descriptor))
    (tmp_path / "a").chmod(0o755)
    assert os.listdir(tmp_path / "a/b") == ["file"]
