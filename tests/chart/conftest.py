from __future__ import annotations

import pytest

from tests.chart.helm import EXAMPLES, Helm, Rendered, find


@pytest.fixture(scope="session", params=["helm", "helm3"])
def helm(request: pytest.FixtureRequest) -> Helm:
    """Helm 4 and Helm 3. Where there is none the test fails: a chart that nobody rendered is not tested."""
    return find(request.param)


@pytest.fixture(scope="session")
def helm4() -> Helm:
    """Helm 4 alone, where test_render shows that Helm 3 makes the same of it."""
    return find("helm")


@pytest.fixture(scope="session")
def maximal(helm4: Helm) -> Rendered:
    """The example with every value."""
    return helm4.template(EXAMPLES["maximal"])


@pytest.fixture(scope="session")
def three(helm4: Helm) -> Rendered:
    """The smallest useful values: three nodes and a volume."""
    return helm4.template(EXAMPLES["three-nodes"])
