"""By which addresses the peers of a pool know each other, and that these stay. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from hooks.kube.pods import PeerPod
from hooks.values.model import Values


def addresses_of(values: Values, pods: Sequence[PeerPod]) -> dict[str, str]:
    """Node -> its peer's address: on the hosts' network what the values ask for or the node's own, else its pod's name.

    Drained nodes come last: the first ones speak for the pool.
    """
    if not values.host_network:
        last = sorted(pods, key=lambda pod: pod.node in values.drained)
        return {pod.node: f"{pod.dns_name}.{values.cluster_domain}" for pod in last}
    own = {pod.node: pod.host_ip for pod in pods}
    nodes = sorted(values.nodes, key=lambda node: node.drained)
    return {node.name: node.address or own[node.name] for node in nodes}


def network_of(values: Values) -> str:
    """The network on which a pool is made, for the record that its next hooks read."""
    return "hosts" if values.host_network else f"pods in {values.cluster_domain}"


def network_changed(values: Values, recorded: str | None) -> str:
    """Why values cannot be used for a pool that was made on the network `recorded`; "" where they can.

    On another one nobody would find its peers and bricks under the names they have.
    """
    if recorded in (None, network_of(values)):
        return ""
    on_hosts = recorded == "hosts"
    if on_hosts != values.host_network:
        now = f"`hostNetwork: {str(values.host_network).lower()}`"
    else:
        now = f"`clusterDomain: {values.cluster_domain}`"
    made = "the nodes' network" if on_hosts else f"the pod network, with names in {recorded.removeprefix('pods in ')}"
    return (
        f"The pool was made on {made}, the values ask for {now}. It stays there, nothing was changed: "
        "put the old value back."
    )
