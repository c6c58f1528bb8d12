"""How a URL leads to a store: by the vendors' variables, and without showing what they hold."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from forkresize.errors import FieldError, UsageError
from forkresize.extras import install_command
from forkresize.store import LocalStore
from forkresize.store.objects import StoreOptions, open_store
from forkresize.store.objects.aws import connect, parse_time
from forkresize.store.objects.store import ObjectStore
from tests.store.buckets import Bucket

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105 -- AWS's own example.


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Remove the settings of the user and of the machine."""
    for variable in os.environ:
        if variable.startswith(("AWS_", "AZURE_", "GOOGLE_", "STORAGE_")):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


def test_a_file_url_is_a_directory() -> None:
    store = open_store("file:///srv/in%20here")
    assert isinstance(store, LocalStore)
    assert store.root == "/srv/in here"


def test_a_store_is_described_by_its_url_alone(aws: None) -> None:
    store = open_store("s3://photos/in/")
    assert isinstance(store, ObjectStore)
    assert repr(store) == "ObjectStore('s3://photos/in')"
    assert store.location("") == "s3://photos/in"
    assert store.location("a b%20/ü.jpg") == "s3://photos/in/a b%20/ü.jpg"
    assert store.capabilities.ordered_listing
    assert repr(store.at("out").with_run("1")) == "ObjectStore('s3://photos/out')"


def test_directory_buckets_list_in_no_order(aws: None) -> None:
    assert not open_store("s3://photos--use1-az4--x-s3").capabilities.ordered_listing


def test_without_credentials_the_error_names_the_variables() -> None:
    with pytest.raises(UsageError, match=r"s3://photos: no credentials were found: set AWS_ACCESS_KEY_ID"):
        open_store("s3://photos")


def test_a_public_bucket_needs_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    assert repr(open_store("s3://photos")) == "ObjectStore('s3://photos')"


def test_a_missing_profile_is_an_error_without_the_library_s_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    with pytest.raises(UsageError, match=r"s3://photos: its credentials or settings are invalid.*ProfileNotFound"):
        open_store("s3://photos")


@pytest.mark.slow
def test_a_profile_of_aws_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text(f"[web]\naws_access_key_id = A\naws_secret_access_key = {SECRET}\n")
    monkeypatch.setenv("AWS_PROFILE", "web")
    assert repr(open_store("s3://photos")) == "ObjectStore('s3://photos')"


def test_a_missing_bundle_of_certificates_is_named(aws: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with pytest.raises(UsageError, match=r"s3://photos: /.*/ca\.pem: No such file or directory"):
        open_store("s3://photos")


@pytest.mark.slow
def test_a_client_is_made_once_for_the_same_settings(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    first, again = connect(StoreOptions()), connect(StoreOptions())
    assert first.client is again.client
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAANOTHER")
    assert connect(StoreOptions()).client is not first.client
    assert connect(StoreOptions(timeout=7)).client is not first.client


def test_times_of_listings_and_headers_are_read() -> None:
    assert parse_time("2026-11-29T04:54:47.885Z").timestamp() == 1795928087.885
    assert parse_time("Sun, 29 Nov 2026 04:54:47 GMT").timestamp() == 1795928087


def test_a_forked_process_opens_no_store(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store("s3://photos")
    monkeypatch.setattr(os, "getpid", lambda: 1)
    with pytest.raises(RuntimeError, match="cannot be used in a forked process"):
        open_store("s3://photos")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "url", "permission"),
    [
        ("AWS_ENDPOINT_URL", "s3://photos", "AWS_ALLOW_HTTP"),
        ("AWS_ENDPOINT_URL_S3", "s3://photos", "AWS_ALLOW_HTTP"),
        ("STORAGE_EMULATOR_HOST", "gs://photos", "GOOGLE_ALLOW_HTTP"),
        ("AZURE_STORAGE_ENDPOINT", "az://photos", "AZURE_ALLOW_HTTP"),
    ],
)
def test_plain_http_to_another_machine_needs_permission(
    aws: None, monkeypatch: pytest.MonkeyPatch, variable: str, url: str, permission: str
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0")
    monkeypatch.setenv(variable, "http://storage.example:9000")
    with pytest.raises(FieldError, match=f"reached without encryption: .*, or set {permission}=true"):
        open_store(url)
    assert open_store(url, StoreOptions(allow_http=True)).location("") == url
    with monkeypatch.context() as context:
        context.setenv(permission, "true")
        assert open_store(url).location("") == url
    monkeypatch.setenv(variable, "http://127.0.0.1:9000")
    assert open_store(url).location("") == url


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forkresize.store.objects.opening.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=re.escape(f"need the extra cloud: {install_command('cloud')}")):
        open_store("s3://photos")


def test_the_libraries_are_loaded_when_a_store_is_opened() -> None:
    program = "import sys; import forkresize.store.objects; print({'boto3', 'obstore'} & {*sys.modules})"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout == "set()\n"


@pytest.mark.parametrize("url", ["in", "ftp://x/y", "s3://key:secret@photos/in"])
def test_other_texts_than_urls_of_stores_are_refused_without_secrets(url: str) -> None:
    with pytest.raises(UsageError, match="invalid URL") as refusal:
        open_store(url)
    assert "secret" not in str(refusal.value)


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.xdist_group("ministack")
def test_the_bucket_of_a_wrong_name_is_named(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in bucket.server.env.items():
        monkeypatch.setenv(variable, value)
    store = open_store("s3://no-such-bucket/in")
    with pytest.raises(FileNotFoundError, match=r"the bucket does not exist: create it, or correct its name \(404"):
        next(iter(store.scan()))
    with pytest.raises(FileNotFoundError, match="the bucket does not exist"):
        store.put("a.jpg", b"")
