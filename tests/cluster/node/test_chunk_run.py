"""What a chunk's manifest is read from; the rest of the work is in ``tests/cluster/test_node.py``."""

from io import FileIO
from pathlib import Path

import pytest

from forkresize.cluster.jsonlines import ManifestError
from forkresize.cluster.node.chunk_run import read_document
from forkresize.store import LocalStore


class _WithoutTemporaryFiles(LocalStore):
    """Opens a key as an object store does on a machine without room for temporary files."""

    def open(self, key: str) -> FileIO:
        raise FileNotFoundError(2, "No usable temporary directory found", key)


def test_a_manifest_is_missing_only_if_the_store_does_not_have_it(tmp_path: Path) -> None:
    store = _WithoutTemporaryFiles(str(tmp_path))
    store.put("manifest", b"content")
    with pytest.raises(FileNotFoundError, match="No usable temporary directory"):
        read_document(store, "manifest")
    with pytest.raises(ManifestError, match="'other' is missing"):
        read_document(store, "other")
