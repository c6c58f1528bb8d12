"""A node with a bug: it fails at the outcome of each picture whose name contains ``poison``."""

import sys
from typing import Any

from forkresize.cluster.node import chunk_run
from forkresize.daemon import main

hooked: Any = chunk_run
_outcomes_from_result = hooked.outcomes_from_result


def outcomes_from_result(result: Any, store: Any) -> Any:
    if "poison" in result.item.source.path:
        raise RuntimeError("no reason at all")
    return _outcomes_from_result(result, store)


if __name__ == "__main__":
    hooked.outcomes_from_result = outcomes_from_result
    sys.exit(main(sys.argv[1:]))
