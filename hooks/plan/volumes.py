"""The volumes' part of a plan: make what is missing, add whole sets and copies, set options, start, spread and heal."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hooks.gluster.model import Observed, Volume
from hooks.plan.bricks import BrickDiff, growth, listed, unusable, would_regroup
from hooks.plan.delete import may_be_removed
from hooks.plan.model import Decision, Step, Until, phase, phases_of
from hooks.plan.state import HookState
from hooks.values.model import TLS_OPTIONS, BrickSpec, Values, VolumeSpec

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


def decide(values: Values, observed: Observed, memory: HookState, restarting: Container[str] = ()) -> Decision:
    """Plan creates, growth, options and starts of the volumes that values list; the others are named.

    The folders of nodes that are `restarting` cannot be judged yet: their peers do not see new brick directories.
    """
    existing = {volume.name: volume for volume in observed.volumes}
    steps = _Steps()
    refusals: list[str] = []
    notes: list[str] = []
    for spec in values.volumes:
        volume = existing.get(spec.name)
        grown = growth(spec, volume, observed, values.drained)
        fresh = [
            brick
            for brick in grown.taken
            if brick.node not in restarting
            and not (_leftover(brick, spec, observed, memory) or may_be_removed(brick, observed, memory))
        ]
        refusals += unusable(fresh, spec.name, values, observed)
        refusals += _refusals(spec, volume, grown) if volume else []
        notes += _notes(spec, volume, grown, observed)
        steps.clean += _cleanups(spec, grown, observed, memory)
        if volume is None:
            steps.make.append(_with_bricks("create", spec, _type_words(spec), grown.added, observed))
        steps.make += _options(spec, volume, memory.options.get(spec.name, ()))
        if volume is None or not volume.started:
            # If an option is rejected, `start` is skipped: a volume never starts with less than the values ask for.
            steps.make.append(Step(f"volume start {spec.name}", volume=spec.name))
        if volume is not None:
            _grow(spec, grown, observed, memory, steps)
    notes += [
        f"The volume {name} is in the pool but not in `volumes`: kept as it is."
        for name in sorted(existing.keys() - {spec.name for spec in values.volumes} - {*values.deleted})
    ]
    return Decision(phases_of(steps), tuple(refusals), notes=tuple(notes))


def brick_folders(values: Values, observed: Observed) -> Iterator[BrickSpec]:
    """Bricks whose folders the planner must know: those that volumes are to get."""
    existing = {volume.name: volume for volume in observed.volumes}
    for spec in values.volumes:
        yield from growth(spec, existing.get(spec.name), observed, values.drained).taken


def same_value(one: str, other: str) -> bool:
    """Whether two option values mean the same to gluster, which keeps a boolean in whatever word it was given."""
    return one == other or any({one.lower(), other.lower()} <= words for words in (_TRUE, _FALSE))


def differing(spec: VolumeSpec, live: Mapping[str, str]) -> dict[str, str]:
    """The options that differ from the values in a volume that has `live` ones, with what they say."""
    return {k: v for k, v in spec.options if k not in live or not same_value(live[k], v)}


def ask_to_heal(name: str) -> Step:
    """Asked, the self-heal daemon looks at once, else every ten minutes; that it cannot be asked is no failure."""
    return Step(f"gluster --mode=script volume heal {name} || true", volume=name, shell=True)


def kind_of(volume: Volume) -> str:
    """The type of a live volume in the words that VolumeSpec.kind uses."""
    if volume.disperse:
        return f"disperse {volume.disperse} redundancy {volume.redundancy}"
    if volume.arbiter:
        return f"replica {volume.replica - volume.arbiter} arbiter {volume.arbiter}"
    return f"replica {volume.replica}" if volume.replica > 1 else "distributed"


def _grow(spec: VolumeSpec, grown: BrickDiff, observed: Observed, memory: HookState, steps: _Steps) -> None:
    name = spec.name
    if grown.new_replicas:
        # One after the other: each restarts the self-heal daemons, and two at the same time can lose them.
        step = _with_bricks("add-brick", spec, _type_words(spec), grown.new_replicas, observed)
        steps.widen.append(replace(step, peer=observed.reference_peer.name))
    if grown.new_replicas or name in memory.healing:
        steps.ask.append(ask_to_heal(name))
        steps.heal.append(Step(f"volume heal {name} info summary", volume=name, until=Until.HEALED))
    if grown.added:
        steps.add.append(_with_bricks("add-brick", spec, [], grown.added, observed))
    if grown.added or name in memory.rebalancing:
        if grown.added or not observed.rebalancing(name):
            steps.spread.append(Step(f"volume rebalance {name} start", volume=name))
        steps.watch.append(Step(f"volume rebalance {name} status", volume=name, until=Until.REBALANCED))


def _with_bricks(
    verb: str, spec: VolumeSpec, words: Sequence[str], bricks: Sequence[BrickSpec], observed: Observed
) -> Step:
    addresses = {peer.name: peer.address for peer in observed.peers}
    places = [f"{addresses[brick.node]}:{brick.path}" for brick in bricks]
    return Step(" ".join(["volume", verb, spec.name, *words, *places]), volume=spec.name)


def _type_words(spec: VolumeSpec) -> list[str]:
    """The type in gluster's own words. An arbiter set is `replica 3 arbiter 1`, as `volume info` counts its bricks."""
    words = []
    if spec.replica:
        words += ["replica", str(spec.replica + spec.arbiter)]
    if spec.arbiter:
        words += ["arbiter", str(spec.arbiter)]
    if spec.disperse:
        words += ["disperse", str(spec.disperse), "redundancy", str(spec.redundancy)]
    return words


def _options(spec: VolumeSpec, volume: Volume | None, set_before: Sequence[str]) -> list[Step]:
    """One `volume set` for all options that differ (all or none is set), one reset for each that values dropped."""
    live = dict(volume.options) if volume else {}
    changed = differing(spec, live)
    dropped = [key for key in set_before if key in live and key not in dict(spec.options)]
    steps = [
        Step(f"volume reset {spec.name} {key}", volume=spec.name, why="values no longer list it") for key in dropped
    ]
    if changed:
        pairs = " ".join(f"{key} {value}" for key, value in changed.items())
        steps.append(Step(f"volume set {spec.name} {pairs}", volume=spec.name))
    return steps


def _leftover(brick: BrickSpec, spec: VolumeSpec, observed: Observed, memory: HookState) -> bool:
    """Whether a folder is provably what a failed create or add-brick of ours left: recorded as free, and no file in it.

    One that fails on a peer leaves the volume's id on the folders of the others (measured for create), and the next one
    says "already part of a volume". `brick` is one that the volume does not have.
    """
    folder = observed.folders[brick]
    if not folder.volume_id:
        return False
    known = any(volume.id == folder.volume_id and volume.name != spec.name for volume in observed.volumes)
    recorded = f"{brick.node}:{brick.path}" in memory.taking.get(spec.name, ())
    return not known and recorded and folder.is_folder and not folder.has_files


def _cleanups(spec: VolumeSpec, grown: BrickDiff, observed: Observed, memory: HookState) -> list[Step]:
    return [
        # rmdir and not rm: were there a file after all, it would stay.
        Step(
            f"cd {brick.path} && find .glusterfs -type d -empty -delete; setfattr -x trusted.glusterfs.volume-id . "
            f"&& cd / && rmdir {brick.path}",
            peer=brick.node,
            why=f"left by a failed create or add-brick of {spec.name}",
            shell=True,
        )
        for brick in grown.taken
        if _leftover(brick, spec, observed, memory)
    ]


def _refusals(spec: VolumeSpec, volume: Volume, grown: BrickDiff) -> list[str]:
    refusals = []
    if not _may_become(volume, spec):
        refusals.append(
            f"The volume {spec.name} is {kind_of(volume)} in the pool, the values ask for {spec.kind}: a volume's type "
            "stays. Put the old type back into values, or make a new volume and copy the data. "
            "(What can be changed: one copy more, or an arbiter for replica 2.)"
        )
    elif spec.set_size > volume.set_size and len(grown.new_replicas) < len(volume.bricks) // volume.set_size:
        refusals.append(
            f"The volume {spec.name} cannot become {spec.kind}: each of its sets needs a brick on a further node. "
            "Add a node, or put the old type back into values."
        )
    if grown.gone:
        refusals.append(
            f"The volume {spec.name} has bricks that values no longer give: {listed(grown.gone)}. Bricks are not moved "
            "or taken away by leaving them out: put their nodes and brick directories back into values."
        )
    if volume.started and differing(spec, dict(volume.options)).keys() & {*TLS_OPTIONS}:
        pairs = " ".join(f"{key} on" for key in TLS_OPTIONS)
        refusals.append(
            f"The volume {spec.name} is started without TLS, and its bricks would go on in clear text until they are "
            f"started anew. When nobody uses it: `gluster volume stop {spec.name}`, `gluster volume set {spec.name} "
            f"{pairs}`, `gluster volume start {spec.name}`."
        )
    return refusals


def _may_become(volume: Volume, spec: VolumeSpec) -> bool:
    """The type stays, or gains one copy a set (replica n to n+1, n > 1), or an arbiter (2 to 2+1)."""
    live = (volume.replica, volume.arbiter, volume.disperse, volume.redundancy)
    wanted = (spec.replica + spec.arbiter or 1, spec.arbiter, spec.disperse, spec.redundancy)
    one_more = not (volume.disperse or spec.disperse or volume.arbiter) and 1 < volume.replica == wanted[0] - 1
    return live == wanted or one_more


def _notes(spec: VolumeSpec, volume: Volume | None, grown: BrickDiff, observed: Observed) -> Iterator[str]:
    if grown.left_over:
        yield f"{spec.name}: {listed(grown.left_over)} left over, they make no whole set of {spec.set_size}."
    if volume and would_regroup(spec, volume, observed):
        yield f"{spec.name} keeps its sets of bricks as they are; values in this order would group them otherwise."
