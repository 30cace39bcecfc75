"""What an upgrade must not do to a live pool, besides what the planner refuses. Pure.

Helm would take away the peer of a node that values no longer list, and a changed state folder is an empty one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hooks.gluster.model import Observed
from hooks.plan.obstacles import NetworkChanged, NodeRemoved, NodesPending, StatePathChanged, TlsChanged
from hooks.plan.state import HookState
from hooks.values.model import Values


@dataclass(frozen=True)
class LivePeer:
    """A peer's StatefulSet as it is in the cluster: its state folder on the node, all directories that it has there."""

    state: str
    directories: frozenset[str]
    ready: bool = False
    tls: bool = False


LivePeers = Mapping[str, LivePeer]
"""The release's peers by node."""


def network_of(values: Values) -> str:
    """The network on which a pool is made, for the record that its next hooks read."""
    return "hosts" if values.host_network else f"pods in {values.cluster_domain}"


def network_changed(values: Values, recorded: str | None) -> Iterator[NetworkChanged]:
    """The pool was made on the network `recorded`: on another one nobody would find its peers and bricks."""
    if recorded in (None, network_of(values)):
        return
    on_hosts = recorded == "hosts"
    if on_hosts != values.host_network:
        asked = f"`hostNetwork: {str(values.host_network).lower()}`"
    else:
        asked = f"`clusterDomain: {values.cluster_domain}`"
    domain = recorded.removeprefix("pods in ")
    made = "the nodes' network" if on_hosts else f"the pod network, with names in {domain}"
    yield NetworkChanged(made=made, asked=asked)


def state_path_changed(values: Values, live: LivePeers) -> Iterator[StatePathChanged]:
    """State folders other than the one that the values name: the peers would come up empty."""
    for path in sorted({peer.state for peer in live.values()} - {values.state_path}):
        nodes = tuple(sorted(node for node, peer in live.items() if peer.state == path))
        yield StatePathChanged(nodes=nodes, live=path, asked=values.state_path)


def tls_changed(values: Values, live: LivePeers, state: HookState) -> Iterator[TlsChanged]:
    """The pool cannot get TLS, or lose it, by an upgrade: a peer that is alone in that finds no other one.

    A peer that never came up, and that no earlier run recorded, has nothing to lose.
    """
    has = {peer.tls for node, peer in live.items() if peer.ready or node in state.uuids}
    if not has <= {values.tls}:
        yield TlsChanged(asked=True not in has)


def removed_nodes(
    values: Values, live: LivePeers, state: HookState, observed: Observed | None
) -> Iterator[NodeRemoved]:
    """Nodes with a peer that cannot be taken out of values: the pool still knows it, or nobody can be asked (None).

    A node without a recorded UUID whose pod never came up may go.
    """
    for node in sorted(live.keys() - {node.name for node in values.nodes}):
        uuid = state.uuids.get(node)
        if observed is None:
            if uuid or live[node].ready:
                yield NodeRemoved(node=node, bricks=(), readable=False)
        elif uuids := _uuids_of(uuid, state, observed):
            yield NodeRemoved(node=node, bricks=_bricks(uuids, observed), readable=True)


def pending_nodes(nodes: tuple[str, ...], live: LivePeers) -> Iterator[NodesPending]:
    """Nodes without a peer yet, beside others that have one: a first install needs no word on that."""
    if nodes and live:
        yield NodesPending(nodes=nodes)


def restarting(values: Values, live: LivePeers) -> set[str]:
    """Nodes whose pods will be replaced for brick directories that they do not have yet."""
    return {node.name for node in values.nodes if node.name in live and set(node.bricks) - live[node.name].directories}


def _uuids_of(uuid: str | None, state: HookState, observed: Observed) -> frozenset[str]:
    """UUIDs by which the pool may know a node; without a recorded one any that nobody else accounts for."""
    if uuid:
        return observed.pool_uuids & {uuid}
    return observed.pool_uuids - {peer.uuid for peer in observed.peers} - set(state.uuids.values())


def _bricks(uuids: frozenset[str], observed: Observed) -> tuple[str, ...]:
    return tuple(
        f"{volume.name} ({brick.path})" for volume in observed.volumes for brick in volume.bricks if brick.peer in uuids
    )
