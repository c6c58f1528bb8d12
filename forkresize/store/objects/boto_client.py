"""Requests by boto3: for listings of S3 buckets, and for the keys that obstore cannot express."""

import contextlib
import errno
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from botocore import exceptions
from botocore.parsers import ResponseParserError

from forkresize.store.base import write_pieces
from forkresize.store.info import ObjectInfo, PutOptions
from forkresize.store.objects import errors
from forkresize.store.objects.media import guess_content_type
from forkresize.store.objects.obstore_client import plain_etag, to_nanoseconds

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_PIECE = 1 << 20

_HEADERS = {
    "Content-Disposition": "ContentDisposition",
    "Content-Encoding": "ContentEncoding",
    "Content-Language": "ContentLanguage",
}

_STATUS = {"AccessDenied": 403, "MethodNotAllowed": 405, "NoSuchKey": 404}
"""Of codes in answers that have no status for each object. Others are errors of the server, which may pass."""

_LOST = (
    exceptions.ConnectionClosedError,
    exceptions.HTTPClientError,
    exceptions.IncompleteReadError,
    exceptions.ResponseStreamingError,
    ResponseParserError,
)


class BotoClient:
    """Requests to a bucket of S3, for names of any characters; see ``ObjectClient``."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def get(self, name: str, file: BinaryIO, expected: ObjectInfo | None) -> ObjectInfo:
        """Write an object into a file."""
        with _translate():
            answer = self._client.get_object(Bucket=self._bucket, Key=name)
            found = _info(name, answer["ContentLength"], answer)
            with contextlib.closing(answer["Body"]) as body:
                errors.check_expected(found, expected)
                size = write_pieces(file, body.iter_chunks(_PIECE))
        if size != found.size:
            raise errors.wrong_length(size, found.size)
        return found

    def head(self, name: str) -> ObjectInfo | None:
        """Return the metadata of an object; None if it does not exist."""
        try:
            with _translate():
                answer = self._client.head_object(Bucket=self._bucket, Key=name)
        except FileNotFoundError:
            return None
        return _info(name, answer["ContentLength"], answer)

    def put(self, name: str, data: bytes | memoryview, options: PutOptions) -> ObjectInfo:
        """Create or replace an object."""
        arguments = _arguments(name, options)
        try:
            with _translate():
                answer = self._client.put_object(Bucket=self._bucket, Key=name, Body=bytes(data), **arguments)
        except OSError as error:
            raise errors.failed_condition(error, options) from None
        etag = plain_etag(answer.get("ETag", "")) or None
        return ObjectInfo(name, len(data), 0, 0, etag=etag, version=answer.get("VersionId"))

    def delete(self, name: str) -> None:
        """Remove an object if it exists."""
        with _translate():
            self._client.delete_object(Bucket=self._bucket, Key=name)

    def delete_many(self, names: Sequence[str]) -> dict[str, OSError]:
        """Remove objects with one request; their names consist of characters that XML has."""
        with _translate():
            wanted: Any = {"Objects": [{"Key": name} for name in names], "Quiet": True}
            answer = self._client.delete_objects(Bucket=self._bucket, Delete=wanted)
        failed = {}
        for each in answer.get("Errors", ()):
            error = errors.error_from_status(_STATUS.get(each.get("Code", ""), 500), each.get("Code", ""))
            if errors.is_transient(error):
                raise error
            failed[each.get("Key", "")] = error
        return failed

    def list_pages(self, prefix: str, after: str) -> Iterator[list[ObjectInfo]]:
        """Yield the objects whose names start with a prefix, in the order of their bytes."""
        start: dict[str, Any] = {"StartAfter": after} if after else {}
        while True:
            with _translate():
                page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, **start)
            yield [_info(each["Key"], each["Size"], each) for each in page.get("Contents", ())]
            if not page.get("IsTruncated"):
                return
            start = {"ContinuationToken": page["NextContinuationToken"]}


@contextlib.contextmanager
def _translate() -> Iterator[None]:
    """Raise an ``OSError`` for an error of boto3, whose own text repeats what the store wrote."""
    try:
        yield
    except exceptions.ClientError as error:
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        raise errors.error_from_status(status, str(error.response.get("Error", {}).get("Code", ""))) from None
    except (exceptions.BotoCoreError, ResponseParserError) as error:
        raise _error(error) from None


def _arguments(name: str, options: PutOptions) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ContentType": options.content_type or guess_content_type(name),
        **{_HEADERS[header]: value for header, value in options.metadata.items() if header in _HEADERS},
        "Metadata": {header: value for header, value in options.metadata.items() if header not in _HEADERS},
    }
    if options.cache_control:
        found["CacheControl"] = options.cache_control
    if options.create:
        found["IfNoneMatch"] = "*"
    if options.replaces is not None:
        found["IfMatch"] = f'"{options.replaces.etag}"'
    return found


def _info(name: str, size: int, answer: Any) -> ObjectInfo:
    modified = to_nanoseconds(answer["LastModified"])
    etag = plain_etag(answer.get("ETag", "")) or None
    return ObjectInfo(name, size, modified, modified, etag=etag, version=answer.get("VersionId"))


def _error(error: Exception) -> OSError:
    """Return the error for a request that got no answer, or none that can be read."""
    if isinstance(error, exceptions.ConnectTimeoutError | exceptions.ReadTimeoutError):
        return errors.timed_out()
    if isinstance(error, exceptions.SSLError):
        return errors.not_secure()
    if isinstance(error, exceptions.EndpointConnectionError):
        return errors.connection_refused()
    if isinstance(error, _LOST):
        return errors.connection_lost()
    if isinstance(error, exceptions.NoCredentialsError | exceptions.CredentialRetrievalError):
        return OSError(errno.EACCES, "no credentials were found: set them as for other programs of the vendor")
    return OSError(errno.EINVAL, f"the request could not be made ({type(error).__name__})")
