"""A cluster of these tests' own: two nodes, under an id of its own, so that the checkout's cluster is left alone."""

import os
from collections.abc import Iterator

import pytest

from testbed import cluster
from testbed.native import Native
from tests.testbed.helpers import OWN_ID, command_line


@pytest.fixture(scope="module")
def own_id() -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("the native test bed needs root")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TESTBED_ID", OWN_ID)
        yield
        command_line("down")


@pytest.fixture(scope="module")
def two_nodes(own_id: None) -> Native:
    command_line("up", "--provider", "native", "--nodes", "2")
    current = cluster.current()
    assert isinstance(current, Native)
    return current
