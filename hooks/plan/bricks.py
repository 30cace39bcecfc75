"""Which bricks a live volume still lacks and which it gives up, and whether folders may become bricks.

The order of bricks is that of hooks.values.bricks, whether one that is offline may be started is in plan.repair.

Sets that exist never move: a volume grows by whole new sets, or by one brick more in each set (replica count up).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from hooks.gluster.model import Observed, Volume
from hooks.plan.differences import Difference
from hooks.plan.obstacles import BrickDirectoryMissing, BrickOnRootDisk, FolderIsNone, FolderNotEmpty, FolderOfVolume
from hooks.values.model import BrickSpec, Values, VolumeSpec

B = TypeVar("B")


@dataclass(frozen=True)
class BrickDiff:
    """How a volume's bricks get from what is live to what the values give.

    `new_replicas` is one new brick for each existing set, in the order of the sets; `new_sets` are whole new sets;
    `left_over` fill no further set. `unlisted` are live bricks that the values do not give. Of bricks on drained nodes
    `evacuations` have a new place beside them, `retiring` are whole sets of which one has none, and `blocked` are those
    that can neither move nor leave.
    """

    new_replicas: tuple[BrickSpec, ...] = ()
    new_sets: tuple[BrickSpec, ...] = ()
    left_over: tuple[BrickSpec, ...] = ()
    unlisted: tuple[BrickSpec, ...] = ()
    evacuations: tuple[tuple[BrickSpec, BrickSpec], ...] = ()
    retiring: tuple[BrickSpec, ...] = ()
    blocked: tuple[BrickSpec, ...] = ()

    @property
    def claimed(self) -> tuple[BrickSpec, ...]:
        """The bricks that the volume is to get."""
        return self.new_replicas + self.new_sets + tuple(new for _, new in self.evacuations)


def live_bricks(volume: Volume, observed: Observed) -> tuple[BrickSpec, ...]:
    """The bricks of a volume under their nodes' names; a peer that values do not list goes by its address."""
    return tuple(BrickSpec(observed.name_of(brick.peer), brick.path) for brick in volume.bricks)


def brick_diff(spec: VolumeSpec, live: Sequence[BrickSpec], set_size: int, drained: Container[str] = ()) -> BrickDiff:
    """What a volume with `live` bricks in sets of `set_size` lacks to have those of `spec` and none on `drained`."""
    offered = (*spec.bricks, *spec.left_over)
    free = [brick for brick in offered if brick not in live]
    evacuations, retiring = _evacuate(in_sets(live, set_size), free, drained)
    free = _without(free, [new for _, new in evacuations])
    new_replicas = _new_replicas(in_sets(live, set_size), free) if spec.set_size == set_size + 1 else ()
    free = _without(free, new_replicas)
    new_sets = _whole_sets(free, spec.set_size)
    others_stay = new_sets or len(retiring) < len(live)
    return BrickDiff(
        new_replicas=new_replicas,
        new_sets=new_sets,
        left_over=tuple(_without(free, new_sets)),
        unlisted=tuple(brick for brick in live if brick not in offered and brick.node not in drained),
        evacuations=tuple(evacuations),
        retiring=tuple(retiring) if others_stay else (),
        blocked=() if others_stay else tuple(brick for brick in retiring if brick.node in drained),
    )


def _without(bricks: Iterable[BrickSpec], these: Container[BrickSpec]) -> list[BrickSpec]:
    return [brick for brick in bricks if brick not in these]


def _new_replicas(sets: Iterable[Sequence[BrickSpec]], free: Iterable[BrickSpec]) -> tuple[BrickSpec, ...]:
    """A free brick for each of the sets that one fits into."""
    found: list[BrickSpec] = []
    for group in sets:
        if (brick := pick_free_brick(group, _without(free, found))) is not None:
            found.append(brick)
    return tuple(found)


def _evacuate(
    sets: Iterable[Sequence[BrickSpec]], free: Iterable[BrickSpec], drained: Container[str]
) -> tuple[list[tuple[BrickSpec, BrickSpec]], list[BrickSpec]]:
    """How bricks get off drained nodes: pairs of a brick and its new place, and the sets that lack such places.

    A brick of a distributed volume has no copy that could fill another one: it is a set that leaves.
    """
    evacuations: list[tuple[BrickSpec, BrickSpec]] = []
    retiring: list[BrickSpec] = []
    for group in sets:
        bound = [brick for brick in group if brick.node in drained]
        open_places = _without(free, [new for _, new in evacuations])
        found = _places(group, bound, open_places) if len(group) > 1 else []
        if len(found) < len(bound):
            retiring += group
        else:
            evacuations += found
    return evacuations, retiring


def _places(
    group: Iterable[BrickSpec], bound: Sequence[BrickSpec], free: Iterable[BrickSpec]
) -> list[tuple[BrickSpec, BrickSpec]]:
    """New places for the `bound` bricks of a set, for those that have one."""
    found: list[tuple[BrickSpec, BrickSpec]] = []
    for brick in bound:
        used = [*_without(group, bound), *(new for _, new in found)]
        if (place := pick_free_brick(used, _without(free, used), brick.path)) is not None:
            found.append((brick, place))
    return found


def would_regroup(spec: VolumeSpec, live: Sequence[BrickSpec]) -> bool:
    """Whether the values in their present order would group the same bricks otherwise, as with `nodes` sorted anew."""
    groups = ({frozenset(s) for s in in_sets(bricks, spec.set_size)} for bricks in (live, spec.bricks))
    return set(live) == set(spec.bricks) and len({frozenset(group) for group in groups}) > 1


def in_sets(bricks: Sequence[B], size: int) -> list[Sequence[B]]:
    """A volume's bricks cut into its sets of `size`."""
    return [bricks[start : start + size] for start in range(0, len(bricks), size)]


def pick_free_brick(used: Iterable[BrickSpec], free: Iterable[BrickSpec], path: str = "") -> BrickSpec | None:
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


def folder_obstacle(brick: BrickSpec, volume: str, values: Values, observed: Observed) -> Difference | None:
    """Why a folder must not become a brick of `volume`; None where it may. `observed` must hold the folder."""
    folder = observed.folders[brick]
    directory = brick.path.rsplit("/", 1)[0]
    at = {"node": brick.node, "volume": volume}
    if not folder.parent_exists:
        return BrickDirectoryMissing(**at, brick=brick, directory=directory)
    if folder.on_root_disk and not values.allow_root_disk_bricks:
        return BrickOnRootDisk(**at, brick=brick, directory=directory)
    if not folder.exists or (folder.empty and not folder.volume_id):
        return None
    if not folder.is_folder:
        return FolderIsNone(**at, brick=brick)
    if folder.volume_id:
        owner = next((volume.name for volume in observed.volumes if volume.id == folder.volume_id), "")
        return FolderOfVolume(**at, brick=brick, owner=owner, volume_id=folder.volume_id)
    return FolderNotEmpty(**at, brick=brick)


def listed(bricks: Iterable[BrickSpec]) -> str:
    """Bricks as `layout` in values writes them."""
    return ", ".join(map(str, bricks))
