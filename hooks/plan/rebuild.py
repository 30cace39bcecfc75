"""A peer whose state folder or bricks were lost, and a new word in values that authorises one rebuild of it.

The old UUID and the other peers are written into its empty state folder; when glusterd starts again it takes the
volumes over from them. Bricks that kept their data start and catch up; lost ones are made anew and filled from their
sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hooks.gluster.model import Peer
from hooks.plan.bricks import in_sets
from hooks.plan.case import Case
from hooks.plan.differences import BrickLost, Difference, IdentityLost, RestartPending
from hooks.plan.model import Gluster, Phase, Script
from hooks.plan.obstacles import BrickLostForGood, BrickLostInBrokenSet, IdentityTaken, VolumesPending
from hooks.plan.peers import foreign_peers, foreign_volumes
from hooks.values.model import BrickSpec


def identities(case: Case) -> Iterator[IdentityLost | IdentityTaken]:
    """Peers that get their identity back. Nothing else can be planned before they have it."""
    peers = {peer.name: peer for peer in case.pool.peers}
    for name, uuid in case.uuids_to_restore.items():
        if _foreign(peers[name], case):
            yield IdentityTaken(
                node=name,
                address=peers[name].address,
                uuid=uuid,
                volumes=foreign_volumes(peers[name]),
                peers=foreign_peers(peers[name]),
            )
        else:
            others = tuple(case.members_but(uuid).items())
            yield IdentityLost(node=name, uuid=uuid, op_version=case.pool.op_version, others=others)


def lost_bricks(case: Case) -> Iterator[Difference]:
    """Bricks that are made anew, each in a set whose other bricks hold all of its data, and what that waits for."""
    lost = list(_lost_bricks(case))
    yield from lost
    for peer in case.pool.peers:
        behind = case.volumes_by_id.keys() - {volume.id for volume in peer.volumes or ()}
        if peer.name in case.state.rebuilding and peer.volumes is not None and behind:
            yield VolumesPending(node=peer.name)
    if any(isinstance(difference, BrickLost) for difference in lost):
        for node in sorted({difference.node for difference in lost} & case.pool.taking_over):
            yield RestartPending(node=node)


def phases(found: Iterable[Difference]) -> tuple[Phase, ...]:
    identity, restarts, resets = [], [], []
    for difference in found:
        match difference:
            case IdentityLost(node=node, uuid=uuid, op_version=version, others=others):
                members = [",".join((other, *hosts)) for other, hosts in others]
                arguments = (uuid, version, *members)
                why = f"{node} gets its UUID back and starts again"
                identity.append(Script("restore-identity.sh", arguments, peer=node, why=why))
            case RestartPending(node=node):
                # Bricks that were missing when glusterd took their volumes over cannot be reset before one more start:
                # "When destination brick is new, please use replace-brick" (measured with 11.1, also where their empty
                # folders were there).
                restarts.append(Script("restart-glusterd.sh", peer=node, why="it took its volumes over"))
            case BrickLost(node=node, volume=volume, brick=brick, address=address, by=by):
                place = f"{address}:{brick.path}"
                argv = ("volume", "reset-brick", volume, place, place, "commit", "force")
                resets.append(Gluster(argv, by, volume, why=f"{node} has lost it"))
    return (
        Phase("Give peers their identity back", tuple(identity), observe=True),
        Phase("Restart peers that are to get lost bricks", tuple(restarts), observe=True),
        Phase("Make lost bricks anew", tuple(resets), observe=True),
    )


def nodes_to_rebuild(case: Case) -> set[str]:
    """Nodes whose rebuild begins with this plan."""
    return {lost.node for lost in _lost_bricks(case)} | case.uuids_to_restore.keys()


def volumes_to_heal(case: Case, nodes: set[str]) -> list[str]:
    """Volumes with copies that must catch up when these nodes are rebuilt."""
    peers = [peer for peer in case.pool.peers if peer.name in nodes]
    uuids = {case.state.uuids.get(node) for node in nodes} | {peer.uuid for peer in peers}
    addresses = {peer.address for peer in peers}
    return [
        volume.name
        for volume in case.pool.volumes
        if volume.set_size > 1 and any(b.peer in uuids or b.host in addresses for b in volume.bricks)
    ]


def used_words(case: Case) -> Mapping[str, tuple[str, ...]]:
    """By node the `rebuild` words that are used when everything is done."""
    used = case.state.rebuilt
    now = {name: word for name, word in case.rebuild_words.items() if name in case.state.rebuilding}
    return {**used, **{name: (*used.get(name, ()), word) for name, word in now.items()}}


def _lost_bricks(case: Case) -> Iterator[Difference]:
    """Offline bricks whose folders are gone though the disk is there, on nodes that may be rebuilt."""
    by = case.pool.reference_peer.name
    for volume in case.running():
        hosts = {case.brick_of(brick): brick.host for brick in case.pool.offline(volume)}
        for group in in_sets(case.live[volume.name], volume.set_size):
            for brick in group:
                if brick not in hosts or brick.node not in case.rebuild_words or not _gone(brick, case):
                    continue
                at = {"node": brick.node, "volume": volume.name}
                if volume.set_size == 1:
                    yield BrickLostForGood(**at, brick=brick)
                elif offline := tuple(other for other in group if other in hosts and other != brick):
                    yield BrickLostInBrokenSet(**at, brick=brick, offline=offline)
                else:
                    yield BrickLost(**at, brick=brick, address=hosts[brick], by=by)


def _foreign(peer: Peer, case: Case) -> bool:
    return any(view.uuid not in case.pool.pool_uuids for view in peer.views or ()) or any(
        volume.id not in case.volumes_by_id for volume in peer.volumes or ()
    )


def _gone(brick: BrickSpec, case: Case) -> bool:
    folder = case.pool.folders.get(brick)
    if folder is None or not folder.parent_exists or (folder.on_root_disk and not case.values.allow_root_disk_bricks):
        return False
    return not folder.exists or (folder.empty and not folder.volume_id)
