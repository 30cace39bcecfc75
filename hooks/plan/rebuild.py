"""A peer whose state folder or bricks were lost, and a new word in values that authorises one rebuild of it.

The old UUID and the other peers are written into its empty state folder; when glusterd starts anew it takes the volumes
over from them. Bricks that kept their data start and catch up; lost ones are made anew and filled from their sets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hooks.gluster.model import TAKING_OVER, Observed, Peer, Volume
from hooks.plan.bricks import in_sets, listed, live_bricks
from hooks.plan.model import Decision, Phase, Step
from hooks.plan.peers import describe_membership, lost
from hooks.plan.repair import offline, running
from hooks.plan.state import HookState
from hooks.values.model import BrickSpec, Values

# The state folder is written first and the identity last; glusterd is ended before it can write its own again, and the
# container starts anew with it.
_WRITE = "cd /var/lib/glusterd && touch {mark} && mkdir -p peers && {peers} && {identity} && sync && {end}"
# Bricks that were missing when glusterd took their volumes over cannot be reset before one more start: "When
# destination brick is new, please use replace-brick" (measured with 11.1, also where their empty folders were there).
_AGAIN = "rm {mark} && sync && {end}"
_PEER = "printf '{lines}' > peers/{uuid}"
_IDENTITY = (
    "printf 'UUID={uuid}\\noperating-version={version}\\n' > glusterd.info.new && mv glusterd.info.new glusterd.info"
)
END_GLUSTERD = "kill $(grep -lzx '[g]lusterd' /proc/[0-9]*/cmdline | cut -d/ -f3)"
"""Ends a peer's glusterd, and so its container, which starts anew as a whole, bricks and all."""


def words(values: Values, memory: HookState) -> dict[str, str]:
    """Nodes whose `rebuild` word was not used yet, with it."""
    return {n.name: n.rebuild for n in values.nodes if n.rebuild and n.rebuild not in memory.rebuilt.get(n.name, ())}


def uuids_to_restore(values: Values, observed: Observed, memory: HookState) -> dict[str, str]:
    """Nodes that must get the UUID they had in the pool: it is lost, or glusterd was ended before all was written."""
    authorised = words(values, memory)
    found = {name: uuid for name, uuid in lost(observed, memory.uuids).items() if name in authorised}
    for peer in observed.peers:
        if peer.name in authorised and peer.name in memory.rebuilding and peer.views is not None:
            unknown = _others(observed, peer.uuid).keys() - {view.uuid for view in peer.views}
            if unknown and peer is not observed.reference_peer:
                found.setdefault(peer.name, peer.uuid)
    return found


def decide(values: Values, observed: Observed, memory: HookState) -> Decision:
    """Plan that peers get their identity back. Nothing else can be planned until they have."""
    steps, refusals = [], []
    for name, uuid in uuids_to_restore(values, observed, memory).items():
        peer = next(peer for peer in observed.peers if peer.name == name)
        if _foreign(peer, observed):
            refusals.append(
                f"{name} ({peer.address}) cannot be rebuilt as peer {uuid}: its glusterd has "
                f"{describe_membership(peer)} that the pool does not know. Empty its state folder if "
                "they are not needed, and start its pod anew."
            )
        else:
            why = f"{name} gets its UUID back and starts anew"
            steps.append(Step(_write(uuid, observed), peer=name, why=why, shell=True))
    return Decision((Phase("Give peers their identity back", tuple(steps), observe=True),), tuple(refusals))


@dataclass(frozen=True)
class LostBrick:
    """A brick whose folder is not there any more, on a node that may be rebuilt."""

    volume: Volume
    brick: BrickSpec
    address: str
    others_offline: tuple[BrickSpec, ...]


def lost_bricks(values: Values, observed: Observed, memory: HookState) -> Iterator[LostBrick]:
    """Offline bricks whose folders are gone though the disk is there, on nodes that may be rebuilt."""
    authorised = words(values, memory)
    for volume in running(values, observed):
        away = {BrickSpec(observed.name_of(brick.peer), brick.path): brick.host for brick in offline(volume, observed)}
        for group in in_sets(live_bricks(volume, observed), volume.set_size):
            for brick in group:
                if brick in away and brick.node in authorised and _gone(brick, values, observed):
                    others = tuple(other for other in group if other in away and other != brick)
                    yield LostBrick(volume, brick, away[brick], others)


def resets(values: Values, observed: Observed, memory: HookState) -> Decision:
    """Plan that lost bricks are made anew, each in a set whose other bricks hold all of its data."""
    steps, refusals, waits = [], [], []
    gone = list(lost_bricks(values, observed, memory))
    for found in gone:
        name = found.volume.name
        if found.volume.set_size == 1:
            refusals.append(
                f"{found.brick}: the brick of {name} is lost, and {name} is distributed: nobody else has its files. "
                "Put them back from a backup with the folder's volume-id, or delete the volume."
            )
        elif found.others_offline:
            refusals.append(
                f"{found.brick}: the brick of {name} is lost, and {listed(found.others_offline)} of its set is "
                "offline. It is filled from the others: bring them back first, as deleting their peers' pods may do."
            )
        else:
            place = f"{found.address}:{found.brick.path}"
            command = f"volume reset-brick {name} {place} {place} commit force"
            why = f"{found.brick.node} has lost it"
            steps.append(Step(command, peer=observed.reference_peer.name, volume=name, why=why))
    for peer in observed.peers:
        behind = {v.id for v in observed.volumes} - {v.id for v in peer.volumes or ()}
        if peer.name in memory.rebuilding and peer.volumes is not None and behind:
            waits.append(f"{peer.name} has not taken over every volume from the other peers yet.")
    nodes = sorted({found.brick.node for found in gone} & observed.taking_over)
    again = [
        Step(_AGAIN.format(mark=TAKING_OVER, end=END_GLUSTERD), peer=node, why="it took its volumes over", shell=True)
        for node in nodes
        if steps
    ]
    phases = (
        Phase("Start peers anew that are to get lost bricks", tuple(again), observe=True),
        Phase("Make lost bricks anew", tuple(steps), observe=True),
    )
    return Decision(phases, tuple(refusals), tuple(waits))


def started(values: Values, observed: Observed, memory: HookState) -> set[str]:
    """Nodes whose rebuild begins with this plan."""
    found = {lost.brick.node for lost in lost_bricks(values, observed, memory)}
    return found | uuids_to_restore(values, observed, memory).keys()


def to_heal(nodes: set[str], observed: Observed, memory: HookState) -> list[str]:
    """Volumes with copies that must catch up when these nodes are rebuilt."""
    uuids = {memory.uuids.get(node) for node in nodes} | {p.uuid for p in observed.peers if p.name in nodes}
    addresses = {peer.address for peer in observed.peers if peer.name in nodes}
    return [
        volume.name
        for volume in observed.volumes
        if volume.set_size > 1 and any(b.peer in uuids or b.host in addresses for b in volume.bricks)
    ]


def used(values: Values, memory: HookState) -> Mapping[str, tuple[str, ...]]:
    """`HookState.rebuilt` when everything is done."""
    now = {name: word for name, word in words(values, memory).items() if name in memory.rebuilding}
    return {**memory.rebuilt, **{name: (*memory.rebuilt.get(name, ()), word) for name, word in now.items()}}


def _others(observed: Observed, uuid: str) -> dict[str, tuple[str, ...]]:
    """The pool's members but for `uuid`, with the names by which they are known."""
    known = {view.uuid: view.hostnames for view in observed.reference_peer.views or ()}
    return {
        u: names
        for u, names in {observed.reference_peer.uuid: (observed.reference_peer.address,), **known}.items()
        if u != uuid
    }


def _foreign(peer: Peer, observed: Observed) -> bool:
    volumes = {volume.id for volume in observed.volumes}
    return any(view.uuid not in observed.pool_uuids for view in peer.views or ()) or any(
        volume.id not in volumes for volume in peer.volumes or ()
    )


def _write(uuid: str, observed: Observed) -> str:
    files = []
    for other, names in _others(observed, uuid).items():
        hosts = "".join(f"hostname{number}={name}\\n" for number, name in enumerate(names, start=1))
        files.append(_PEER.format(lines=f"uuid={other}\\nstate=3\\n{hosts}", uuid=other))
    identity = _IDENTITY.format(uuid=uuid, version=observed.op_version)
    return _WRITE.format(mark=TAKING_OVER, peers=" && ".join(files), identity=identity, end=END_GLUSTERD)


def _gone(brick: BrickSpec, values: Values, observed: Observed) -> bool:
    folder = observed.folders.get(brick)
    if folder is None or not folder.parent_exists or (folder.on_root_disk and not values.allow_root_disk_bricks):
        return False
    return not folder.exists or (folder.empty and not folder.volume_id)
