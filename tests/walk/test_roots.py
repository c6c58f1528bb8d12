"""Where walks start: named sources, lists of names, and how lists are read."""

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.errors import FieldError, SourceError
from forkresize.walk import Root, read_names, roots, roots_from_names


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: ``in`` with a directory ``sub`` and a file ``a.jpg``."""
    (tmp_path / "in/sub").mkdir(parents=True)
    (tmp_path / "in/a.jpg").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestRoots:
    @pytest.mark.parametrize("source", ["in", "in/", "./in", "in/sub/..", "."])
    def test_the_content_of_a_single_directory_goes_to_the_top(self, tree: Path, source: str) -> None:
        assert tree.samefile(".")
        assert roots([source]) == [Root(source, "")]

    def test_a_single_file_keeps_its_name(self, tree: Path) -> None:
        assert roots([f"{tree}/in/a.jpg"]) == [Root(f"{tree}/in/a.jpg", "a.jpg")]

    def test_several_sources_keep_their_names(self, tree: Path) -> None:
        (tree / "link").symlink_to("in")

        found = roots(["in/", "in/sub", "in/a.jpg", "link"])

        assert found == [Root("in/", "in"), Root("in/sub", "sub"), Root("in/a.jpg", "a.jpg"), Root("link", "link")]

    def test_a_source_without_a_name_gets_its_directory_name(self, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tree / "in/sub")

        prefixes = [root.prefix for root in roots([".", "./", "..", "../../in/.", "/"])]

        assert prefixes == ["sub", "sub", "in", "in", ""]

    def test_a_missing_source_is_refused(self, tree: Path) -> None:
        with pytest.raises(SourceError, match=r"\A'nothing' does not exist\Z"):
            roots([str(tree), "nothing"])

    def test_a_source_whose_name_is_too_long_is_refused(self) -> None:
        with pytest.raises(SourceError, match=r" cannot be read: File name too long\Z"):
            roots(["a" * 300])

    @pytest.mark.parametrize(("source", "needed"), [("in", os.R_OK | os.X_OK), ("in/a.jpg", os.R_OK)])
    def test_a_source_without_read_permission_is_refused(
        self, tree: Path, monkeypatch: pytest.MonkeyPatch, source: str, needed: int
    ) -> None:
        asked = []
        monkeypatch.setattr(os, "access", lambda path, mode: asked.append((path, mode)))

        with pytest.raises(SourceError, match=rf"\A'{source}' cannot be read: permission denied\Z"):
            roots([source])

        assert tree.samefile(".")
        assert asked == [(source, needed)]


class TestRootsFromNames:
    @pytest.mark.parametrize(
        ("name", "prefix"),
        [
            ("a.jpg", "a.jpg"),
            ("sub/a.jpg", "sub/a.jpg"),
            ("./sub/./a.jpg", "sub/a.jpg"),
            ("sub/", "sub"),
            ("sub//a.jpg", "sub/a.jpg"),
            ("sub/../a.jpg", "a.jpg"),
            (".", ""),
            ("..jpg", "..jpg"),
            ("~/%s{x}*\udcff\n", "~/%s{x}*\udcff\n"),
        ],
    )
    def test_a_name_is_relative_to_the_base_and_keeps_its_directories(self, name: str, prefix: str) -> None:
        assert list(roots_from_names([name], "in")) == [Root(f"in/{name}", prefix)]
        assert list(roots_from_names([name], None)) == [Root(name, prefix)]

    @pytest.mark.parametrize("name", ["/in/a.jpg", "//in/a.jpg", "/../in/a.jpg"])
    @pytest.mark.parametrize("base", [None, "elsewhere"])
    def test_an_absolute_name_ignores_the_base(self, name: str, base: str | None) -> None:
        assert list(roots_from_names([name], base)) == [Root(name, "in/a.jpg")]

    @pytest.mark.parametrize("name", ["..", "../a.jpg", "sub/../../a.jpg"])
    def test_a_name_that_leads_out_of_the_destination_is_refused(self, name: str) -> None:
        with pytest.raises(FieldError, match=r"\Afiles_from: '.*' leads out of the destination; "):
            list(roots_from_names([name], "in"))

    def test_a_list_read_with_the_wrong_separator_is_refused(self) -> None:
        with pytest.raises(FieldError, match=r"\Afiles_from: 'a\.jpg\\x00b\.jpg\\x00' contains a NUL; "):
            list(roots_from_names(read_names(io.BytesIO(b"a.jpg\0b.jpg\0"), nul=False), None))

    def test_names_are_consumed_one_by_one(self) -> None:
        names = iter(["a.jpg", "b.jpg"])

        assert next(roots_from_names(names, None)) == Root("a.jpg", "a.jpg")
        assert next(names) == "b.jpg"


class TestReadNames:
    @given(st.lists(st.binary(min_size=1)), st.booleans(), st.booleans())
    def test_every_name_is_read_back(self, names: list[bytes], nul: bool, ended: bool) -> None:
        separator = b"\0" if nul else b"\n"
        names = [name.replace(separator, b"x") for name in names]
        stream = io.BytesIO(separator.join(names) + separator * ended)

        assert [os.fsencode(name) for name in read_names(stream, nul)] == names

    def test_empty_names_are_ignored(self) -> None:
        assert list(read_names(io.BytesIO(b"\n\na\n\nb\n\n"), nul=False)) == ["a", "b"]

    def test_a_carriage_return_is_part_of_the_name(self) -> None:
        assert list(read_names(io.BytesIO(b"a\r\nb\r\n"), nul=False)) == ["a\r", "b\r"]

    def test_a_list_of_several_chunks_is_read_completely(self) -> None:
        names = [f"picture {number}.jpg" for number in range(20_000)]

        assert list(read_names(io.BytesIO("\0".join(names).encode()), nul=True)) == names

    def test_a_name_is_yielded_before_the_next_one_is_written(self) -> None:
        reading, writing = os.pipe()
        with open(reading, "rb", buffering=0) as stream, open(writing, "wb", buffering=0) as sink:
            names = read_names(stream, nul=True)
            for name in (b"a", b"b"):
                sink.write(name + b"\0")
                assert next(names) == name.decode()

    def test_endless_zeros_are_refused(self) -> None:
        with open("/dev/zero", "rb") as zeros, pytest.raises(FieldError, match="is it a list of names"):
            list(read_names(zeros, nul=False))
