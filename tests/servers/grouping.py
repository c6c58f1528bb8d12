"""Keep the tests of one server in one process of pytest-xdist, and start the longest groups first."""

from typing import Any

import pytest

_LONGEST = ("cluster", "batches", "postgresql", "ministack")
"""Groups that would delay the end of all tests if they began late, the longest first."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[Any]) -> None:
    """Sort the tests of a process, and give them the ids that name their groups.

    pytest-xdist 3.8 sets these ids where pytest 9.2 no longer reads them.
    """
    if not hasattr(config, "workerinput"):
        return
    items.sort(key=_rank)
    for item in items:
        wanted = getattr(item, "_nodeid", item.nodeid)
        if wanted != item.nodeid:
            from _pytest.nodeid import coerce_node_id

            item._id = coerce_node_id(wanted)  # noqa: SLF001 -- there is no public way to set it.


def _rank(item: Any) -> int:
    """Return the place of a test: groups of servers, then slow tests, then all others."""
    group = item.get_closest_marker("xdist_group")
    if group is not None:
        name = group.args[0]
        return _LONGEST.index(name) if name in _LONGEST else len(_LONGEST)
    return len(_LONGEST) + (1 if item.get_closest_marker("slow") else 2)
