"""Which address a peer has, and that a pool keeps the addresses it was made with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hooks.addresses import addresses_of, moved
from hooks.pods import PeerPod
from hooks.values import Node, Values

DNS = "gluster-a-0.gluster.storage.svc"
ON_HOST = PeerPod("a", "gluster-a-0", "10.0.0.1", "", dns_name=DNS)
ON_PODS = replace(ON_HOST, address=f"{DNS}.cluster.local")


def values(host_network: bool, domain: str = "cluster.local", address: str | None = None) -> Values:
    return Values((Node("a", address, ()),), (), False, False, host_network, domain)


def test_addresses() -> None:
    assert addresses_of(values(True), [ON_HOST]) == {"a": "10.0.0.1"}
    assert addresses_of(values(True, address="192.168.58.21"), [ON_HOST]) == {"a": "192.168.58.21"}
    assert addresses_of(values(False), [ON_PODS]) == {"a": f"{DNS}.cluster.local"}


@pytest.mark.parametrize(
    ("wanted", "pod", "says"),
    [
        (values(True), ON_HOST, ""),
        (values(True, "other.domain"), ON_HOST, ""),
        (values(False), ON_PODS, ""),
        (values(False), ON_HOST, "a is on its node's network, values say `hostNetwork: false`."),
        (values(True), ON_PODS, "a is on the pod network, values say `hostNetwork: true`."),
        (values(False, "b"), ON_PODS, f"a is known as {DNS}.cluster.local, values say `clusterDomain: b`."),
    ],
)
def test_a_pool_keeps_its_addresses(wanted: Values, pod: PeerPod, says: str) -> None:
    assert [text.split(" A pool keeps")[0] for text in moved(wanted, [pod])] == ([says] if says else [])
