"""From a case to a plan: all differences, and what a policy makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import Enum

from hooks.plan import delete, drain, peers, rebuild, repair, sentences, volumes
from hooks.plan.case import Case
from hooks.plan.differences import Answer, BrickOffline, DaemonOffline, Difference
from hooks.plan.model import Phase, Plan, Step, WaitFor
from hooks.plan.obstacles import BrickUnproven
from hooks.values.model import BrickSpec


class Policy(Enum):
    """FULL: all is put right that can be. REPAIRS: only lost peers and bricks, and what does not run.

    UPGRADE is FULL before Helm or a restart of peers changes anything: what that may put right is no refusal yet, and
    what only has to pass is none either.
    """

    FULL = "full"
    REPAIRS = "repairs"
    UPGRADE = "upgrade"


def bricks_to_inspect(case: Case) -> tuple[BrickSpec, ...]:
    """Bricks whose folders the planner must know: those that volumes are to get or to lose, and those offline."""
    wanted = (*volumes.bricks_to_inspect(case), *repair.bricks_to_inspect(case), *delete.bricks_to_inspect(case))
    return tuple(dict.fromkeys(wanted))


def make_plan(case: Case, policy: Policy = Policy.FULL) -> Plan:
    """The plan for a case, whose pool must hold the folders of `bricks_to_inspect`."""
    return decide(tuple(broken(case) if policy is Policy.REPAIRS else differences(case)), policy)


def differences(case: Case) -> Iterator[Difference]:
    """Everything in which the pool is not what the values ask for."""
    yield from broken(case)
    if _identities_known(case):
        yield from delete.differences(case)
        yield from volumes.differences(case)
        yield from drain.differences(case)


def broken(case: Case) -> Iterator[Difference]:
    """What is lost or does not run. While a peer lacks its identity nothing else can be told."""
    yield from peers.differences(case)
    yield from rebuild.identities(case)
    if _identities_known(case):
        lost = tuple(rebuild.lost_bricks(case))
        yield from lost
        yield from repair.differences(case, waiting={difference.volume for difference in lost} - {""})


def decide(found: Sequence[Difference], policy: Policy) -> Plan:
    """What `policy` makes of differences."""
    refused = [d for d in found if d.answer is Answer.REFUSE]
    waits = [d for d in found if d.answer is Answer.WAIT]
    notes = [d for d in found if d.answer is Answer.NOTE]
    if policy is Policy.UPGRADE:
        notes += [d for d in refused if d.restart_may_fix] + waits
        refused, waits = [d for d in refused if not d.restart_may_fix], []
    areas = [rebuild, repair] if policy is Policy.REPAIRS else [peers, rebuild, repair, delete, volumes, drain]
    return Plan(
        phases=_each_wait_once([phase for area in areas for phase in area.phases(found)]),
        refusals=tuple(map(sentences.refusal, refused)),
        waits=tuple(map(sentences.wait, waits)),
        notes=tuple(map(sentences.note, notes)),
        unstarted=any(isinstance(d, BrickUnproven | BrickOffline | DaemonOffline) for d in found),
    )


def _identities_known(case: Case) -> bool:
    """Whether no peer has another UUID than the pool knows it by: the bricks of one that has are on no node's peer."""
    return not (case.uuids_to_restore or case.lost_uuids)


def _each_wait_once(phases: Sequence[Phase]) -> tuple[Phase, ...]:
    """Phases that have steps. What must be waited for again directly before a later step is waited for only then."""
    seen: set[Step] = set()
    kept: list[Phase] = []
    for phase in reversed(phases):
        steps = tuple(step for step in phase.steps if step not in seen)
        seen |= {step for step in phase.steps if isinstance(step, WaitFor)}
        kept.append(replace(phase, steps=steps))
    return tuple(phase for phase in reversed(kept) if phase.steps)
