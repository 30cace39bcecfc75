"""What the pool would miss while a peer is away. Pure."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping, Sequence

from hooks.gluster.model import Brick, Observed, Volume
from hooks.plan.bricks import in_sets, live_bricks
from hooks.plan.repair import offline
from hooks.plan.volumes import kind_of


def unavailable_without(node: str, observed: Observed) -> list[str]:
    """Started volumes that some of their files cannot be read or written in while the peer on `node` is away."""
    texts = []
    up = {observed.reference_peer.uuid, *(view.uuid for view in observed.reference_peer.views or () if view.healthy)}
    left = len(up - {peer.uuid for peer in observed.peers if peer.name == node})
    for volume in observed.volumes:
        if volume.started and _most_in_a_set(node, volume, observed) > fault_tolerance(volume):
            texts.append(f"without {node} a part of the volume {volume.name} ({kind_of(volume)}) is away.")
        elif volume.started and (quorum := server_quorum(volume, observed)) > left:
            texts.append(
                f"without {node} there are {left} peers, and the volume {volume.name} stops below {quorum} "
                "(cluster.server-quorum-type)."
            )
    return texts


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
    return [
        volume.name
        for volume in observed.volumes
        if volume.started
        for away, brick, group in _served(node, volume, observed)
        if (len(group) > 1 or not downtime)
        and (
            any(str(other) in unhealed.get(volume.name, ()) or other in away for other in group)
            or (not downtime and sum(other.peer == brick.peer for other in group) > fault_tolerance(volume))
        )
    ]


def _served(node: str, volume: Volume, observed: Observed) -> Iterator[tuple[set[Brick], Brick, Sequence[Brick]]]:
    """Bricks of the volume that are online on `node`, each with those offline and with its set."""
    away = set(offline(volume, observed))
    for group in in_sets(volume.bricks, volume.set_size):
        for brick in group:
            if observed.name_of(brick.peer) == node and brick not in away:
                yield away, brick, group


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
