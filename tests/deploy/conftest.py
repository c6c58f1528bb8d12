"""The rendered charts."""

import pytest

from tests.deploy.charts import CHAOS, CHART, EXPERIMENTS, Rendered, make_cases, render


@pytest.fixture(scope="session")
def chart() -> Rendered:
    """The chart with all values of tests; mark its tests with ``uses("chart")``."""
    return render(CHART, make_cases())


@pytest.fixture(scope="session")
def chaos() -> Rendered:
    """The chart with experiments."""
    return render(CHAOS, EXPERIMENTS)
