"""Fixtures of the cluster tests; the kubeconfig comes from pytest-helm-charts' --kubeconfig."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_helm_charts.clusters import Cluster

from tests.cluster.lab import Lab, Release


@pytest.fixture(scope="module")
def lab(kube_cluster: Cluster) -> Lab:
    """The cluster under test. Fails where it has no three workers: these tests show what three nodes do."""
    lab = Lab(str(kube_cluster.kube_config_path))
    assert len(lab.workers) >= 3, f"the cluster has the workers {lab.workers}, the tests need three"
    return lab


@pytest.fixture(scope="module")
def namespace(lab: Lab) -> Iterator[str]:
    with lab.namespace() as name:
        yield name


@pytest.fixture
def release(lab: Lab, namespace: str) -> Iterator[Release]:
    """A release with Helm 4 that is gone again afterwards, pods included; what it left on the nodes stays."""
    release = Release(lab, namespace)
    yield release
    release.uninstall()
