"""Memory that goes from picture to picture."""

import ctypes
import subprocess
import sys

import pytest

from forkresize.image.malloc import cache_freed_memory

FAULTS = """
import resource
from PIL import Image
from forkresize.image.malloc import cache_freed_memory
{first}
def work():
    large, small = Image.new("RGB", (8000, 1000), "red"), Image.new("RGB", (800, 600), "red")
for _ in range(5):
    work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(first: str) -> int:
    script = FAULTS.format(first=first)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="a C library without mallopt")
def test_pages_are_reused_from_picture_to_picture() -> None:
    assert faults("assert cache_freed_memory()") * 10 < faults("")


def test_a_library_that_can_not_be_told_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    assert not cache_freed_memory.__wrapped__()
