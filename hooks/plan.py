"""What must be done to bring the observed pool to the desired one: steps, or the reasons why nothing is done.

Pure: two snapshots in, a Plan out. A plan is data: it can be printed, compared and refused before anything runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hooks import plan_peers, plan_volumes
from hooks.observe import Observed
from hooks.steps import Phase
from hooks.values import BrickSpec, Values


@dataclass(frozen=True)
class Memory:
    """What earlier runs recorded: each node's UUID, and the options that the hook set on each volume."""

    uuids: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """`refusals` stop everything, `waits` may pass by themselves; with either, no step may be taken.

    Phases are done in order, the steps of a phase may be done side by side. `notes` are for the reader only.
    """

    phases: tuple[Phase, ...] = ()
    refusals: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        return sum(len(phase.steps) for phase in self.phases)

    @property
    def empty(self) -> bool:
        return not (self.phases or self.refusals or self.waits)


def bricks_to_inspect(values: Values, observed: Observed) -> tuple[BrickSpec, ...]:
    """Bricks whose folders the planner must know: those of volumes that the pool does not have yet."""
    existing = {volume.name for volume in observed.volumes}
    return tuple(brick for volume in values.volumes if volume.name not in existing for brick in volume.bricks)


def make_plan(values: Values, observed: Observed, memory: Memory) -> Plan:
    """Decide. `observed` must hold the folders of `bricks_to_inspect`."""
    peers = plan_peers.decide(observed, memory.uuids)
    volumes = plan_volumes.decide(values, observed, memory.options)
    return Plan(
        phases=tuple(phase for phase in (*peers.phases, *volumes.phases) if phase.steps),
        refusals=peers.refusals + volumes.refusals,
        waits=peers.waits + volumes.waits,
        notes=peers.notes + volumes.notes,
    )
