"""Maintenance between upgrades: repairs that lose nothing and disturb nobody are made, everything else is reported.

A healthy pool costs three execs whatever its size: two for the snapshot, one for heals and file systems.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hooks.gluster.model import Observed, Space
from hooks.gluster.observe import add_pending_nodes, observe
from hooks.gluster.runner import Runner
from hooks.gluster.session import Broken, PeersUnreachable, session
from hooks.gluster.xml import heals_of, parse_spaces, split_entries
from hooks.kube.pods import PeerPod
from hooks.plan import health, peers
from hooks.plan.build import differences
from hooks.plan.case import Case
from hooks.plan.differences import Answer, Difference
from hooks.plan.health import Heals
from hooks.plan.model import Finding, Plan
from hooks.plan.rejected import outlier, rejections
from hooks.plan.state import MaintenanceState
from hooks.run.context import Pool
from hooks.run.reconcile import observe_and_plan
from hooks.run.repairs import MaintenanceRun, execute, handle_rejected, trigger_heals
from hooks.text import counted
from hooks.wait import Deadline, Pace, wait_until

SETTLE_SECONDS = 15
"""How long what is amiss may come back by itself, as after a peer's start, before it is put right or said."""
LOOK_SECONDS = 3
"""How long it waits between two looks."""
READ_SECONDS = 20
"""How long the pool may be unreadable, as while another transaction holds a lock."""


@dataclass(frozen=True)
class Outcome:
    """What a run found and put right, the steps it took, and what it leaves to the next.

    `looked` is the last look, None where there was none for lack of peers; with none at all the run has `failed`.
    """

    findings: tuple[Finding, ...]
    steps: tuple[str, ...] = ()
    state: MaintenanceState = field(default_factory=MaintenanceState)
    looked: Observed | None = None
    failed: bool = False

    @property
    def amiss(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if not finding.resolved)

    @property
    def headline(self) -> str:
        """The outcome in a sentence that stands alone."""
        good = len(self.findings) - len(self.amiss)
        if self.looked is None:
            why = "could not be looked at" if self.failed else "was not looked at, for a peer is away"
            return f"The pool {why}: {counted(len(self.amiss), 'finding')}."
        pool = f"the pool of {counted(len(self.looked.peers), 'peer')}"
        if not self.findings:
            return f"All is well: {pool} has every brick online, and nothing is to heal."
        return f"Looked after {pool}: {good} put right, {counted(len(self.amiss), 'finding')}."

    def text(self) -> str:
        """The report: its sentence, what was put right, what is amiss, the steps that were taken."""
        lines = [self.headline]
        lines += [
            f"  - {'Put right: ' if f.resolved else ''}{f}" for f in sorted(self.findings, key=lambda f: f.resolved)
        ]
        return "\n".join([*lines, *self.steps])


def maintain(job: MaintenanceRun) -> Outcome:
    """Look, put right, report."""
    away = _not_ready(job.unready)
    if len(job.unready) == len(job.memory.uuids.keys() & job.addresses.keys()):
        return Outcome(tuple(away), state=job.before, failed=True)
    try:
        return _maintain(job, away)
    except PeersUnreachable as error:
        # A `volume status` would lock volumes for minutes now, see gluster.session.
        return Outcome(
            (*away, *health.unreachable_peers(job.addresses, error.addresses, f"{error}.")), state=job.before
        )
    except Broken as error:
        unreadable = Finding("PoolQueryFailed", f"The pool cannot be read: {error}.")
        return Outcome((*away, unreadable), state=job.before, failed=True)


def _not_ready(pods: Sequence[PeerPod]) -> list[Finding]:
    """Peers whose pods are not Ready."""
    return [
        Finding("PeerDisconnected", f"The peer on {pod.node} is not Ready: {pod.problem}.", node=pod.node, key=pod.node)
        for pod in pods
    ]


@dataclass(frozen=True)
class Allowed:
    """What a run may touch: the configuration of a `rejected` peer; `repairs` and heals of bricks."""

    rejected: bool
    repairs: bool


def _allowed(job: MaintenanceRun, case: Case, plan: Plan | None) -> Allowed:
    """Nothing in a pool that is not complete and ours; bricks and heals wait while it changes by itself."""
    ours = not _unexpected_peers(case) and not case.uuids_to_restore
    may_change = ours and not job.unready and not job.context.values.plan_only
    return Allowed(may_change, may_change and plan is not None and not plan.waits)


def _maintain(job: MaintenanceRun, away: Sequence[Finding]) -> Outcome:
    case, plan = _look_by_another(job)
    allowed = _allowed(job, case, plan)
    steps: list[str] = []
    resolved: list[Finding] = []
    repairs = [phase for phase in plan.phases if phase.repair] if plan and allowed.repairs else []
    if repairs:
        before = case.pool
        resolved += execute(job, before, repairs, steps)
        case, plan = _look(job, job.addresses)
        resolved += health.started(before, case.pool)
    heals, spaces = _heals_and_spaces(job.runner, case.pool)
    if allowed.repairs:
        resolved += trigger_heals(job, case.pool, heals, steps)
    on_rejected, repaired = handle_rejected(job, case, heals, steps if allowed.rejected else None)
    looked = Looked(case, plan, heals, spaces, frozenset(finding.key for finding in resolved))
    state = MaintenanceState(health.to_heal(heals), repaired)
    return Outcome((*away, *resolved, *on_rejected, *_findings(job, looked)), tuple(steps), state, case.pool)


@dataclass(frozen=True)
class Looked:
    """What a run has seen at its end; `just_resolved` are keys of findings that it has dealt with."""

    case: Case
    plan: Plan | None
    heals: Heals
    spaces: Sequence[Space]
    just_resolved: frozenset[str]


def _findings(job: MaintenanceRun, looked: Looked) -> Iterator[Finding]:
    """What is only reported."""
    pool, heals = looked.case.pool, looked.heals
    away = {pod.node for pod in job.unready}
    disconnected = health.disconnected(pool, away)
    yield from disconnected
    odd = outlier(pool)
    away |= {finding.node for finding in disconnected} | ({odd} if odd else rejections(pool).keys())
    yield from health.offline(looked.case, away)
    yield from health.unreachable_bricks(pool, heals, looked.just_resolved)
    yield from health.stalled(heals, job.before.to_heal)
    yield from health.split_brain(_split_entries(job.runner, pool, health.split_volumes(heals)))
    yield from health.full_bricks(pool, looked.spaces, job.context.values.disk_usage_threshold)
    yield from _drift(looked)


def _drift(looked: Looked) -> Iterator[Finding]:
    """What keeps the pool from being what the values ask for; of unexpected peers the rest follows."""
    complete = looked.plan is not None and not looked.plan.waits
    yield from health.option_drift(looked.case)
    if complete:
        found = tuple(differences(looked.case))
        yield from health.pool_drift(found)
        refused = [d for d in found if d.answer is Answer.REFUSE and not d.restart_may_fix]
        yield from health.blocked(_unexpected_peers(looked.case) or refused)


def _look_by_another(job: MaintenanceRun) -> tuple[Case, Plan | None]:
    """A look, by another peer if the first is the odd one out: its volumes may not be the pool's."""
    case, plan = _look(job, job.addresses)
    if (odd := outlier(case.pool)) != case.pool.reference_peer.name:
        return case, plan
    others = {name: address for name, address in job.addresses.items() if name != odd}
    return _look(job, {**others, odd: job.addresses[odd]})


def _split_entries(runner: Runner, observed: Observed, volumes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    commands = [f"volume heal {name} info split-brain" for name in volumes]
    replies = session(runner, observed.reference_peer.name, commands)
    return {n: split_entries(a) for n, r in zip(volumes, replies, strict=True) if (a := r.answer) is not None}


_Look = tuple[Case, Plan | None]


def _look(job: MaintenanceRun, addresses: Mapping[str, str]) -> _Look:
    """A snapshot once nothing changes or time is up; a plan only if every peer can be asked, for it needs them all."""
    clock = job.context.clock
    settled, readable = Deadline.after(SETTLE_SECONDS, clock), Deadline.after(READ_SECONDS, clock)

    def look() -> _Look | Exception:
        try:
            return _look_once(job, addresses)
        except PeersUnreachable:
            raise
        except Broken as error:
            return error

    def stable(found: _Look | Exception) -> bool:
        if isinstance(found, Exception):
            return False
        plan = found[1]
        return plan is None or not (plan.waits or plan.unstarted) or settled.passed

    found = wait_until(look, stable, Pace(readable, lambda _: LOOK_SECONDS))
    if isinstance(found, Exception):
        raise found
    return found


def _look_once(job: MaintenanceRun, addresses: Mapping[str, str]) -> _Look:
    values, away = job.context.values, {pod.node for pod in job.unready}
    if not away:
        return observe_and_plan(Pool(job.runner, addresses, job.pending), values, job.memory)
    present = {n: a for n, a in addresses.items() if n not in away | job.pending}
    known = {n: a for n, a in addresses.items() if n not in job.pending}
    observed = add_pending_nodes(observe(job.runner, present, values), known, job.memory.uuids)
    return Case(values, observed, job.memory), None


def _unexpected_peers(case: Case) -> list[Difference]:
    """Why the peers are not the ones that they should be."""
    return [difference for difference in peers.differences(case) if difference.answer is Answer.REFUSE]


def _heals_and_spaces(runner: Runner, observed: Observed) -> tuple[Heals, tuple[Space, ...]]:
    """Heals and file systems, as one peer knows them, in one exec. What a volume refuses to tell is left out."""
    started = [volume for volume in observed.volumes if volume.started]
    if not started:
        return {}, ()
    names = [volume.name for volume in started if volume.set_size > 1]
    commands = ["volume status all detail", *(f"volume heal {name} info summary" for name in names)]
    status, *replies = session(runner, observed.reference_peer.name, commands)
    heals = {n: heals_of(a) for n, r in zip(names, replies, strict=True) if (a := r.answer) is not None}
    return heals, parse_spaces(answer) if (answer := status.answer) is not None else ()
