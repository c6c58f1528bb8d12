"""Object stores: S3, Google Cloud Storage and Azure Blob Storage. Their libraries are the extra ``cloud``.

For a process that never forks: the libraries have threads.
"""

from forkresize.store.objects.opening import open_store
from forkresize.store.objects.options import NO_CONDITIONAL_PUT, StoreOptions

__all__ = ["NO_CONDITIONAL_PUT", "StoreOptions", "open_store"]
