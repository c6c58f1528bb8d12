"""The rendered chart."""

import pytest

from tests.deploy.charts import CHART, Rendered, make_cases, render


@pytest.fixture(scope="session")
def chart() -> Rendered:
    """The chart with all values of tests; mark its tests with ``uses("chart")``."""
    return render(CHART, make_cases())
