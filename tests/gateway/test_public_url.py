"""Where clients reach the gateway."""

import pytest
from starlette.requests import Request

from forkresize.errors import FieldError
from forkresize.gateway.problem import Problem
from forkresize.gateway.public_url import check_public_url, public_url_of


def request(host: str, scheme: str = "http") -> Request:
    headers = [(b"host", host.encode("latin-1"))]
    return Request({"type": "http", "scheme": scheme, "path": "/", "query_string": b"", "headers": headers})


@pytest.mark.parametrize("host", ["localhost:8080", "images.example.org", "127.0.0.1", "[::1]:8080", "a_b.internal"])
def test_the_request_says_it(host: str) -> None:
    assert public_url_of(request(host), "") == f"http://{host}"
    assert public_url_of(request(host, "https"), "") == f"https://{host}"


def test_the_setting_wins() -> None:
    assert public_url_of(request("internal"), "https://example.org/images/") == "https://example.org/images"


@pytest.mark.parametrize("host", ["", 'a">', "a/b", "user@host", "a b", "a,b", "é", "a:99999999"])
def test_a_host_that_would_break_a_url_is_refused(host: str) -> None:
    with pytest.raises(Problem, match="invalid Host") as caught:
        public_url_of(request(host), "")
    assert caught.value.status == 400


@pytest.mark.parametrize("url", ["", "https://images.example.org", "http://localhost:8080/images"])
def test_urls_of_http_are_accepted(url: str) -> None:
    check_public_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "images.example.org",
        "ftp://a",
        "https://",
        "https://a?b",
        "https://a#b",
        'https://a/"',
        "https://u:p@a",
        "https://é",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(FieldError) as caught:
        check_public_url(url)
    assert caught.value.field == "public_url"
