import os

import pytest

from forkresize.pool.stderr import CAPTURED_BYTES, StderrFile


@pytest.mark.parametrize("anonymous_memory", [True, False])
def test_what_is_written_is_taken_once_and_only_its_end(
    monkeypatch: pytest.MonkeyPatch, anonymous_memory: bool
) -> None:
    if not anonymous_memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    file = StderrFile()
    assert file.take() == b""
    for text in (b"first", b"second" * CAPTURED_BYTES):
        os.write(file.fileno(), text)
        assert file.read() == text[-CAPTURED_BYTES:]
        assert file.take() == text[-CAPTURED_BYTES:]
        assert file.take() == b""
    file.close()
