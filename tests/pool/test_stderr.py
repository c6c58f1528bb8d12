import os

import pytest

from forkresize.pool.stderr import CAPTURED_BYTES, StderrFile


@pytest.mark.parametrize("anonymous_memory", [True, False])
def test_drain_returns_the_end_once(monkeypatch: pytest.MonkeyPatch, anonymous_memory: bool) -> None:
    if not anonymous_memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    file = StderrFile()
    assert file.drain() == b""
    for text in (b"first", b"second" * CAPTURED_BYTES):
        os.write(file.fileno(), text)
        assert file.read() == text[-CAPTURED_BYTES:]
        assert file.drain() == text[-CAPTURED_BYTES:]
        assert file.drain() == b""
    file.close()
