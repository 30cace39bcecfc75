"""What must be done to bring the observed pool to the desired one: steps, or the reasons why nothing is done.

Pure: two snapshots in, a Plan out. A plan is data: it can be printed, compared and refused before anything runs.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace

from hooks.gluster.model import Observed
from hooks.plan import delete as plan_delete
from hooks.plan import drain as plan_drain
from hooks.plan import peers as plan_peers
from hooks.plan import rebuild as plan_rebuild
from hooks.plan import repair as plan_repair
from hooks.plan import volumes as plan_volumes
from hooks.plan.bricks import growth, live_bricks
from hooks.plan.model import Decision, Phase, Step
from hooks.plan.state import HookState
from hooks.values.model import BrickSpec, Values


@dataclass(frozen=True)
class Plan:
    """`refusals` stop everything, `waits` may pass by themselves; with either, no step may be taken.

    Phases are done in order, the steps of a phase may be done side by side. `repairs` says that something is offline
    which may come back by itself in a moment; `offline` are the refusals that a peer's new start may answer. `notes`
    are for the reader only.
    """

    phases: tuple[Phase, ...] = ()
    refusals: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    repairs: bool = False
    offline: tuple[str, ...] = ()

    @property
    def lasting(self) -> tuple[str, ...]:
        """The refusals that no peer's new start answers."""
        return tuple(text for text in self.refusals if text not in self.offline)

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(step for phase in self.phases for step in phase.steps)

    @property
    def next_phases(self) -> tuple[Phase, ...]:
        """The phases up to the one after which the pool must be seen anew."""
        last = next((number for number, phase in enumerate(self.phases) if phase.observe), len(self.phases))
        return self.phases[: last + 1]


def bricks_to_inspect(values: Values, observed: Observed, memory: HookState) -> tuple[BrickSpec, ...]:
    """Bricks whose folders the planner must know: those that volumes are to get or to lose, and those offline."""
    wanted = (
        *plan_volumes.brick_folders(values, observed),
        *plan_repair.brick_folders(values, observed),
        *plan_delete.brick_folders(values, observed, memory),
    )
    return tuple(dict.fromkeys(wanted))


def make_plan(
    values: Values, observed: Observed, memory: HookState, restarting: Container[str] = (), repair_only: bool = False
) -> Plan:
    """Decide. `observed` must hold the folders of `bricks_to_inspect`; `restarting` nodes get a changed pod.

    With `repair_only` the plan is no more than what is broken: lost peers and bricks, and what does not run.
    """
    peers = plan_peers.decide(observed, memory.uuids, plan_rebuild.uuids_to_restore(values, observed, memory))
    identity = plan_rebuild.decide(values, observed, memory)
    if identity.refusals or identity.phases[0].steps:
        return Plan(identity.phases, peers.refusals + identity.refusals, peers.waits, peers.notes)
    resets = plan_rebuild.resets(values, observed, memory)
    lost = {found.volume.name for found in plan_rebuild.lost_bricks(values, observed, memory)}
    repair = plan_repair.decide(values, observed, lost)
    if repair_only:
        return _plan((replace(peers, phases=()), resets, repair), repair)
    deletion = plan_delete.decide(values, observed, memory)
    volumes = plan_volumes.decide(values, observed, memory, restarting)
    drain = plan_drain.decide(values, observed, memory)
    return _plan((peers, resets, repair, deletion, volumes, drain), repair)


def _plan(parts: Sequence[Decision], repair: Decision) -> Plan:
    return Plan(
        phases=_each_wait_once([phase for part in parts for phase in part.phases]),
        refusals=tuple(refusal for part in parts for refusal in part.refusals),
        waits=tuple(wait for part in parts for wait in part.waits),
        notes=tuple(note for part in parts for note in part.notes),
        offline=repair.refusals,
        repairs=bool(repair.refusals or any(phase.steps for phase in repair.phases)),
    )


def remembered(memory: HookState, values: Values, observed: Observed) -> HookState:
    """What must be recorded before the plan's first step, so that a killed hook finds it again.

    Options that are being set are the hook's from now on, older ones still are; bricks that were found free may be
    taken; what gets bricks must be healed or rebalanced afterwards.
    """
    memory = record_before_repairs(memory, values, observed)
    if plan_rebuild.uuids_to_restore(values, observed, memory):
        return memory  # which bricks are on which node cannot be said while a peer has a wrong UUID
    existing = {volume.name: volume for volume in observed.volumes}
    grown = {spec.name: growth(spec, existing.get(spec.name), observed, values.drained) for spec in values.volumes}
    options = {spec.name: tuple(key for key, _ in spec.options) for spec in values.volumes}
    # What was to leave by an earlier plan may move by this one, and then keeps its old copy.
    live = {volume.id: set(map(str, live_bricks(volume, observed))) for volume in observed.volumes}
    gone = {i: tuple(place for place in places if place not in live.get(i, ())) for i, places in memory.left.items()}
    left = {existing[v].id: tuple(map(str, g.leaving)) for v, g in grown.items() if g.leaving}
    return replace(
        memory,
        left={**gone, **{i: _and(gone.get(i, ()), places) for i, places in left.items()}},
        options={
            v: tuple(sorted({*memory.options.get(v, ()), *keys})) for v, keys in {**memory.options, **options}.items()
        },
        taking={v: tuple(f"{b.node}:{b.path}" for b in g.taken) for v, g in grown.items() if g.taken},
        rebalancing=_and(memory.rebalancing, (v for v, g in grown.items() if g.added and v in existing)),
        healing=_and(memory.healing, (v for v, g in grown.items() if g.new_replicas or g.moved)),
        deleting=plan_delete.remembered(values, observed, memory),
    )


def record_before_repairs(memory: HookState, values: Values, observed: Observed) -> HookState:
    """The part of `remembered` that goes with a plan that only mends."""
    rebuilding = plan_rebuild.started(values, observed, memory)
    return replace(
        memory,
        rebuilding=_and(memory.rebuilding, sorted(rebuilding)),
        healing=_and(memory.healing, plan_rebuild.to_heal(rebuilding, observed, memory)),
    )


def settled(values: Values, observed: Observed, memory: HookState) -> HookState:
    """What is left to remember after success; of volumes that are not listed all stays known."""
    listed = {spec.name: tuple(key for key, _ in spec.options) for spec in values.volumes}
    kept = {v.name for v in observed.volumes} - listed.keys()
    return HookState(
        uuids={peer.name: peer.uuid for peer in observed.peers},
        options={**{name: keys for name, keys in memory.options.items() if name in kept}, **listed},
        rebalancing=tuple(name for name in memory.rebalancing if name in kept),
        healing=tuple(name for name in memory.healing if name in kept),
        deleting=plan_delete.settled(observed, memory),
        rebuilt=plan_rebuild.used(values, memory),
    )


def _each_wait_once(phases: Sequence[Phase]) -> tuple[Phase, ...]:
    """Phases that have steps. What must be waited for again directly before a later step is waited for only then."""
    seen: set[Step] = set()
    kept: list[Phase] = []
    for phase in reversed(phases):
        steps = tuple(step for step in phase.steps if step not in seen)
        seen |= {step for step in phase.steps if step.until is not None}
        kept.append(replace(phase, steps=steps))
    return tuple(phase for phase in reversed(kept) if phase.steps)


def _and(before: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*before, *more)))
