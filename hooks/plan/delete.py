"""Volumes whose data may be destroyed: stopped and deleted, then their bricks' folders removed.

gluster leaves the folders, and the next volume of that name would be refused over them. What is removed is proven to be
the volume's by the volume-id on the folder, on each node anew, and no volume of the pool may have that id any more.
Likewise the folders of bricks that have left a volume with their set, once more proven to hold no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hooks.plan.case import Case
from hooks.plan.differences import DeletedBrickFolder, Difference, RetiredBrickFolder, VolumeDeleted
from hooks.plan.model import Gluster, Phase, Script
from hooks.plan.obstacles import DeletionOutOfReach, FoldersNotOfVolume, VolumeGone
from hooks.plan.state import Names
from hooks.values.model import BrickSpec

REMOVE_SECONDS = 600
"""How long a brick's files may take to be removed or searched; what is left then, the next run removes."""


def differences(case: Case) -> Iterator[Difference]:
    """Volumes that the values ask to delete, and folders that earlier deletions left."""
    for name in case.values.deleted:
        if name in case.volumes:
            yield from _volume(case, name)
        else:
            yield VolumeGone(volume=name)
    for brick in bricks_to_inspect(case):
        volume_id = case.pool.folders[brick].volume_id
        if may_be_removed(case, brick):
            deleted = str(brick) in case.state.deleting.get(volume_id, ())
            kind = DeletedBrickFolder if deleted else RetiredBrickFolder
            yield kind(node=brick.node, brick=brick, volume_id=volume_id)


def phases(found: Iterable[Difference]) -> tuple[Phase, ...]:
    stop, delete, remove = [], [], []
    for difference in found:
        match difference:
            case VolumeDeleted(volume=name, started=started):
                if started:
                    stop.append(Gluster(("volume", "stop", name), volume=name))
                delete.append(Gluster(("volume", "delete", name), volume=name, why="`state: deleted`, confirmed"))
            case DeletedBrickFolder():
                remove.append(_removal("remove-brick-folder.sh", difference, "a brick of a deleted volume"))
            case RetiredBrickFolder():
                why = "its set has left the volume, without a file on it"
                remove.append(_removal("remove-empty-brick-folder.sh", difference, why))
    return (
        Phase("Remove folders that bricks have left", tuple(remove), observe=True),
        Phase("Stop the volumes that are to be deleted", tuple(stop)),
        Phase("Delete them", tuple(delete), observe=True),
    )


def may_be_removed(case: Case, brick: BrickSpec) -> bool:
    """Whether the folder is what a volume left that was deleted with its data, or a set that left its volume."""
    volume_id = case.pool.folders[brick].volume_id
    owner = case.volumes_by_id.get(volume_id)
    if str(brick) in case.state.retired_bricks.get(volume_id, ()):
        return owner is None or brick not in case.live[owner.name]
    return owner is None and str(brick) in case.state.deleting.get(volume_id, ())


def bricks_to_inspect(case: Case) -> Iterator[BrickSpec]:
    """Folders that the planner must know: of bricks that are to be removed, now or after their volume's deletion."""
    nodes = {peer.name for peer in case.pool.peers}
    folders = (*to_delete(case).values(), *case.state.retired_bricks.values())
    places = {place for places in folders for place in places}
    yield from (brick for brick in map(BrickSpec.parse, sorted(places)) if brick.node in nodes)


def to_delete(case: Case) -> Names:
    """Bricks by volume id: of what is deleted now or was before; words that were taken back are forgotten."""
    now = {case.volumes[name].id: case.live[name] for name in case.values.deleted if name in case.volumes}
    before = {i: places for i, places in case.state.deleting.items() if i not in case.volumes_by_id}
    return {**before, **{volume_id: tuple(map(str, bricks)) for volume_id, bricks in now.items()}}


def still_to_delete(case: Case) -> Names:
    """What is left of `to_delete` when nothing is to be done: folders on nodes that the values do not list now."""
    nodes = {peer.name for peer in case.pool.peers}
    left = {
        volume_id: tuple(place for place in places if BrickSpec.parse(place).node not in nodes)
        for volume_id, places in case.state.deleting.items()
        if volume_id not in case.volumes_by_id
    }
    return {volume_id: places for volume_id, places in left.items() if places}


def _volume(case: Case, name: str) -> Iterator[Difference]:
    bricks = case.live[name]
    nodes = {peer.name for peer in case.pool.peers}
    if outside := tuple(brick for brick in bricks if brick.node not in nodes):
        yield DeletionOutOfReach(volume=name, bricks=outside)
    volume = case.volumes[name]
    if foreign := tuple(b for b in bricks if b.node in nodes and case.pool.folders[b].volume_id != volume.id):
        yield FoldersNotOfVolume(volume=name, bricks=foreign)
    yield VolumeDeleted(volume=name, started=volume.started)


def _removal(script: str, folder: DeletedBrickFolder | RetiredBrickFolder, why: str) -> Script:
    return Script(script, (folder.brick.path, folder.volume_id), folder.node, why=why, seconds=REMOVE_SECONDS)
