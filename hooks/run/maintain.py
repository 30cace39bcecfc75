"""One look after the live pool between upgrades: what can lose nothing and disturb nobody is put right, the rest said.

A healthy pool costs three execs whatever its size: two for the snapshot, one for heals and file systems.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from hooks.gluster.checksums import Copies, copies
from hooks.gluster.model import Observed, Space
from hooks.gluster.observe import add_pending_nodes, observe
from hooks.gluster.runner import Runner
from hooks.gluster.session import Broken, PeersUnreachable, session
from hooks.gluster.xml import heals_of, parse_spaces, split_entries
from hooks.kube.pods import PeerPod
from hooks.plan import health as find
from hooks.plan import peers as plan_peers
from hooks.plan import rebuild as plan_rebuild
from hooks.plan import rejected
from hooks.plan import repair as plan_repair
from hooks.plan.build import Plan
from hooks.plan.health import Finding, Heals
from hooks.plan.model import Phase, Step
from hooks.plan.rejected import outlier, rejections
from hooks.plan.state import HookState, MaintenanceState
from hooks.plan.volumes import ask_to_heal
from hooks.run.apply import apply_phase
from hooks.run.context import Pool, RunContext
from hooks.run.follow import Done, Finished
from hooks.run.reconcile import observe_and_plan
from hooks.text import counted, entries

SETTLE_SECONDS = 15
"""How long what is amiss may come back by itself, as after a peer's start, before it is put right or said."""
LOOK_SECONDS = 3
"""How long it waits between two looks."""
READ_SECONDS = 20
"""How long the pool may be unreadable, as while another transaction holds a lock."""
MEND_SECONDS = 90
"""How long a rejected peer may take to start anew and to take its volumes over (measured: half a minute)."""


@dataclass(frozen=True)
class MaintenanceRun:
    """What one run works with. `addresses` are those of all nodes; `before` is what the last run left."""

    hook: RunContext
    runner: Runner
    pods: Sequence[PeerPod]
    addresses: Mapping[str, str]
    memory: HookState
    before: MaintenanceState

    @cached_property
    def unready(self) -> list[PeerPod]:
        """The pods that keep a peer away; those of nodes that no hook has made a peer of yet do not count."""
        return [pod for pod in self.pods if pod.node in self.memory.uuids and not pod.ready]

    @property
    def coming(self) -> set[str]:
        return {pod.node for pod in self.pods} - self.memory.uuids.keys()


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
        return tuple(finding for finding in self.findings if not finding.good)

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
        lines += [f"  - {'Put right: ' if f.good else ''}{f.text}" for f in sorted(self.findings, key=lambda f: f.good)]
        return "\n".join([*lines, *self.steps])


def maintain(job: MaintenanceRun) -> Outcome:
    """Look, put right, say."""
    said = _not_ready(job.unready)
    if len(job.unready) == len(job.memory.uuids.keys() & job.addresses.keys()):
        return Outcome(tuple(said), state=job.before, failed=True)
    try:
        return _look_after(job, said)
    except PeersUnreachable as error:
        # A `volume status` would lock volumes for minutes now, see gluster.session.
        return Outcome((*said, *find.silent(job.addresses, error.addresses, str(error))), state=job.before)
    except Broken as error:
        unreadable = Finding("PoolUnreadable", "", f"The pool cannot be read: {error}.")
        return Outcome((*said, unreadable), state=job.before, failed=True)


def _not_ready(pods: Sequence[PeerPod]) -> list[Finding]:
    """Peers whose pods are not Ready."""
    return [
        Finding("PeerAway", pod.node, f"The peer on {pod.node} is not Ready: {pod.problem}.", pod.node) for pod in pods
    ]


def _look_after(job: MaintenanceRun, said: Sequence[Finding]) -> Outcome:
    observed, plan = _look_by_another(job)
    # Nothing is touched in a pool that is not all there and ours; its bricks and heals wait while it changes by itself.
    restoring = plan_rebuild.uuids_to_restore(job.hook.values, observed, job.memory)
    ours = not _unexpected_peers(job, observed) and not restoring
    may = ours and not job.unready and not job.hook.values.plan_only
    calm = may and plan is not None and not plan.waits
    steps: list[str] = []
    put: list[Finding] = []
    if plan and calm and (repairs := [phase for phase in plan.phases if phase.repair]):
        was = observed
        put += _execute(job, observed, repairs, steps)
        observed, plan = _look(job, job.addresses)
        put += find.started(was, observed)
    heals, spaces = _health(job.runner, observed)
    if calm:
        put += _heal(job, observed, heals, steps)
    on_rejected, mended = _rejected(job, observed, heals, may, steps)
    rest = _say(job, observed, plan, heals, spaces, just_repaired={f.about for f in put})
    state = MaintenanceState(find.to_heal(heals), mended)
    return Outcome((*said, *put, *on_rejected, *rest), tuple(steps), state, observed)


def _look_by_another(job: MaintenanceRun) -> tuple[Observed, Plan | None]:
    """A look, by another peer where the first is the odd one out: its volumes may not be the pool's."""
    observed, plan = _look(job, job.addresses)
    if (odd := outlier(observed)) != observed.reference_peer.name:
        return observed, plan
    others = {name: address for name, address in job.addresses.items() if name != odd}
    return _look(job, {**others, odd: job.addresses[odd]})


def _say(
    job: MaintenanceRun,
    observed: Observed,
    plan: Plan | None,
    heals: Heals,
    spaces: Sequence[Space],
    just_repaired: Container[str],
) -> Iterator[Finding]:
    """What is only said."""
    values, names = job.hook.values, [peer.name for peer in observed.peers]
    away = {pod.node for pod in job.unready}
    gone = find.disconnected(observed, away)
    yield from gone
    away |= {finding.node for finding in gone} | ({odd} if (odd := outlier(observed)) else rejections(observed).keys())
    yield from find.bricks_offline(values, observed, away)
    yield from find.unreachable(observed, heals, just_repaired)
    yield from find.stalled(heals, job.before.to_heal)
    yield from find.split_brain(_split_entries(job.runner, observed, find.split_volumes(heals)))
    yield from find.full_bricks(observed, spaces, values.disk_usage_threshold)
    yield from find.drifted_options(values, observed)
    if plan and not plan.waits:
        # Of peers that are not who they should be, the rest follows.
        yield from find.refused(_unexpected_peers(job, observed) or plan.lasting, names)
        yield from find.drifted_pool(plan)


def _split_entries(runner: Runner, observed: Observed, volumes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    commands = [f"volume heal {name} info split-brain" for name in volumes]
    replies = session(runner, observed.reference_peer.name, commands)
    return {n: split_entries(a) for n, r in zip(volumes, replies, strict=True) if (a := r.answer) is not None}


def _look(job: MaintenanceRun, addresses: Mapping[str, str]) -> tuple[Observed, Plan | None]:
    """A snapshot once all is calm or time is up; a plan only if every peer can be asked, for it needs all of them."""
    values, clock = job.hook.values, job.hook.clock
    began = clock.monotonic()
    away = {pod.node for pod in job.unready}
    while True:
        waited = clock.monotonic() - began
        try:
            if away:
                present = {n: a for n, a in addresses.items() if n not in away | job.coming}
                observed = observe(job.runner, present, query_all_peers=not values.host_network)
                known = {n: a for n, a in addresses.items() if n not in job.coming}
                return add_pending_nodes(observed, known, job.memory.uuids), None
            observed, plan = observe_and_plan(Pool(job.runner, addresses, job.coming), values, job.memory)
        except PeersUnreachable:
            raise
        except Broken:
            if waited > READ_SECONDS:
                raise
        else:
            if not (plan.waits or plan.repairs) or waited > SETTLE_SECONDS:
                return observed, plan
        clock.sleep(LOOK_SECONDS)


def _unexpected_peers(job: MaintenanceRun, observed: Observed) -> tuple[str, ...]:
    """Why the peers are not the ones that they should be."""
    values, memory = job.hook.values, job.memory
    return plan_peers.decide(observed, memory.uuids, plan_rebuild.uuids_to_restore(values, observed, memory)).refusals


def _execute(job: MaintenanceRun, observed: Observed, phases: Iterable[Phase], steps: list[str]) -> list[Finding]:
    """Do the steps; a finding for the one that failed."""
    members = [observed.reference_peer.name]

    class Log:
        def done(self, done: Done) -> None:
            steps.append(f"  done in {done.seconds:.1f} s: {done.step}")

        def say(self, text: str) -> None:
            steps.append(text)

    for phase in phases:
        job.hook.stop_if_lease_lost()
        try:
            outcome = apply_phase(job.runner, phase, members, job.hook.deadline, Log())
        except Broken as error:
            return [Finding("RepairFailed", phase.title, f"{phase.title}: {error}.")]
        if not isinstance(outcome, Finished):
            return [Finding("RepairFailed", phase.title, f"{phase.title}: {outcome.text}.")]
    return []


def _health(runner: Runner, observed: Observed) -> tuple[Heals, tuple[Space, ...]]:
    """Heals and file systems, as one peer knows them, in one exec. What a volume refuses to tell is left out."""
    started = [volume for volume in observed.volumes if volume.started]
    if not started:
        return {}, ()
    names = [volume.name for volume in started if volume.set_size > 1]
    commands = ["volume status all detail", *(f"volume heal {name} info summary" for name in names)]
    status, *replies = session(runner, observed.reference_peer.name, commands)
    told = {n: heals_of(a) for n, r in zip(names, replies, strict=True) if (a := r.answer) is not None}
    return told, parse_spaces(answer) if (answer := status.answer) is not None else ()


def _heal(job: MaintenanceRun, observed: Observed, heals: Heals, steps: list[str]) -> list[Finding]:
    """Ask for the heals that wait: a self-heal daemon looks by itself only every ten minutes."""
    waiting = find.to_heal(heals)
    if not waiting:
        return []
    phase = Phase("Ask for the heals that wait", tuple(ask_to_heal(name) for name in waiting))
    asked = [
        Finding(
            "HealAsked",
            name,
            f"{name} has {entries(count)} to heal: the heal was asked for.",
            good=True,
        )
        for name, count in waiting.items()
    ]
    return _execute(job, observed, [phase], steps) or asked


def _rejected(
    job: MaintenanceRun, observed: Observed, heals: Heals, may: bool, steps: list[str]
) -> tuple[list[Finding], tuple[str, ...]]:
    """Findings on peers that reject each other, after a repair of the odd one where values want it; and `mended`."""
    rejecting, odd = rejections(observed), outlier(observed)
    mended = tuple(node for node in job.before.mended if node in rejecting)
    if not rejecting:
        return [], ()
    away = {pod.node for pod in job.unready} | job.coming
    found = copies(job.runner, [peer.name for peer in observed.peers if peer.name not in away])
    remedy = "`maintenance.repairRejected: true` lets it take the volume over from the others anew."
    if odd and may and job.hook.values.repair_rejected:
        step = rejected.repair(job.hook.values, observed, odd, found, heals)
        if isinstance(step, str):
            remedy = f"It is not repaired now: {step}."
        elif odd in mended:
            remedy = "It was repaired once and is rejected again, so it is left alone: see its log."
        else:
            return _mend(job, observed, step, found, steps), (*mended, odd)
    return rejected.findings(rejecting, odd, found, remedy), mended


def _mend(job: MaintenanceRun, observed: Observed, step: Step, found: Copies, steps: list[str]) -> list[Finding]:
    """Carry out the repair of a rejected peer and wait until the others take it in."""
    if failed := _execute(job, observed, [Phase("Repair a rejected peer", (step,))], steps):
        return failed
    deadline = job.hook.deadline.within(MEND_SECONDS)
    known = {n: a for n, a in job.addresses.items() if n not in job.coming}
    while not deadline.passed:
        job.hook.clock.sleep(1)
        try:
            now = observe(job.runner, known, query_all_peers=not job.hook.values.host_network)
        except Broken:
            continue
        healthy = all(view.healthy for peer in now.peers for view in peer.views or ())
        if healthy and not any(True for v in now.volumes if v.started for _ in plan_repair.offline(v, now)):
            text = f"{step.peer} was rejected; it took {', '.join(rejected.differing(found))} over from the others."
            return [Finding("PeerRepaired", step.peer, text, step.peer, good=True)]
    text = f"{step.peer} was rejected and has not come back {MEND_SECONDS} s after its repair: see its pod's log."
    return [Finding("PeerRejected", step.peer, text, step.peer)]
