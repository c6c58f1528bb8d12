"""What answers and failures of stores become."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.store.info import ObjectInfo, PutOptions
from forkresize.store.objects.errors import (
    error_from_status,
    error_from_text,
    failed_condition,
    is_transient,
    wrong_length,
)


@pytest.mark.parametrize(
    ("status", "code", "number", "transient"),
    [
        (400, "InvalidArgument", errno.EINVAL, False),
        (400, "ExpiredToken", errno.EACCES, False),
        (400, "KeyTooLongError", errno.ENAMETOOLONG, False),
        (400, "RequestTimeout", errno.ETIMEDOUT, True),
        (401, "", errno.EACCES, False),
        (403, "SignatureDoesNotMatch", errno.EACCES, False),
        (403, "RequestTimeTooSkewed", errno.EACCES, False),
        (404, "NoSuchKey", errno.ENOENT, False),
        (404, "NoSuchBucket", errno.ENOENT, False),
        (409, "ConditionalRequestConflict", errno.EAGAIN, True),
        (409, "BlobAlreadyExists", errno.EEXIST, False),
        (412, "PreconditionFailed", errno.ESTALE, False),
        (301, "PermanentRedirect", errno.EINVAL, False),
        (418, "", errno.EINVAL, False),
        (429, "", errno.EBUSY, True),
        (500, "InternalError", errno.EIO, True),
        (501, "NotImplemented", errno.EOPNOTSUPP, False),
        (503, "SlowDown", errno.EBUSY, True),
        (507, "", errno.ENOSPC, False),
        (599, "", errno.EIO, True),
    ],
)
def test_a_status_becomes_an_errno_and_a_text_that_says_what_to_do(
    status: int, code: str, number: int, transient: bool
) -> None:
    error = error_from_status(status, code)
    assert error.errno == number
    assert is_transient(error) == transient
    assert error.strerror is not None
    assert f"({status}{f' {code}' if code else ''})" in error.strerror


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Server returned non-2xx status code: 403 Forbidden: <Error><Code>AccessDenied</Code>", errno.EACCES),
        ("kind: Connect ... dns error", errno.EHOSTUNREACH),
        ("kind: Connect ... ConnectionRefused", errno.ECONNREFUSED),
        ("kind: Connect ... invalid peer certificate", errno.EPROTO),
        ("builder error", errno.EPROTO),
        ("kind: Timeout", errno.ETIMEDOUT),
        ("IncompleteMessage", errno.ECONNRESET),
    ],
)
def test_a_report_of_obstore_becomes_an_errno(text: str, number: int) -> None:
    assert error_from_text(text).errno == number


@given(
    st.text(min_size=1),
    st.sampled_from(["{}", "status code: 403 <Code>{}</Code>", "dns error {}", "status code: 500 {}"]),
)
def test_no_text_of_a_library_is_shown(text: str, form: str) -> None:
    secret = f"AKIA/{text}"
    assert secret not in str(error_from_text(form.format(secret)))
    assert secret not in str(error_from_status(403, secret))


def test_a_condition_that_failed_is_an_object_that_exists_or_has_changed() -> None:
    info = ObjectInfo("a", 1, 0, 0, etag="x")
    assert failed_condition(error_from_status(412), PutOptions(create=True)).errno == errno.EEXIST
    assert failed_condition(error_from_status(412), PutOptions(replaces=info)).errno == errno.ESTALE
    assert failed_condition(error_from_status(404, "NoSuchKey"), PutOptions(replaces=info)).errno == errno.ESTALE
    assert failed_condition(error_from_status(404, "NoSuchBucket"), PutOptions(replaces=info)).errno == errno.ENOENT
    assert failed_condition(error_from_status(403), PutOptions(create=True)).errno == errno.EACCES


def test_a_wrong_length_is_tried_again() -> None:
    assert is_transient(wrong_length(3, 4))
    assert "3 bytes in place of 4" in str(wrong_length(3, 4))
