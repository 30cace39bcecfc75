"""Volumes as the values ask for them: made, given whole sets and copies, options, started, spread and healed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hooks.gluster.model import Volume
from hooks.plan.bricks import BrickDiff, folder_obstacle, would_regroup
from hooks.plan.case import Case
from hooks.plan.delete import may_be_removed
from hooks.plan.differences import (
    Difference,
    FailedCreate,
    HealPending,
    OptionDiffers,
    OptionUnlisted,
    RebalancePending,
    ReplicasMissing,
    SetsMissing,
    VolumeMissing,
    VolumeStopped,
)
from hooks.plan.model import Gluster, Phase, Script, Step, WaitFor, Work, phase, phases_of
from hooks.plan.obstacles import (
    BricksLeftOver,
    BricksUnlisted,
    ReplicaUnplaced,
    SetsRegrouped,
    TlsOff,
    TypeDiffers,
    VolumeUnlisted,
)
from hooks.values.model import TLS_OPTIONS, BrickSpec, VolumeSpec

_TRUE = {"on", "yes", "true", "enable", "1"}
_FALSE = {"off", "no", "false", "disable", "0"}


@dataclass
class _Steps:
    """Steps of all volumes, phase by phase."""

    clean: list[Step] = phase("Clean up after a step that failed half-way", observe=True)
    make: list[Step] = phase("Make the volumes, set their options, start them")
    widen: list[Step] = phase("Add a copy to each set", observe=True)
    ask: list[Step] = phase("Fill the new copies")
    heal: list[Step] = phase("Wait until nothing is left to heal")
    add: list[Step] = phase("Add whole sets of bricks")
    spread: list[Step] = phase("Spread the data over the new sets")
    watch: list[Step] = phase("Wait until it is spread")


def differences(case: Case) -> Iterator[Difference]:
    """What the volumes that the values list lack, and what keeps them from getting it; the others are named."""
    for spec in case.values.volumes:
        volume, diff = case.volumes.get(spec.name), case.brick_diffs[spec.name]
        yield from _folders(case, spec, diff)
        yield from _sets(case, spec, volume, diff)
        if volume is None:
            places = _places(case, diff.new_sets)
            yield VolumeMissing(volume=spec.name, type_words=_type_words(spec), places=places)
        else:
            yield from _impossible(spec, volume, diff)
        yield from option_differences(case, spec)
        if volume is None or not volume.started:
            yield VolumeStopped(volume=spec.name)
        if volume is not None:
            yield from _growth(case, spec, diff)
    for name in sorted(case.volumes.keys() - case.specs.keys() - {*case.values.deleted}):
        yield VolumeUnlisted(volume=name)


def phases(found: Iterable[Difference]) -> tuple[Phase, ...]:
    """All options of a volume go in one `volume set`, which sets all of them or none.

    If an option is rejected, `start` is skipped: a volume never starts with less than the values ask for.
    """
    steps = _Steps()
    options: dict[str, list[str]] = {}
    found = list(found)
    for difference in found:
        if isinstance(difference, OptionDiffers):
            options.setdefault(difference.volume, []).extend((difference.option, difference.asked))
    for difference in found:
        match difference:
            case FailedCreate(node=node, volume=name, brick=brick):
                why = f"left by a failed create or add-brick of {name}"
                steps.clean.append(Script("clean-failed-create.sh", (brick.path,), peer=node, why=why))
            case VolumeMissing(volume=name, type_words=words, places=places):
                steps.make.append(Gluster(("volume", "create", name, *words, *places), volume=name))
            case OptionUnlisted(volume=name, option=option):
                argv = ("volume", "reset", name, option)
                steps.make.append(Gluster(argv, volume=name, why="the values no longer list it"))
            case OptionDiffers(volume=name) if name in options:
                steps.make.append(Gluster(("volume", "set", name, *options.pop(name)), volume=name))
            case VolumeStopped(volume=name):
                steps.make.append(Gluster(("volume", "start", name), volume=name))
            case ReplicasMissing(volume=name, type_words=words, places=places, by=by):
                # One after the other: each restarts the self-heal daemons, and two at the same time can lose them.
                steps.widen.append(Gluster(("volume", "add-brick", name, *words, *places), by, name))
            case HealPending(volume=name):
                steps.ask.append(ask_to_heal(name))
                steps.heal.append(WaitFor(Work.HEAL, name))
            case SetsMissing(volume=name, places=places):
                steps.add.append(Gluster(("volume", "add-brick", name, *places), volume=name))
            case RebalancePending(volume=name, running=running):
                if not running:
                    steps.spread.append(Gluster(("volume", "rebalance", name, "start"), volume=name))
                steps.watch.append(WaitFor(Work.REBALANCE, name))
    return phases_of(steps)


def bricks_to_inspect(case: Case) -> Iterator[BrickSpec]:
    """Bricks that volumes are to get, whose folders the planner must know."""
    for diff in case.brick_diffs.values():
        yield from diff.claimed


def same_value(one: str, other: str) -> bool:
    """Whether two option values mean the same to gluster, which keeps a boolean in whatever word it was given."""
    return one == other or any({one.lower(), other.lower()} <= words for words in (_TRUE, _FALSE))


def option_differences(case: Case, spec: VolumeSpec) -> Iterator[OptionUnlisted | OptionDiffers]:
    """Options that the hook set and the values no longer list, then those that differ."""
    volume = case.volumes.get(spec.name)
    live = dict(volume.options) if volume else {}
    asked = dict(spec.options)
    for key in case.state.options.get(spec.name, ()):
        if key in live and key not in asked:
            yield OptionUnlisted(volume=spec.name, option=key)
    for key, value in spec.options:
        if key not in live or not same_value(live[key], value):
            yield OptionDiffers(volume=spec.name, option=key, live=live.get(key), asked=value)


def ask_to_heal(name: str) -> Script:
    """Asked, the self-heal daemon looks at once, else every ten minutes; that it cannot be asked is no failure."""
    return Script("heal.sh", (name,), volume=name)


def _folders(case: Case, spec: VolumeSpec, diff: BrickDiff) -> Iterator[Difference]:
    """The folders of bricks that the volume is to get: leftovers of ours are cleaned, what is in the way is refused.

    Those of nodes that are restarting cannot be judged yet: their peers do not see new brick directories.
    """
    for brick in diff.claimed:
        if _left_by_failed_create(case, spec, brick):
            yield FailedCreate(node=brick.node, volume=spec.name, brick=brick)
        elif brick.node not in case.restarting and not may_be_removed(case, brick):
            obstacle = folder_obstacle(brick, spec.name, case.values, case.pool)
            yield from (obstacle,) if obstacle else ()


def _left_by_failed_create(case: Case, spec: VolumeSpec, brick: BrickSpec) -> bool:
    """Whether a folder is provably what a failed create or add-brick of ours left: recorded as free, and no file in it.

    One that fails on a peer leaves the volume's id on the folders of the others (measured for create), and the next one
    says "already part of a volume". `brick` is one that the volume does not have.
    """
    folder = case.pool.folders[brick]
    if not folder.volume_id:
        return False
    owner = case.volumes_by_id.get(folder.volume_id)
    recorded = str(brick) in case.state.claimed_bricks.get(spec.name, ())
    return (owner is None or owner.name == spec.name) and recorded and folder.is_folder and not folder.has_files


def _sets(case: Case, spec: VolumeSpec, volume: Volume | None, diff: BrickDiff) -> Iterator[Difference]:
    if diff.left_over:
        yield BricksLeftOver(volume=spec.name, bricks=diff.left_over, set_size=spec.set_size)
    if volume and would_regroup(spec, case.live[spec.name]):
        yield SetsRegrouped(volume=spec.name)


def _impossible(spec: VolumeSpec, volume: Volume, diff: BrickDiff) -> Iterator[Difference]:
    if not _may_become(volume, spec):
        yield TypeDiffers(volume=spec.name, live=volume.kind, asked=spec.kind)
    elif spec.set_size > volume.set_size and len(diff.new_replicas) < len(volume.bricks) // volume.set_size:
        yield ReplicaUnplaced(volume=spec.name, asked=spec.kind)
    if diff.unlisted:
        yield BricksUnlisted(volume=spec.name, bricks=diff.unlisted)
    live, asked = dict(volume.options), dict(spec.options)
    if volume.started and any(o in asked and not same_value(live.get(o, ""), asked[o]) for o in TLS_OPTIONS):
        yield TlsOff(volume=spec.name)


def _may_become(volume: Volume, spec: VolumeSpec) -> bool:
    """The type stays, or gains one copy a set (replica n to n+1, n > 1), or an arbiter (2 to 2+1)."""
    live = (volume.replica, volume.arbiter, volume.disperse, volume.redundancy)
    wanted = (spec.replica + spec.arbiter or 1, spec.arbiter, spec.disperse, spec.redundancy)
    one_more = not (volume.disperse or spec.disperse or volume.arbiter) and 1 < volume.replica == wanted[0] - 1
    return live == wanted or one_more


def _growth(case: Case, spec: VolumeSpec, diff: BrickDiff) -> Iterator[Difference]:
    name = spec.name
    if diff.new_replicas:
        places, by = _places(case, diff.new_replicas), case.pool.reference_peer.name
        yield ReplicasMissing(volume=name, type_words=_type_words(spec), places=places, by=by)
    if diff.new_replicas or name in case.state.healing:
        yield HealPending(volume=name)
    if diff.new_sets:
        yield SetsMissing(volume=name, places=_places(case, diff.new_sets))
    if diff.new_sets or name in case.state.rebalancing:
        yield RebalancePending(volume=name, running=not diff.new_sets and case.pool.rebalancing(name))


def _places(case: Case, bricks: Iterable[BrickSpec]) -> tuple[str, ...]:
    return tuple(f"{case.addresses[brick.node]}:{brick.path}" for brick in bricks)


def _type_words(spec: VolumeSpec) -> tuple[str, ...]:
    """The type in gluster's own words. An arbiter set is `replica 3 arbiter 1`, as `volume info` counts its bricks."""
    words: list[str] = []
    if spec.replica:
        words += ["replica", str(spec.replica + spec.arbiter)]
    if spec.arbiter:
        words += ["arbiter", str(spec.arbiter)]
    if spec.disperse:
        words += ["disperse", str(spec.disperse), "redundancy", str(spec.redundancy)]
    return tuple(words)
