"""By which addresses the peers of a pool know each other, and that these stay. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hooks.pods import PeerPod
from hooks.values import Values


def addresses_of(values: Values, pods: Sequence[PeerPod]) -> dict[str, str]:
    """Node -> its peer's address: on the hosts' network what values say or the node's own, else its pod's name."""
    if not values.host_network:
        return {pod.node: f"{pod.dns_name}.{values.cluster_domain}" for pod in pods}
    own = {pod.node: pod.host_ip for pod in pods}
    return {node.name: node.address or own[node.name] for node in values.nodes}


def moved(values: Values, pods: Sequence[PeerPod]) -> Iterator[str]:
    """Pods whose peers would lose the addresses that a pool, its bricks and its clients know them by."""
    tail = "A pool keeps the network and the names that it was made with: put the old value back."
    for pod in pods:
        on_host, domain = not pod.address, pod.address.removeprefix(f"{pod.dns_name}.")
        if on_host != values.host_network:
            here = "its node's network" if on_host else "the pod network"
            yield f"{pod.node} is on {here}, values say `hostNetwork: {str(values.host_network).lower()}`. {tail}"
        elif not on_host and domain != values.cluster_domain:
            yield f"{pod.node} is known as {pod.address}, values say `clusterDomain: {values.cluster_domain}`. {tail}"
