"""Fixtures of the cluster tests; `kube_cluster` and --kubeconfig are pytest-helm-charts'."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from testbed import cluster, config
from testbed.cluster import Cluster
from testbed.config import ClusterError
from tests.cluster.lab import Lab
from tests.cluster.release import Release


@pytest.fixture(scope="session")
def own_bed() -> Iterator[str]:
    """Where tests run side by side (pytest -n), the kubeconfig of a further worker's own test bed, else ""."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    if worker == "gw0":
        yield ""
        return
    provider = cluster.current().provider
    os.environ["TESTBED_ID"] = f"{config.cluster_id()[:9]}{worker}"
    try:
        bed = cluster.up(provider, 4, None, "2G")
        bed.load(["csi-provisioner", "csi-resizer"])
        yield str(bed.kubeconfig)
    finally:
        cluster.down()


@pytest.fixture(scope="module")
def lab(own_bed: str, request: pytest.FixtureRequest) -> Lab:
    """The cluster under test. Fails where it has no three workers: these tests show what three nodes do."""
    lab = Lab(own_bed or str(request.getfixturevalue("kube_cluster").kube_config_path))
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
def four(lab: Lab) -> list[str]:
    if len(lab.workers) < 4:
        pytest.skip("a node can only leave where another one takes its bricks: this needs four workers")
    return lab.workers[:4]


@pytest.fixture
def hosts_state(lab: Lab, namespace: str) -> Iterator[str]:
    with lab.hosts_state(namespace) as folder:
        yield folder


@pytest.fixture(scope="module")
def machines(lab: Lab) -> Cluster:
    """The test bed below the cluster, for faults that Kubernetes knows no words for. Only it has power to cut."""
    try:
        bed = cluster.current()
    except ClusterError:
        pytest.skip("the cluster is not the test bed's: nobody can cut its nodes' power")
    if bed.kubeconfig.read_text() != Path(lab.kubeconfig).read_text():
        pytest.skip("the cluster is not this checkout's test bed: nobody can cut its nodes' power")
    return bed


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails shows the events of its namespace, which goes with its objects when the test's module ends."""
    report = yield
    funcargs = getattr(item, "funcargs", {})
    if report.failed and {"lab", "namespace"} <= funcargs.keys():
        asked = ("get", "pods,events", "-n", funcargs["namespace"], "--sort-by=.metadata.creationTimestamp")
        report.sections.append(("cluster", funcargs["lab"].kubectl(*asked, "-o", "wide", check=False)))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the pool was put through (tests/cluster/faults), wherever pytest's workers did it."""
    told = [value for report in terminalreporter.getreports("passed") for value in report.user_properties]
    faults = [value for name, value in told if name == "fault"]
    if not faults:
        return
    terminalreporter.section("faults")
    for fault, _, words in faults:
        terminalreporter.write_line(f"{fault}: {words}")
    again = sum(value for name, value in told if name == "checked")
    terminalreporter.write_line(
        f"{len(faults)} faults; {sum(count for _, count, _ in faults)} bytes were right after the fault they were "
        f"written in, {again} counted again at the end"
    )
