"""The memory of a run does not depend on the number of objects."""

import pytest

from benchmarks.remote import peak_memory

pytestmark = pytest.mark.slow


def test_memory_is_the_same_for_any_number_of_keys() -> None:
    few, many = peak_memory(1000), peak_memory(60_000)
    # 60,000 sources and outputs would take 60 MiB and more.
    assert many - few < 20 * 1024
