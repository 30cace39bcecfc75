"""Which address a peer has, and that a pool stays on its network."""

from __future__ import annotations

import pytest

from hooks.kube.pods import PeerPod
from hooks.run.addresses import addresses_of, network_changed, network_of
from hooks.values.model import Node, Values

DNS = "gluster-a-0.gluster.storage.svc"
POD = PeerPod("a", "gluster-a-0", "10.0.0.1", "", dns_name=DNS)


def values(host_network: bool, domain: str = "cluster.local", address: str | None = None) -> Values:
    return Values((Node("a", address, ()),), (), False, False, host_network, domain)


def test_addresses() -> None:
    assert addresses_of(values(True), [POD]) == {"a": "10.0.0.1"}
    assert addresses_of(values(True, address="192.168.58.21"), [POD]) == {"a": "192.168.58.21"}
    assert addresses_of(values(False), [POD]) == {"a": f"{DNS}.cluster.local"}


@pytest.mark.parametrize(
    ("made", "wanted", "says"),
    [
        (values(True), values(True), ""),
        (values(True), values(True, "b"), ""),
        (values(False), values(False), ""),
        (values(True), values(False), "on the nodes' network, the values ask for `hostNetwork: false`. It stays there"),
        (values(False), values(True), "with names in cluster.local, the values ask for `hostNetwork: true`. It stays"),
        (
            values(False),
            values(False, "b"),
            "with names in cluster.local, the values ask for `clusterDomain: b`. It stays",
        ),
    ],
)
def test_a_pool_stays_on_its_network(made: Values, wanted: Values, says: str) -> None:
    assert says in network_changed(wanted, network_of(made))
    assert bool(says) == bool(network_changed(wanted, network_of(made)))
    assert not network_changed(wanted, None), "no pool was made yet"
