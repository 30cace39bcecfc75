"""What maintenance puts right in a live pool: what does not run, heals that wait, a peer that all others reject."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from hooks.gluster.checksums import Copies, copies
from hooks.gluster.model import Observed
from hooks.gluster.observe import observe
from hooks.gluster.runner import Runner
from hooks.gluster.session import Broken
from hooks.kube.pods import PeerPod
from hooks.plan import health, rejected
from hooks.plan.case import Case
from hooks.plan.health import Heals
from hooks.plan.model import Finding, Phase, Script
from hooks.plan.rejected import outlier, rejections
from hooks.plan.state import HookState, MaintenanceState
from hooks.plan.volumes import ask_to_heal
from hooks.run.apply import apply_phase
from hooks.run.context import RunContext
from hooks.run.follow import Done, Finished
from hooks.wait import Pace, wait_until

REJOIN_SECONDS = 90
"""How long a rejected peer may take to start again and to take its volumes over (measured: half a minute)."""


@dataclass(frozen=True)
class MaintenanceRun:
    """What one run works with. `addresses` are those of all nodes; `before` is what the last run left."""

    context: RunContext
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
    def pending(self) -> set[str]:
        return {pod.node for pod in self.pods} - self.memory.uuids.keys()


def execute(job: MaintenanceRun, observed: Observed, phases: Iterable[Phase], steps: list[str]) -> list[Finding]:
    """Do the steps, adding a line on each to `steps`; a finding for the one that failed."""
    members, log = [observed.reference_peer.name], _StepLines(steps)
    for phase in phases:
        job.context.stop_if_lease_lost()
        try:
            outcome = apply_phase(job.runner, phase, members, job.context.deadline, log)
        except Broken as error:
            return [Finding("RepairFailed", f"{phase.title}: {error}.", key=phase.title)]
        if not isinstance(outcome, Finished):
            return [Finding("RepairFailed", f"{phase.title}: {outcome.text}.", key=phase.title)]
    return []


@dataclass(frozen=True)
class _StepLines:
    """A StepLog that adds a line on each step."""

    lines: list[str]

    def done(self, done: Done) -> None:
        self.lines.append(f"  done in {done.seconds:.1f} s: {done.step}")

    def say(self, text: str) -> None:
        self.lines.append(text)


def trigger_heals(job: MaintenanceRun, observed: Observed, heals: Heals, steps: list[str]) -> list[Finding]:
    """Trigger the heals that wait: a self-heal daemon looks by itself only every ten minutes."""
    waiting = health.to_heal(heals)
    if not waiting:
        return []
    phase = Phase("Trigger the heals that wait", tuple(ask_to_heal(name) for name in waiting))
    return execute(job, observed, [phase], steps) or health.triggered(waiting)


def handle_rejected(
    job: MaintenanceRun, case: Case, heals: Heals, steps: list[str] | None
) -> tuple[list[Finding], tuple[str, ...]]:
    """Findings on peers that reject each other, after a repair of the odd one if the values ask for it.

    Nothing is repaired if there is no list to add `steps` to. Also returns the nodes that were repaired and have not
    been seen in the pool since.
    """
    rejecting, odd = rejections(case.pool), outlier(case.pool)
    repaired = tuple(node for node in job.before.repaired if node in rejecting)
    if not rejecting:
        return [], ()
    away = {pod.node for pod in job.unready} | job.pending
    found = copies(job.runner, [peer.name for peer in case.pool.peers if peer.name not in away])
    remedy = "`maintenance.repairRejected: true` lets it take the volume over from the others again."
    if odd and steps is not None and job.context.values.repair_rejected:
        step = rejected.repair(job.context.values, case.pool, odd, found, heals)
        if isinstance(step, str):
            remedy = f"It is not repaired now: {step}."
        elif odd in repaired:
            remedy = "It was repaired once and is rejected again, so it is left alone: see its log."
        else:
            phase = Phase("Repair a rejected peer", (step,))
            return execute(job, case.pool, [phase], steps) or _until_rejoined(job, step, found), (*repaired, odd)
    return rejected.findings(rejecting, odd, found, remedy), repaired


def _until_rejoined(job: MaintenanceRun, step: Script, found: Copies) -> list[Finding]:
    """Wait until the others take the repaired peer in."""
    pace = Pace(job.context.deadline.within(REJOIN_SECONDS))
    job.context.clock.sleep(1)  # until the others see that its glusterd was stopped
    if wait_until(lambda: _complete(job), bool, pace):
        what = f"{step.peer} was rejected; it took {', '.join(rejected.differing(found))} over from the others."
        return [Finding("PeerRepaired", what, node=step.peer, key=step.peer, resolved=True)]
    what = f"{step.peer} was rejected and has not come back {REJOIN_SECONDS} s after its repair:"
    return [Finding("PeerRejected", what, "see its pod's log.", step.peer, key=step.peer)]


def _complete(job: MaintenanceRun) -> bool:
    """Whether every peer sees every other one in the pool, and every brick is online."""
    known = {node: address for node, address in job.addresses.items() if node not in job.pending}
    try:
        now = observe(job.runner, known, job.context.values)
    except Broken:
        return False
    healthy = all(view.healthy for peer in now.peers for view in peer.views or ())
    return healthy and not any(now.offline(volume) for volume in now.volumes if volume.started)
