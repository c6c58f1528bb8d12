"""Which endpoints may be reached without encryption."""

import pytest

from forkresize.errors import FieldError
from forkresize.store.objects.endpoint import allows_http
from forkresize.store.objects.options import StoreOptions

VARIABLE = "AWS_ALLOW_HTTP"


@pytest.mark.parametrize(
    "endpoint",
    ["http://127.0.0.1:9000", "http://127.1.2.3", "http://localhost:4566/", "http://[::1]:80", "http://LOCALHOST"],
)
def test_plain_http_to_this_machine_is_allowed(endpoint: str) -> None:
    assert allows_http(endpoint, StoreOptions(), VARIABLE)


@pytest.mark.parametrize("endpoint", ["", "https://s3.eu-central-1.amazonaws.com", "https://127.0.0.1"])
def test_encrypted_endpoints_need_no_permission(endpoint: str) -> None:
    assert not allows_http(endpoint, StoreOptions(), VARIABLE)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://storage.example",
        "http://10.0.0.1:9000",
        "http://127.0.0.1.example",
        "http://0.0.0.0",
        "http://127.x.y.z",
    ],
)
def test_plain_http_to_another_machine_needs_permission(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    advice = "reached without encryption: use an https:// endpoint, or set AWS_ALLOW_HTTP=true"
    with pytest.raises(FieldError, match=advice) as refusal:
        allows_http(endpoint, StoreOptions(), VARIABLE)
    assert refusal.value.field == "allow_http"
    assert allows_http(endpoint, StoreOptions(allow_http=True), VARIABLE)
    monkeypatch.setenv(VARIABLE, "true")
    assert allows_http(endpoint, StoreOptions(), VARIABLE)
    monkeypatch.setenv(VARIABLE, "false")
    with pytest.raises(FieldError):
        allows_http(endpoint, StoreOptions(), VARIABLE)


def test_a_password_in_an_endpoint_is_not_shown() -> None:
    with pytest.raises(FieldError) as refusal:
        allows_http("http://user:secret@storage.example", StoreOptions(), VARIABLE)
    assert "secret" not in str(refusal.value)
