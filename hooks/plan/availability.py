"""What the pool would miss while a peer is away. Pure."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping

from hooks.gluster.model import Observed, Volume
from hooks.plan.bricks import in_sets, live_bricks
from hooks.plan.obstacles import QuorumLost, SetUnavailable


def unavailable_without(node: str, observed: Observed) -> Iterator[SetUnavailable | QuorumLost]:
    """Started volumes that some of their files cannot be read or written in while the peer on `node` is away."""
    reference = observed.reference_peer
    up = {reference.uuid, *(view.uuid for view in reference.views or () if view.healthy)}
    remaining = len(up - {peer.uuid for peer in observed.peers if peer.name == node})
    for volume in observed.volumes:
        if volume.started and _most_in_a_set(node, volume, observed) > fault_tolerance(volume):
            yield SetUnavailable(node=node, volume=volume.name, type=volume.kind)
        elif volume.started and (quorum := server_quorum(volume, observed)) > remaining:
            yield QuorumLost(node=node, volume=volume.name, remaining=remaining, quorum=quorum)


def server_quorum(volume: Volume, observed: Observed) -> int:
    """How many peers must be connected for the volume's bricks to run; 0 where it does not ask.

    More than half, or at least the percentage in cluster.server-quorum-ratio (glusterd-server-quorum.c).
    """
    options = dict(volume.options)
    if options.get("cluster.server-quorum-type", "none") != "server":
        return 0
    peers = 1 + len(observed.reference_peer.views or ())
    ratio = options.get("cluster.server-quorum-ratio", "").rstrip("%")
    return math.ceil(peers * float(ratio) / 100) if ratio else peers // 2 + 1


def depend_on(node: str, observed: Observed, unhealed: Mapping[str, Container[str]], downtime: bool) -> list[str]:
    """Volumes that need what the peer on `node` serves, in a pool that is not whole.

    Each set in which it has a brick online must have all its bricks online and healed, and bear its absence unless
    `downtime` is allowed. `unhealed` are by volume the bricks (`host:/path`) that something is pending on.
    """
    found = []
    for volume in observed.volumes:
        if not volume.started:
            continue
        offline, pending = set(observed.offline(volume)), unhealed.get(volume.name, ())
        for group in in_sets(volume.bricks, volume.set_size):
            if not any(observed.name_of(brick.peer) == node and brick not in offline for brick in group):
                continue  # it serves nothing of this set
            if downtime and len(group) == 1:
                continue
            incomplete = any(brick in offline or str(brick) in pending for brick in group)
            on_node = sum(observed.name_of(brick.peer) == node for brick in group)
            if incomplete or (not downtime and on_node > fault_tolerance(volume)):
                found.append(volume.name)
    return found


def fault_tolerance(volume: Volume) -> int:
    """How many bricks of a set may be away: copies without quorum all but one, with an arbiter or three copies one."""
    if volume.disperse:
        return volume.redundancy
    if volume.replica == 2 and dict(volume.options).get("cluster.quorum-type", "none") != "none":
        return 0
    return min(volume.replica - 1, 1)


def _most_in_a_set(node: str, volume: Volume, observed: Observed) -> int:
    sets = in_sets(live_bricks(volume, observed), volume.set_size)
    return max(sum(brick.node == node for brick in group) for group in sets)
