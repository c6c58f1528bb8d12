"""Open the store that a URL names."""

from importlib.util import find_spec

from forkresize.errors import UsageError
from forkresize.extras import install_command
from forkresize.store.base import OutputStore
from forkresize.store.local import LocalStore
from forkresize.store.objects.options import StoreOptions
from forkresize.urls import parse_store_url


def open_store(url: str, options: StoreOptions | None = None) -> OutputStore:
    """Return the store of a URL. No request is sent.

    Args:
        url: ``s3://``, ``gs://``, ``az://`` or ``file://``; credentials, region and endpoint come from the vendor's
            environment variables and files.
        options: limits of its requests.

    Raises:
        FieldError: the endpoint is reached without encryption, which is not allowed.
        UsageError: the URL is invalid, or the libraries or credentials for it are missing.
    """
    parsed = parse_store_url(url)
    if parsed.scheme == "file":
        return LocalStore(parsed.prefix)
    for module in ("obstore", "boto3"):
        if find_spec(module) is None:
            raise UsageError(f"{parsed}: stores of this kind need the extra cloud: {install_command('cloud')}")
    from forkresize.store.objects.backends import open_bucket

    return open_bucket(parsed, options or StoreOptions())
