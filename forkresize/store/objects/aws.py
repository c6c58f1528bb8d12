"""The client of AWS, with the credentials, region and endpoint that AWS's own programs use."""

import os
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import boto3
import botocore
import botocore.session
from botocore.config import Config
from botocore.utils import parse_timestamp
from obstore.auth.boto3 import Boto3CredentialProvider

from forkresize.errors import UsageError
from forkresize.store.objects.endpoint import is_set
from forkresize.store.objects.options import StoreOptions

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_CONNECTIONS = 64
"""Connections of boto3 that are kept."""

_NO_CREDENTIALS = (
    "no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; for a public bucket, "
    "set AWS_SKIP_SIGNATURE=true"
)


class AwsConnection(NamedTuple):
    """What requests to all buckets have in common. Thread-safe.

    Attributes:
        client: boto3's.
        region: the region that requests are signed for.
        credentials: for obstore; None for public buckets.
    """

    client: "S3Client"
    region: str
    credentials: Boto3CredentialProvider | None


def connect(options: StoreOptions) -> AwsConnection:
    """Return a client for the settings of the moment; it is made once for each, since that takes half a second.

    Raises:
        UsageError: there are no credentials.
        BotoCoreError: the settings are invalid.
    """
    settings = {name: value for name, value in os.environ.items() if name.startswith("AWS_") or name == "HOME"}
    return _connect(frozenset(settings.items()), options)


@lru_cache(maxsize=16)
def _connect(_settings: frozenset[tuple[str, str]], options: StoreOptions) -> AwsConnection:
    core = botocore.session.Session()
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=parse_time)
    session = boto3.Session(botocore_session=core)
    is_public = is_set("AWS_SKIP_SIGNATURE")
    if not is_public and session.get_credentials() is None:
        raise UsageError(_NO_CREDENTIALS)
    config = Config(
        connect_timeout=options.connect_timeout,
        read_timeout=options.stall_timeout,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=_CONNECTIONS,
        # Not all servers know the checksums that newer versions add.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        **({"signature_version": botocore.UNSIGNED} if is_public else {}),
    )
    region = session.region_name or "us-east-1"
    client = session.client("s3", config=config, region_name=region)
    return AwsConnection(client, region, None if is_public else Boto3CredentialProvider(session))


def parse_time(text: str) -> datetime:
    """Return the time that a listing or a header states; a listing's is parsed a hundred times as fast as by boto3."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return parse_timestamp(text)
