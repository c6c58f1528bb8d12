import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.gateway.imgproxy.negotiation import negotiate

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
SAFARI_14 = "image/webp,image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5"


@pytest.mark.parametrize(
    ("accept", "key", "expected"),
    [
        (CHROME, "a.jpg", "avif"),
        (SAFARI_14, "a.jpg", "webp"),
        ("image/webp;q=0.9,image/avif;q=0.8", "a.jpg", "webp"),
        ("image/webp;q=0.9,image/avif;q=0.90", "a.jpg", "avif"),
        ("IMAGE/WebP ; Q=0.5", "a.jpg", "webp"),
        ("image/avif;q=0, image/webp;q=0.001", "a.jpg", "webp"),
        ("image/avif;level=1;q=0,*/*", "a.jpg", None),
        ("*/*", "a.jpg", None),
        ("image/*", "a.png", None),
        ("", "a.gif", None),
        ("*/*", "a.tiff", "jpeg"),
        ("*/*", "a.webp", "jpeg"),
        ("*/*", "a.HEIC", "jpeg"),
        ("*/*", "a", "jpeg"),
        ("*/*", "A.JPG", None),
        ("avif, image/avif x, ;q=1", "a.jpg", None),
    ],
)
def test_the_best_format_that_the_client_names_is_taken(accept: str, key: str, expected: str | None) -> None:
    assert negotiate(accept, key) == expected


@given(st.text(max_size=60))
def test_any_header_leads_to_a_format(accept: str) -> None:
    assert negotiate(accept, "a.jpg") in {None, "avif", "jxl", "webp"}
