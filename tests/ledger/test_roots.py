import pytest

from forkresize.job import Source
from forkresize.ledger import split_root


@pytest.mark.parametrize(
    ("path", "relative", "expected"),
    [
        ("/x/in/a/b.jpg", "a/b.jpg", ("/x/in", "a/b.jpg")),
        ("/x/in/a.jpg", "in/a.jpg", ("/x", "in/a.jpg")),
        ("/data/a.jpg", "data/a.jpg", ("/", "data/a.jpg")),
        ("/x/./a.jpg", "in/a.jpg", ("/x", "a.jpg")),
        ("/x/xa.jpg", "a.jpg", ("/x", "xa.jpg")),
    ],
)
def test_a_source_is_split_where_its_place_begins(path: str, relative: str, expected: tuple[str, str]) -> None:
    assert split_root(Source(path, relative)) == expected


def test_a_relative_path_lies_in_the_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert split_root(Source("in/a.jpg", "in/a.jpg"))[1] == "in/a.jpg"
