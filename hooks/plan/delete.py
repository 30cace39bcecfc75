"""Volumes whose data may be destroyed: stopped and deleted, then their bricks' folders removed.

gluster leaves the folders, and the next volume of that name would be refused over them. What is removed is proven to be
the volume's by the volume-id on the folder, on each node anew, and no volume of the pool may have that id any more.
Likewise the folders of bricks that have left a volume with their set, once more proven to hold no file.
"""

from __future__ import annotations

from collections.abc import Iterator

from hooks.gluster.model import Observed
from hooks.plan.bricks import listed, live_bricks
from hooks.plan.model import Decision, Phase, Step
from hooks.plan.state import HookState, Names
from hooks.values.model import BrickSpec, Values

# Directories stay behind everywhere, and empty files of exactly the mode ---------T only point to where a file is. All
# else is data: a file of somebody's with the sticky bit, one whose move was cut off, a symbolic link, a socket.
FIND_FILE = "find {path} -path {path}/.glusterfs -prune -o ! -type d ! \\( -type f -perm 1000 -size 0 \\) -print -quit"
REMOVE_SECONDS = 600
"""How long a brick's files may take to be removed; what is left then, the next run removes."""
# `rm` takes the folder itself last, so that what it leaves when it is killed still shows the id.
_REMOVE = (
    "getfattr --absolute-names -e hex -n trusted.glusterfs.volume-id {path} | "
    "grep -qx trusted.glusterfs.volume-id=0x{digits} && rm -rf {path}"
)


def decide(values: Values, observed: Observed, memory: HookState) -> Decision:
    """Plan the deletion of the volumes in `values.deleted`, and the removal of folders that earlier ones left."""
    existing = {volume.name: volume for volume in observed.volumes}
    stop, delete, refusals, notes = [], [], [], []
    for name in values.deleted:
        volume = existing.get(name)
        if volume is None:
            notes.append(f"The volume {name} is not in the pool: its entry may be taken out of `volumes`.")
            continue
        bricks = live_bricks(volume, observed)
        nodes = {peer.name for peer in observed.peers}
        if outside := [brick for brick in bricks if brick.node not in nodes]:
            refusals.append(
                f"The volume {name} cannot be deleted with its data: {listed(outside)} is on a peer that is not in "
                "`nodes`. List that node."
            )
        if foreign := [b for b in bricks if b.node in nodes and observed.folders[b].volume_id != volume.id]:
            notes.append(f"{name}: {listed(foreign)} does not show the volume's id; what is there now stays.")
        if volume.started:
            stop.append(Step(f"volume stop {name}", volume=name))
        delete.append(Step(f"volume delete {name}", volume=name, why="`state: deleted`, confirmed"))
    remove = [
        _removal(brick, observed, memory)
        for brick in brick_folders(values, observed, memory)
        if may_be_removed(brick, observed, memory)
    ]
    phases = (
        Phase("Remove folders that bricks have left", tuple(remove), observe=True),
        Phase("Stop the volumes that are to be deleted", tuple(stop)),
        Phase("Delete them", tuple(delete), observe=True),
    )
    return Decision(phases, tuple(refusals), notes=tuple(notes))


def _removal(brick: BrickSpec, observed: Observed, memory: HookState) -> Step:
    volume_id = observed.folders[brick].volume_id
    command, why = _REMOVE.format(path=brick.path, digits=volume_id.replace("-", "")), "a brick of a deleted volume"
    if str(brick) not in memory.deleting.get(volume_id, ()):
        command = f'left=$({FIND_FILE.format(path=brick.path)}) && [ -z "$left" ] && {command}'
        why = "its set has left the volume, without a file on it"
    return Step(command, peer=brick.node, why=why, shell=True, seconds=REMOVE_SECONDS)


def may_be_removed(brick: BrickSpec, observed: Observed, memory: HookState) -> bool:
    """Whether the folder is what a volume left that was deleted with its data, or a set that left its volume."""
    volume_id = observed.folders[brick].volume_id
    owner = next((volume for volume in observed.volumes if volume.id == volume_id), None)
    if str(brick) in memory.left.get(volume_id, ()):
        return owner is None or brick not in live_bricks(owner, observed)
    return owner is None and str(brick) in memory.deleting.get(volume_id, ())


def brick_folders(values: Values, observed: Observed, memory: HookState) -> Iterator[BrickSpec]:
    """Folders that the planner must know: of bricks that are to be removed, now or after their volume's deletion."""
    nodes = {peer.name for peer in observed.peers}
    folders = (*remembered(values, observed, memory).values(), *memory.left.values())
    places = {place for places in folders for place in places}
    yield from (brick for place in sorted(places) if (brick := BrickSpec(*place.split(":", 1))).node in nodes)


def remembered(values: Values, observed: Observed, memory: HookState) -> Names:
    """`HookState.deleting` for what is deleted now, and for what was deleted before; words taken back are forgotten."""
    now = {v.id: tuple(map(str, live_bricks(v, observed))) for v in observed.volumes if v.name in values.deleted}
    ids = {volume.id for volume in observed.volumes}
    return {**{volume_id: places for volume_id, places in memory.deleting.items() if volume_id not in ids}, **now}


def settled(observed: Observed, memory: HookState) -> Names:
    """What is left of `HookState.deleting` when nothing is to be done: folders on nodes that values do not list now."""
    ids = {volume.id for volume in observed.volumes}
    nodes = {peer.name for peer in observed.peers}
    left = {
        volume_id: tuple(place for place in places if place.split(":", 1)[0] not in nodes)
        for volume_id, places in memory.deleting.items()
        if volume_id not in ids
    }
    return {volume_id: places for volume_id, places in left.items() if places}
