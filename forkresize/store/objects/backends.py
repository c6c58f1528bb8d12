"""The clients of the vendors, with their usual environment variables."""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from forkresize.errors import FieldError, UsageError, describe
from forkresize.store.info import Capabilities
from forkresize.store.objects.aws import connect
from forkresize.store.objects.boto_client import BotoClient
from forkresize.store.objects.endpoint import allows_http, is_set
from forkresize.store.objects.obstore_client import AZURE_UNUSABLE, Connections, ObstoreClient
from forkresize.store.objects.options import StoreOptions
from forkresize.store.objects.s3_client import S3Client
from forkresize.store.objects.store import ObjectStore
from forkresize.urls import StoreUrl

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

_PROCESS = os.getpid()

_DIRECTORY_BUCKET = "--x-s3"
"""Ends the names of buckets of S3 Express, which list their objects in no order."""

_ALLOW_HTTP = {"s3": "AWS_ALLOW_HTTP", "gs": "GOOGLE_ALLOW_HTTP", "az": "AZURE_ALLOW_HTTP"}
"""Variables of obstore that permit requests without encryption."""

_ONCE: "RetryConfig" = {"max_retries": 0}
"""Most requests are repeated by ``retry``, for all clients alike."""


def open_bucket(url: StoreUrl, options: StoreOptions) -> ObjectStore:
    """Return the store of a bucket.

    Raises:
        FieldError: the endpoint is reached without encryption, which is not allowed.
        UsageError: there are no credentials, or the vendor's variables or files are invalid.
        RuntimeError: this process was forked after the libraries were loaded; their threads are missing.
    """
    if os.getpid() != _PROCESS:
        raise RuntimeError("object stores cannot be used in a forked process")
    try:
        return {"s3": _open_s3, "gs": _open_gs, "az": _open_az}[url.scheme](url, options)
    except FieldError:
        raise
    except UsageError as error:
        raise UsageError(f"{url}: {error}") from None
    except OSError as error:
        raise UsageError(f"{url}: {error.filename}: {describe(error)}") from None
    except (BotoCoreError, BaseError, ValueError) as error:
        # The libraries' texts may hold what they have read.
        problem = f"its credentials or settings are invalid or missing ({type(error).__name__})"
        raise UsageError(f"{url}: {problem}; check the vendor's environment variables and files") from None


def _open_s3(url: StoreUrl, options: StoreOptions) -> ObjectStore:
    aws = connect(options)
    endpoint = aws.client.meta.endpoint_url
    settings: dict[str, Any] = {"endpoint": endpoint, "region": aws.region}
    settings |= {"credential_provider": aws.credentials} if aws.credentials else {"skip_signature": True}
    fast = _open(S3Store, url, options, endpoint, settings)
    capabilities = Capabilities(conditional_put=True, ordered_listing=not url.bucket.endswith(_DIRECTORY_BUCKET))
    return ObjectStore.over(url, S3Client(fast, BotoClient(aws.client, url.bucket)), options, capabilities)


def _open_gs(url: StoreUrl, options: StoreOptions) -> ObjectStore:
    endpoint = os.environ.get("STORAGE_EMULATOR_HOST", "")
    settings: dict[str, Any] = {}
    if endpoint:
        endpoint = endpoint if "://" in endpoint else f"http://{endpoint}"
        settings = {"base_url": endpoint, "skip_signature": True}
    client = _open(GCSStore, url, options, endpoint or os.environ.get("GOOGLE_BASE_URL", ""), settings)
    return ObjectStore.over(url, client, options, Capabilities(conditional_put=True))


def _open_az(url: StoreUrl, options: StoreOptions) -> ObjectStore:
    endpoint = os.environ.get("AZURE_STORAGE_ENDPOINT") or os.environ.get("AZURE_ENDPOINT", "")
    if not endpoint and is_set("AZURE_STORAGE_USE_EMULATOR"):
        endpoint = os.environ.get("AZURITE_BLOB_STORAGE_URL", "http://127.0.0.1:10000")
    client = _open(AzureStore, url, options, endpoint, {})
    return ObjectStore.over(url, client, options, Capabilities(conditional_put=True, ordered_listing=False))


def _open(
    store: Any, url: StoreUrl, options: StoreOptions, endpoint: str, settings: Mapping[str, Any]
) -> ObstoreClient:
    """Return a client of obstore.

    Args:
        store: its class for the vendor.
        url: the bucket.
        options: limits of the requests.
        endpoint: where the requests go; empty for the vendor's own.
        settings: of the vendor.
    """
    limits: ClientConfig = {
        "allow_http": allows_http(endpoint, options, _ALLOW_HTTP[url.scheme]),
        "connect_timeout": timedelta(seconds=options.connect_timeout),
        "timeout": timedelta(seconds=options.timeout),
    }
    if bundle := os.environ.get("AWS_CA_BUNDLE"):
        with open(bundle, "rb") as file:
            limits["root_certificate"] = file.read()
    hasty: ClientConfig = {**limits, "read_timeout": timedelta(seconds=options.stall_timeout)}
    repeated: RetryConfig = {
        "max_retries": options.retries,
        "retry_timeout": timedelta(seconds=options.retry_timeout),
        "backoff": {"init_backoff": timedelta(seconds=options.first_delay)},
    }
    all_limits = ((hasty, _ONCE), (limits, _ONCE), (hasty, repeated))
    connections = (
        store(url.bucket, client_options=client, retry_config=retry, **settings) for client, retry in all_limits
    )
    return ObstoreClient(Connections(*connections), AZURE_UNUSABLE if url.scheme == "az" else None)
