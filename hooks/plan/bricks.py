"""Which bricks a volume gets, and whether their folders may be taken.

Sets that exist never move: a volume grows by whole new sets, or by one brick more in each set (replica count up).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from hooks.gluster.folders import Folder
from hooks.gluster.model import Observed, Volume
from hooks.values.model import BrickSpec, Values, VolumeSpec

B = TypeVar("B")


@dataclass(frozen=True)
class BrickDiff:
    """How a volume's bricks get from what is live to what values give; `gone` are live ones that values do not give.

    `new_replicas` is one new brick for each existing set, in the order of the sets; `added` are whole new sets. Of
    bricks on drained nodes `moved` have a new place beside them, `leaving` are whole sets of which one has none, and
    `stuck` are those that can neither move nor leave.
    """

    new_replicas: tuple[BrickSpec, ...] = ()
    added: tuple[BrickSpec, ...] = ()
    left_over: tuple[BrickSpec, ...] = ()
    gone: tuple[BrickSpec, ...] = ()
    moved: tuple[tuple[BrickSpec, BrickSpec], ...] = ()
    leaving: tuple[BrickSpec, ...] = ()
    stuck: tuple[BrickSpec, ...] = ()

    @property
    def taken(self) -> tuple[BrickSpec, ...]:
        return self.new_replicas + self.added + tuple(new for _, new in self.moved)


def live_bricks(volume: Volume, observed: Observed) -> tuple[BrickSpec, ...]:
    """The bricks of a volume under their nodes' names; a peer that values do not list goes by its address."""
    return tuple(BrickSpec(observed.name_of(brick.peer), brick.path) for brick in volume.bricks)


def growth(spec: VolumeSpec, volume: Volume | None, observed: Observed, drained: Container[str] = ()) -> BrickDiff:
    """What to add to a volume (None: to make it) so that it has the bricks of `spec` and none on `drained` nodes."""
    if volume is None:
        return BrickDiff(added=spec.bricks, left_over=spec.left_over)
    live = live_bricks(volume, observed)
    offered = (*spec.bricks, *spec.left_over)
    free = [brick for brick in offered if brick not in live]
    moved, leaving = evacuate(in_sets(live, volume.set_size), free, drained)
    new_replicas: list[BrickSpec] = []
    if spec.set_size == volume.set_size + 1:
        for old in in_sets(live, volume.set_size):
            if (brick := pick_free_brick(old, free)) is not None:
                new_replicas.append(brick)
                free.remove(brick)
    added = _whole_sets(free, spec.set_size)
    stays = added or len(leaving) < len(live)
    return BrickDiff(
        new_replicas=tuple(new_replicas),
        added=added,
        left_over=tuple(brick for brick in free if brick not in added),
        gone=tuple(brick for brick in live if brick not in offered and brick.node not in drained),
        moved=tuple(moved),
        leaving=tuple(leaving) if stays else (),
        stuck=() if stays else tuple(brick for brick in leaving if brick.node in drained),
    )


def evacuate(
    sets: Sequence[Sequence[BrickSpec]], free: list[BrickSpec], drained: Container[str]
) -> tuple[list[tuple[BrickSpec, BrickSpec]], list[BrickSpec]]:
    """How bricks get off drained nodes: new places for them, taken from `free`, and whole sets without such places.

    A brick of a distributed volume has no copy that could fill another one: it is a set that leaves.
    """
    moved: list[tuple[BrickSpec, BrickSpec]] = []
    leaving: list[BrickSpec] = []
    for group in sets:
        found: list[tuple[BrickSpec, BrickSpec]] = []
        bound = [brick for brick in group if brick.node in drained]
        for brick in bound if len(group) > 1 else ():
            used = [*(other for other in group if other not in bound), *(new for _, new in found)]
            place = pick_free_brick(used, [other for other in free if other not in used], brick.path)
            if place is not None:
                found.append((brick, place))
        if len(found) < len(bound):
            leaving += group
        else:
            moved += found
            for _, place in found:
                free.remove(place)
    return moved, leaving


def would_regroup(spec: VolumeSpec, volume: Volume, observed: Observed) -> bool:
    """Whether values in their present order would group the same bricks otherwise, as when `nodes` is sorted anew."""
    live = live_bricks(volume, observed)
    groups = ({frozenset(s) for s in in_sets(bricks, spec.set_size)} for bricks in (live, spec.bricks))
    return set(live) == set(spec.bricks) and len({frozenset(group) for group in groups}) > 1


def in_sets(bricks: Sequence[B], size: int) -> list[Sequence[B]]:
    """A volume's bricks cut into its sets of `size`."""
    return [bricks[start : start + size] for start in range(0, len(bricks), size)]


def pick_free_brick(used: Sequence[BrickSpec], free: Iterable[BrickSpec], path: str = "") -> BrickSpec | None:
    """A free brick on a node that the set does not use yet; one with the same path before others."""
    fitting = [brick for brick in free if brick.node not in {other.node for other in used}]
    paths = {path} if path else {other.path for other in used}
    return min(fitting, key=lambda brick: brick.path not in paths, default=None)


def _whole_sets(free: Iterable[BrickSpec], size: int) -> tuple[BrickSpec, ...]:
    """As many sets of bricks on different nodes as the free ones make, taken in their order."""
    remaining = list(free)
    sets: list[BrickSpec] = []
    while True:
        group: dict[str, BrickSpec] = {}
        for brick in remaining:
            if len(group) < size and (size == 1 or brick.node not in group):
                group[brick.node] = brick
        if len(group) < size:
            return tuple(sets)
        sets += group.values()
        remaining = [brick for brick in remaining if brick not in group.values()]


def unusable(bricks: Iterable[BrickSpec], volume: str, values: Values, observed: Observed) -> list[str]:
    """Why folders must not become bricks of `volume`, each in words that name the remedy."""
    refusals = []
    for brick in bricks:
        folder = observed.folders[brick]
        parent = brick.path.rsplit("/", 1)[0]
        where = f"{brick.node}:{brick.path} (volume {volume})"
        taken = _taken(brick, folder, observed)
        if not folder.parent_exists:
            refusals.append(f"{where}: the brick directory {parent} is not on the node. Make and mount it.")
        elif folder.on_root_disk and not values.allow_root_disk_bricks:
            refusals.append(
                f"{where}: {parent} lies on the node's root disk; a disk is probably not mounted. "
                "Mount it, or say `allowRootDiskBricks: true` if that is what you want."
            )
        elif taken:
            refusals.append(f"{where}: {taken}")
    return refusals


def _taken(brick: BrickSpec, folder: Folder, observed: Observed) -> str:
    if not folder.exists or (folder.empty and not folder.volume_id):
        return ""
    if not folder.is_folder:
        return "there is something that is no folder. Move it away."
    if folder.volume_id:
        owner = next((volume.name for volume in observed.volumes if volume.id == folder.volume_id), None)
        what = f"the pool's volume {owner}" if owner else f"a volume this pool does not know (id {folder.volume_id})"
        return (
            f"the folder is a brick of {what} and is left untouched. "
            f"Bring that volume's pool back, or, if its data is not needed, move the folder away on {brick.node}."
        )
    return "the folder is not empty and no brick; its files are left untouched. Move them away, or choose another name."


def listed(bricks: Iterable[BrickSpec]) -> str:
    """Bricks as `layout` in values writes them."""
    return ", ".join(f"{brick.node}:{brick.path}" for brick in bricks)
