"""Keep the tests of one server in one process of pytest-xdist."""

from typing import Any

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Give tests the ids that name their groups: pytest-xdist 3.8 sets them where pytest 9.2 no longer reads them."""
    for item in items:
        wanted = getattr(item, "_nodeid", item.nodeid)
        if wanted != item.nodeid:
            from _pytest.nodeid import coerce_node_id

            item._id = coerce_node_id(wanted)  # noqa: SLF001 -- there is no public way to set it.
