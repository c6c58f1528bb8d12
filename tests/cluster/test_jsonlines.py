import gzip

import pytest

from forkresize.cluster.jsonlines import (
    IncompleteError,
    ManifestError,
    compress,
    decode_lines,
    decompress,
    encode_lines,
    read_again,
)
from forkresize.job import Source


def test_what_is_written_is_a_gzip_file_that_other_programs_read() -> None:
    assert gzip.decompress(compress(b"a\nb\n")) == b"a\nb\n"
    assert decompress(gzip.compress(b"a\nb\n")) == b"a\nb\n"


def test_the_same_text_gives_the_same_file() -> None:
    assert compress(b"text") == compress(b"text")


def test_a_text_that_is_larger_than_the_limit_is_refused_without_being_expanded() -> None:
    with pytest.raises(ManifestError, match="more than 1,000 bytes"):
        decompress(compress(bytes(50_000_000)), limit=1000)
    assert len(decompress(compress(bytes(1000)), limit=1000)) == 1000


@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_a_file_that_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(ManifestError):
        decompress(compress(bytes(range(256)))[:cut])


def test_bytes_after_the_file_are_refused() -> None:
    with pytest.raises(ManifestError, match="more than one"):
        decompress(compress(b"text") + b"x")


def test_a_name_that_is_not_utf8_survives() -> None:
    sources = [Source("b/\udcff\n.jpg", "\udcff\n.jpg"), Source("b/ü.jpg", "ü.jpg", 5, 7)]
    text = encode_lines(sources)
    assert text.count(b"\n") == 2
    assert list(decode_lines(text.splitlines(), Source)) == sources


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'{"path": 1}', b"\xff", b'{"path": "\xff"}', b"[" * 100_000])
def test_an_invalid_line_is_refused(line: bytes) -> None:
    with pytest.raises(ManifestError, match="an invalid line"):
        list(decode_lines([line], Source))


def test_incomplete_document_is_read_again() -> None:
    data = compress(b"text")
    answers = [data[:-3], b"", data]
    pauses: list[float] = []
    assert read_again(lambda: decompress(answers.pop(0)), pauses.append) == b"text"
    assert len(pauses) == 2


def test_document_that_stays_incomplete_is_an_error() -> None:
    pauses: list[float] = []
    with pytest.raises(IncompleteError, match="an incomplete gzip file"):
        read_again(lambda: decompress(b""), pauses.append)
    assert 0 < sum(pauses) < 5


def test_document_that_is_too_long_is_not_read_again() -> None:
    with pytest.raises(ManifestError, match="more than 1 bytes"):
        read_again(lambda: decompress(compress(b"text"), 1), lambda _: pytest.fail("it was read again"))
