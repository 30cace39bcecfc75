"""What an upgrade must not do to a live pool, besides what the planner refuses. Pure.

Helm would take away the peer of a node that values no longer list, and a changed state folder is an empty one.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from hooks.gluster.model import Observed
from hooks.text import joined
from hooks.values.model import Values


@dataclass(frozen=True)
class LivePeer:
    """A peer's StatefulSet as it is in the cluster: its state folder on the node, all directories that it has there."""

    state: str
    directories: frozenset[str]
    ready: bool = False
    tls: bool = False


def state_path_changed(values: Values, live: Mapping[str, LivePeer]) -> list[str]:
    """Why the state folder cannot be the one that values name: the peers would come up empty."""
    return [
        f"statePath is {values.state_path}, but the pool's state lies in {path} on {joined(sorted(nodes))}. Its peers "
        f"would come up without it, as new ones. Put {path} back."
        for path in sorted({peer.state for peer in live.values()} - {values.state_path})
        if (nodes := [node for node, peer in live.items() if peer.state == path])
    ]


def tls_changed(values: Values, live: Mapping[str, LivePeer], recorded: Container[str]) -> list[str]:
    """Why the pool cannot get TLS, or lose it, as the values ask for: a peer that is alone in that finds no other one.

    A peer that never came up, and that no earlier run `recorded`, has nothing to lose.
    """
    has = {peer.tls for node, peer in live.items() if peer.ready or node in recorded}
    if has <= {values.tls}:
        return []
    now, said = ("runs with TLS", "false") if True in has else ("runs without TLS", "true")
    return [
        f"The pool {now}, the values ask for `tls.enabled: {said}`. All peers and clients would have to change at "
        f"once, so an upgrade cannot do that: set `tls.enabled: {'true' if True in has else 'false'}` "
        "(the README says how a pool gets TLS later)."
    ]


def removed_nodes(
    values: Values, live: Mapping[str, LivePeer], recorded: Mapping[str, str], observed: Observed | None
) -> list[str]:
    """Why nodes with a peer cannot be taken out of values: the pool still knows it, or nobody can be asked (None).

    `recorded` are the nodes' UUIDs of earlier runs. A node without one whose pod never came up may go.
    """
    refusals = []
    for node in sorted(live.keys() - {node.name for node in values.nodes}):
        uuid = recorded.get(node)
        if observed is None:
            why = "the pool cannot be asked whether it still needs that peer" if uuid or live[node].ready else ""
        else:
            why = _needed(uuid, recorded, observed)
        if why:
            refusals.append(f"{node} was taken out of `nodes`, but {why}. Put it back.")
    return refusals


def _needed(uuid: str | None, recorded: Mapping[str, str], observed: Observed) -> str:
    """Why the pool needs this peer; without a recorded UUID it may be any member that nobody else accounts for."""
    strangers = observed.pool_uuids - {peer.uuid for peer in observed.peers} - set(recorded.values())
    found = {uuid} & observed.pool_uuids if uuid else strangers
    bricks = [
        f"{volume.name} ({brick.path})" for volume in observed.volumes for brick in volume.bricks if brick.peer in found
    ]
    if bricks:
        return f"its peer holds bricks of {joined(bricks)}"
    return "its peer is in the pool" if found else ""


def restarting(values: Values, live: Mapping[str, LivePeer]) -> set[str]:
    """Nodes whose pods will be made anew for brick directories that they do not have yet."""
    return {node.name for node in values.nodes if node.name in live and set(node.bricks) - live[node.name].directories}
