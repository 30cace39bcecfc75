"""By which addresses the peers of a pool know each other. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from hooks.kube.pods import PeerPod
from hooks.values.model import Values


def placeholder(node: str) -> str:
    """What stands in a plan for an address that nobody knows yet."""
    return f"ADDRESS-OF-{node}"


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
