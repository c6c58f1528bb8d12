"""URLs of stores, and how secrets in URLs are hidden."""

import os

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from forkresize.errors import UsageError
from forkresize.urls import STORE_SCHEMES, StoreUrl, is_store_url, is_url, local_path, parse_store_url, redact

secrets = st.from_regex(r"[A-Za-z0-9]{8}[?#@:/&=%A-Za-z0-9]{0,8}[A-Za-z0-9]{8}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://photos", StoreUrl("s3", "photos", "")),
        ("s3://photos/", StoreUrl("s3", "photos", "")),
        ("S3://photos/in/2024/", StoreUrl("s3", "photos", "in/2024")),
        ("gs://a.b-c_d/ü x%20", StoreUrl("gs", "a.b-c_d", "ü x%20")),
        ("az://container/a?b#c", StoreUrl("az", "container", "a?b#c")),
        ("s3://photos/a@2x.png", StoreUrl("s3", "photos", "a@2x.png")),
        ("file:///srv/in%20here/", StoreUrl("file", "", "/srv/in here")),
        ("file://localhost/srv", StoreUrl("file", "", "/srv")),
        ("file:///", StoreUrl("file", "", "/")),
    ],
)
def test_store_urls_name_bucket_and_prefix(text: str, expected: StoreUrl) -> None:
    assert parse_store_url(text) == expected
    assert parse_store_url(str(expected)) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("in", "use a path, or a URL"),
        ("http://host/in", "s3://, gs://, az://, file://"),
        ("s3://", "name a bucket, for example s3://photos/in"),
        ("s3:///in", "name a bucket"),
        ("s3://x/in", "the name of a bucket is two or more letters, digits, '.', '-' and '_', for example s3://photos"),
        ("s3://key:secret@photos/in", "AWS_ACCESS_KEY_ID"),
        ("s3://localhost:9000/photos", "AWS_ENDPOINT_URL"),
        ("s3://photos/a//b", "may be empty"),
        ("s3://photos/../b", "may be empty, '.' or '..'"),
        ("file://host/srv", "absolute path"),
        ("file://srv", "absolute path"),
        ("file:///a%00b", "absolute path"),
    ],
)
def test_other_urls_are_refused_with_the_reason_and_without_secrets(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=r"^invalid URL '") as refusal:
        parse_store_url(text)
    assert reason in str(refusal.value)
    assert "secret" not in str(refusal.value)


@given(st.binary(min_size=1, max_size=50).filter(lambda path: b"\0" not in path).map(lambda path: b"/x" + path))
def test_file_urls_lead_to_files_of_any_name(path: bytes) -> None:
    url = StoreUrl("file", "", os.fsdecode(path).rstrip("/"))
    assert parse_store_url(str(url)) == url


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("file:///srv/photos", "/srv/photos"),
        ("FILE:///srv/a%20b", "/srv/a b"),
        ("photos", "photos"),
        ("s3://bucket/a", "s3://bucket/a"),
    ],
)
def test_only_file_urls_stand_for_paths(location: str, path: str) -> None:
    assert local_path(location) == path


def test_a_url_has_a_name_and_a_parent() -> None:
    url = parse_store_url("s3://photos/in/a.jpg")
    assert (url.name, str(url.parent)) == ("a.jpg", "s3://photos/in")
    assert str(url.parent.parent) == "s3://photos"
    assert url.parent.parent.name == ""
    assert parse_store_url("file:///a.jpg").parent == StoreUrl("file", "", "/")


@pytest.mark.parametrize("text", ["s3://b", "postgresql://h/d", "amqp+ssl://h", "file:///x"])
def test_a_scheme_makes_a_url(text: str) -> None:
    assert is_url(text)


@pytest.mark.parametrize("text", ["in", "./s3://b", "/srv/in", "s3:/b", "://x", "1a://x", ""])
def test_a_path_is_not_a_url(text: str) -> None:
    assert not is_url(text)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://user:pw@db:5432/x?sslmode=require", "postgresql://***@db:5432/x?sslmode=require"),
        ("postgresql://db/x?user=u&password=pw&sslmode=off", "postgresql://db/x?user=***&password=***&sslmode=off"),
        ("amqp://broker/", "amqp://broker/"),
        ("redis://:p/w@host:6379/0", "redis://***@host:6379/0"),
        ("redis://:p?w@host", "redis://***"),
        ("s3://photos/a@2x.png", "s3://photos/a@2x.png"),
        ("s3://key:pw@photos/a", "s3://***@photos/a"),
        ("s3://key:12/34@photos/a", "s3://***@photos/a"),
        ("https://h/c?sv=1&sig=abc%2F", "https://h/c?sv=***&sig=***"),
        ("host=db password='p w' user=u", "host=db password=*** user=u"),
        ("/srv/in", "/srv/in"),
    ],
)
def test_redaction_keeps_what_is_harmless(url: str, expected: str) -> None:
    assert redact(url) == expected


@given(
    st.sampled_from(["postgresql", "amqp", "redis", "rediss", "s3", "gs", "az", "https"]),
    secrets,
    st.sampled_from(
        [
            "{scheme}://user:{secret}@host/path",
            "{scheme}://{secret}@host/path",
            "{scheme}://:{secret}@host:80/path?sslmode=a",
            "{scheme}://host/path?password={quoted}",
            "{scheme}://host/path?x=1&X-Amz-Signature={quoted}&y=a@b",
            "user=me password={quoted}",
        ]
    ),
)
def test_no_part_of_a_secret_is_shown(scheme: str, secret: str, form: str) -> None:
    # Objects may have names with an at sign: "s3://bucket/part@2x" has no secret.
    assume(scheme not in STORE_SCHEMES or "/" not in secret or not form.startswith("{scheme}://{secret}@"))
    quoted = secret.replace("&", "%26").replace("#", "%23").replace(";", "%3B")
    shown = redact(form.format(scheme=scheme, secret=secret, quoted=quoted))
    assert secret not in shown
    assert secret[-8:] not in shown
    assert secret[:8] not in shown


@given(st.text())
def test_any_text_can_be_redacted(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize("text", ["s3://a/b", "GS://a", "az://a", "file:///a"])
def test_urls_of_stores_are_recognized_by_their_scheme(text: str) -> None:
    assert is_store_url(text)


@pytest.mark.parametrize("text", ["s3:/a", "/a/s3://b", "memory://a", "postgresql://a/b", ""])
def test_other_texts_are_not_urls_of_stores(text: str) -> None:
    assert not is_store_url(text)
