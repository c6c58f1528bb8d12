"""The MIME types of outputs."""

import pytest

from forkresize.store.objects.media import guess_content_type


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("a/b.jpg", "image/jpeg"),
        ("B.JPEG", "image/jpeg"),
        ("a.avif", "image/avif"),
        ("a.webp", "image/webp"),
        ("a.png", "image/png"),
        ("a.gif", "image/gif"),
        ("a.tiff", "image/tiff"),
        ("report.html", "text/html"),
        ("report.json", "application/json"),
        ("chunk.json.gz", "application/gzip"),
        ("a.unknown", "application/octet-stream"),
        ("a.jpg/b", "application/octet-stream"),
        ("jpg", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_a_suffix_gives_the_type(key: str, expected: str) -> None:
    assert guess_content_type(key) == expected
