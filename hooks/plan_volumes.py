"""The volumes' part of a plan: what is missing is created, options follow values, nothing else is touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hooks.folders import Folder
from hooks.observe import Observed
from hooks.pool import Volume
from hooks.steps import Decision, Phase, Step
from hooks.values import BrickSpec, Values, VolumeSpec

_TRUE = {"on", "yes", "true", "enable", "1"}
_FALSE = {"off", "no", "false", "disable", "0"}


def decide(values: Values, observed: Observed, set_before: Mapping[str, tuple[str, ...]]) -> Decision:
    """Plan creates, options and starts. `set_before` names the options that earlier runs set on each volume."""
    existing = {volume.name: volume for volume in observed.volumes}
    refusals: list[str] = []
    creates: list[Step] = []
    options: list[Step] = []
    starts: list[Step] = []
    notes = [note for spec in values.volumes if (note := _left_over(spec))]
    for spec in values.volumes:
        volume = existing.get(spec.name)
        if volume is None:
            refusals += _unusable(spec, values, observed)
            creates.append(Step(create_command(spec, observed), volume=spec.name))
        else:
            refusals += _differs(spec, volume, observed)
            notes += [note] if (note := _other_sets(spec, volume, observed)) else []
        options += _options(spec, volume, set_before.get(spec.name, ()))
        if volume is None or not volume.started:
            starts.append(Step(f"volume start {spec.name}", volume=spec.name))
    notes += [
        f"The volume {name} is in the pool but not in `volumes`: kept as it is."
        for name in sorted(existing.keys() - {spec.name for spec in values.volumes})
    ]
    return Decision(
        phases=(
            Phase("Create the volumes", tuple(creates)),
            Phase("Set their options", tuple(options)),
            Phase("Start them", tuple(starts)),
        ),
        refusals=tuple(refusals),
        notes=tuple(notes),
    )


def create_command(spec: VolumeSpec, observed: Observed) -> str:
    """`volume create` in gluster's own words. An arbiter set is `replica 3 arbiter 1`, as volume info counts it."""
    addresses = {peer.name: peer.address for peer in observed.peers}
    words = ["volume", "create", spec.name]
    if spec.replica:
        words += ["replica", str(spec.replica + spec.arbiter)]
    if spec.arbiter:
        words += ["arbiter", str(spec.arbiter)]
    if spec.disperse:
        words += ["disperse", str(spec.disperse), "redundancy", str(spec.redundancy)]
    return " ".join([*words, *(f"{addresses[brick.node]}:{brick.path}" for brick in spec.bricks)])


def same_value(one: str, other: str) -> bool:
    """Whether two option values mean the same to gluster, which keeps a boolean in whatever word it was given."""
    return one == other or any({one.lower(), other.lower()} <= words for words in (_TRUE, _FALSE))


def _options(spec: VolumeSpec, volume: Volume | None, set_before: Sequence[str]) -> list[Step]:
    """One `volume set` for all options that differ (all or none is set), one reset for each that values dropped."""
    live = dict(volume.options) if volume else {}
    wanted = dict(spec.options)
    changed = [(k, v) for k, v in wanted.items() if k not in live or not same_value(live[k], v)]
    dropped = [key for key in set_before if key in live and key not in wanted]
    steps = [
        Step(f"volume reset {spec.name} {key}", volume=spec.name, why="values no longer list it") for key in dropped
    ]
    if changed:
        steps.append(Step(" ".join(["volume set", spec.name, *(f"{k} {v}" for k, v in changed)]), volume=spec.name))
    return steps


def _unusable(spec: VolumeSpec, values: Values, observed: Observed) -> list[str]:
    """Folders that a new volume must not take."""
    refusals = []
    for brick in spec.bricks:
        folder = observed.folders[brick]
        where = f"{brick.node}:{brick.path} (volume {spec.name})"
        taken = _taken(brick, folder, observed)
        if not folder.parent_exists:
            refusals.append(f"{where}: the brick directory {_parent(brick)} is not on the node. Make and mount it.")
        elif folder.on_root_disk and not values.allow_root_disk_bricks:
            refusals.append(
                f"{where}: {_parent(brick)} lies on the node's root disk; a disk is probably not mounted. "
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


def _differs(spec: VolumeSpec, volume: Volume, observed: Observed) -> list[str]:
    """What an existing volume has otherwise than values say. None of it is changed by this version."""
    problems = []
    wanted_type = (spec.replica + spec.arbiter or 1, spec.arbiter, spec.disperse, spec.redundancy)
    if wanted_type != (volume.replica, volume.arbiter, volume.disperse, volume.redundancy):
        problems.append(
            f"The volume {spec.name} is {kind_of(volume)} in the pool, values say {spec.kind}: a volume's type is not "
            "changed. Put the old type back into values, or make a new volume and copy the data."
        )
    live = _live_bricks(volume, observed)
    if set(live) != set(spec.bricks):
        problems.append(
            f"The volume {spec.name} has the bricks {_list(live)} in the pool, values give {_list(spec.bricks)}: "
            "bricks of an existing volume are not added, moved or taken away by this version. "
            "Put the old nodes and bricks back into values."
        )
    return problems


def _live_bricks(volume: Volume, observed: Observed) -> tuple[BrickSpec, ...]:
    return tuple(BrickSpec(observed.name_of(brick.peer), brick.path) for brick in volume.bricks)


def _other_sets(spec: VolumeSpec, volume: Volume, observed: Observed) -> str:
    """Existing sets never move: another order in values, as when `nodes` is sorted anew, changes nothing."""
    live = _live_bricks(volume, observed)
    if set(live) != set(spec.bricks) or _sets(live, volume.set_size) == _sets(spec.bricks, spec.set_size):
        return ""
    return (
        f"{spec.name} keeps its sets of bricks as they are; values in their present order would group them otherwise."
    )


def _sets(bricks: Sequence[BrickSpec], size: int) -> set[frozenset[BrickSpec]]:
    return {frozenset(bricks[start : start + size]) for start in range(0, len(bricks), size)}


def kind_of(volume: Volume) -> str:
    """The type of a live volume in the words that VolumeSpec.kind uses."""
    if volume.disperse:
        return f"disperse {volume.disperse} redundancy {volume.redundancy}"
    if volume.arbiter:
        return f"replica {volume.replica - volume.arbiter} arbiter {volume.arbiter}"
    return f"replica {volume.replica}" if volume.replica > 1 else "distributed"


def _left_over(spec: VolumeSpec) -> str:
    if not spec.left_over:
        return ""
    return f"{spec.name}: {_list(spec.left_over)} left over, they make no whole set of {spec.set_size}."


def _list(bricks: Sequence[BrickSpec]) -> str:
    return ", ".join(f"{brick.node}:{brick.path}" for brick in bricks)


def _parent(brick: BrickSpec) -> str:
    return brick.path.rsplit("/", 1)[0]
