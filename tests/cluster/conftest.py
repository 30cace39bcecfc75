"""Fixtures of the cluster tests; the kubeconfig comes from pytest-helm-charts' --kubeconfig."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_helm_charts.clusters import Cluster

from testbed import cluster
from testbed.config import ClusterError
from testbed.native import Native
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


@pytest.fixture(scope="module")
def machines(lab: Lab) -> Native:
    """The test bed below the cluster, for faults that Kubernetes knows no words for. Only it has power to cut."""
    try:
        bed = cluster.current()
    except ClusterError:
        pytest.skip("the cluster is not the test bed's: nobody can cut its nodes' power")
    if not isinstance(bed, Native) or bed.kubeconfig.read_text() != Path(lab.kubeconfig).read_text():
        pytest.skip("the cluster is not the native test bed's: nobody can cut its nodes' power")
    return bed
