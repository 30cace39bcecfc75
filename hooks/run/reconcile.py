"""The pool is brought to what the values ask for: look, plan, do, and look again."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Container, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from hooks.gluster.folders import Folder
from hooks.gluster.model import Observed
from hooks.gluster.observe import add_pending_nodes, observe, observe_each_peer, query_each_peer, with_folders
from hooks.gluster.runner import OutcomeUnknown, PeerUnavailable, Runner
from hooks.gluster.session import Broken, GlusterError
from hooks.plan import record
from hooks.plan.build import Policy, bricks_to_inspect, make_plan
from hooks.plan.case import Case, unused_rebuild_words
from hooks.plan.drain import without_departed
from hooks.plan.model import Plan, Script, Step, WaitFor, Work
from hooks.plan.state import HookState
from hooks.run.apply import EndedBadly, Unfinished, apply_phase
from hooks.run.report import Report, plan_text
from hooks.values.model import BrickSpec, Values

R = TypeVar("R")

SETTLE_SECONDS = 60
"""How long peers and bricks may take to find each other again after a start (measured: 4 to 20 s)."""

SAME_PLAN = 3
"""How often the same plan is carried out to its end without an effect before the hook gives up."""
REPAIR_SECONDS = 15
"""How long a brick may take to come up by itself before the hook starts it."""


class Refused(Exception):
    """The hook ends without having reached what the values ask for; the message is for the user's terminal."""


@dataclass
class Hook:
    """What one run of the hook works with. `deadline` is a time.monotonic() value, `lost` asks after the lock."""

    values: Values
    deadline: float
    report: Report
    save: Callable[[HookState], None]
    lost: Callable[[], bool] = lambda: False

    def left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - time.monotonic()

    def stop_if_lease_lost(self) -> None:
        """Raise Refused when another hook has taken the lock."""
        if self.lost():
            raise Refused("The lock on this release was lost to another hook: this one stops. The next run goes on.")

    def remember(self, memory: HookState) -> None:
        """Record it, unless another hook has taken the lock: then its record stands."""
        self.stop_if_lease_lost()
        self.save(memory)


def observe_and_plan(
    runner: Runner,
    values: Values,
    addresses: Mapping[str, str],
    memory: HookState,
    restarting: Collection[str] = (),
    coming: Container[str] = (),
    known: Mapping[BrickSpec, Folder] | None = None,
    new: bool = False,
    policy: Policy = Policy.FULL,
) -> tuple[Case, Plan]:
    """One snapshot of the pool and the plan for it; `known` folders are not read again, `coming` nodes have no peer.

    Raises what observe() raises.
    """
    present = {node: address for node, address in addresses.items() if node not in coming}
    if new:
        # Probably every volume is to be made.
        observed = observe_each_peer(runner, present, [brick for spec in values.volumes for brick in spec.bricks])
        known = observed.folders
    else:
        observed = observe(runner, present, values) if present else Observed(())
    observed = without_departed(values, add_pending_nodes(observed, addresses, memory.uuids))
    if rebuilding := unused_rebuild_words(values, memory).keys() & present.keys():
        observed = query_each_peer(runner, observed, rebuilding)
    case = Case(values, observed, memory, frozenset(restarting))
    if bricks := bricks_to_inspect(case):
        case = replace(case, pool=with_folders(runner, observed, bricks, coming, known))
    return case, make_plan(case, policy)


def retry_until_readable(look: Callable[[], R], until: float, stands: str) -> R:
    """Look until the pool can be read: another transaction, or a peer that has just come back, passes in a moment.

    Raises Refused when it cannot after `until`, a time.monotonic() value; `stands` says what was done by then.
    """
    while True:
        try:
            return look()
        except Broken as error:
            if time.monotonic() > until:
                raise Refused(f"The pool cannot be read, {stands}: {error}") from error
        time.sleep(0.5)


def converge(
    hook: Hook, runner: Runner, addresses: Mapping[str, str], memory: HookState, changed: bool = False
) -> Observed:
    """Bring the pool to what the values ask for and wait until every brick is online; returns the last snapshot.

    Raises Refused with the reasons: the plan refuses, a command failed, or time is up; they say whether this run has
    `changed` anything.
    """
    case = _reconcile(hook, runner, addresses, memory, changed)
    hook.remember(record.after_success(case))
    return _online(hook, runner, addresses, case.pool)


def mend(hook: Hook, runner: Runner, addresses: Mapping[str, str], memory: HookState) -> HookState:
    """Put right what is broken, before peers are restarted, as far as nothing is in the way; returns what is recorded.

    What is in the way may be just what a peer's new pod is needed for. Raises Refused when a command failed.
    """
    return _reconcile(hook, runner, addresses, memory, False, policy=Policy.REPAIRS).state


def _reconcile(
    hook: Hook,
    runner: Runner,
    addresses: Mapping[str, str],
    memory: HookState,
    changed: bool,
    policy: Policy = Policy.FULL,
) -> Case:
    """Look, plan and do until there is nothing left to do; the last case, its state as it is recorded."""
    shown: list[Step] = []
    done: list[Plan] = []
    known: Mapping[BrickSpec, Folder] = {}
    while True:
        case, plan = _wait_until_stable(hook, runner, addresses, memory, changed, known, policy)
        observed = case.pool
        if plan.blocked:
            if policy is Policy.REPAIRS:
                return case
            raise Refused(_reasons(plan) if changed else plan_text(plan, observed))
        if any(step not in shown for step in plan.steps) or not (shown or policy is Policy.REPAIRS):
            hook.report.say(plan_text(plan, observed))
            shown += plan.steps
        if not plan.steps:
            return case
        memory = record.before_repairs(case) if policy is Policy.REPAIRS else record.before_steps(case)
        hook.remember(memory)
        if done.count(plan) >= SAME_PLAN:
            raise Refused(
                "\n".join(["These steps were done and the pool did not change:", *(f"  - {s}" for s in plan.steps)])
            )
        waited, broken = _execute(hook, runner, plan, observed)
        if not broken:
            done.append(plan)
        changed = True
        # What only joined peers has touched no folder.
        steps = [step for phase in plan.next_phases for step in phase.steps]
        touched = any(step.volume or isinstance(step, Script) for step in steps)
        known = {} if touched else observed.folders
        memory = memory.without_finished(waited[Work.REBALANCE], waited[Work.HEAL])
        hook.remember(memory)


def _reasons(plan: Plan) -> str:
    return "\n".join(
        ["Stopped; what was done before stands:", *(f"  - {reason}" for reason in plan.refusals + plan.waits)]
    )


def _execute(hook: Hook, runner: Runner, plan: Plan, observed: Observed) -> tuple[dict[Work, set[str]], bool]:
    """Do the plan's next phases.

    Returns the volumes that were waited for to the end and not changed since, and whether it broke off at a step whose
    outcome is not known.
    """
    waited: dict[Work, set[str]] = {work: set() for work in Work}
    others = [p.name for p in observed.peers if p is not observed.reference_peer and p.name not in hook.values.drained]
    members = [observed.reference_peer.name, *others]
    if hook.values.tls:
        # Where several peers lead transactions at the same time, one may wait for ever for an answer (seen with 11.1).
        members = members[:1]
    for phase in plan.next_phases:
        if hook.left() < 0:
            raise Refused("Time is up. What was done stands; run `helm upgrade` again to go on from there.")
        changing = {step.volume for step in phase.steps if not isinstance(step, WaitFor)}
        waited = {work: volumes - changing for work, volumes in waited.items()}
        try:
            apply_phase(runner, phase, members, hook.deadline, hook.report.done, hook.report.say)
        except GlusterError as error:
            raise Refused(
                f"{error}\nWhat was done before stands; mend the cause and run `helm upgrade` again."
            ) from error
        except Unfinished as error:
            raise Refused(str(error)) from error
        except EndedBadly as error:
            hook.report.say(f"  {error}: once more.")
            return waited, False
        except (OutcomeUnknown, PeerUnavailable) as error:
            hook.report.say(f"  {error}: looking at the pool again.")
            return waited, True
        for step in phase.steps:
            if isinstance(step, WaitFor):
                waited[step.work].add(step.volume)
    return waited, False


def _wait_until_stable(
    hook: Hook,
    runner: Runner,
    addresses: Mapping[str, str],
    memory: HookState,
    changed: bool,
    known: Mapping[BrickSpec, Folder],
    policy: Policy,
) -> tuple[Case, Plan]:
    """Look until the plan has no `waits` and nothing to repair, or that does not pass by itself.

    After a start glusterd may need some seconds to find its peers again and to bring up its bricks.
    """
    new = not (changed or memory.uuids)
    until = min(time.monotonic() + SETTLE_SECONDS, hook.deadline)
    repair = min(time.monotonic() + REPAIR_SECONDS, hook.deadline)

    def look() -> tuple[Case, Plan]:
        return observe_and_plan(runner, hook.values, addresses, memory, known=known, new=new, policy=policy)

    while True:
        case, plan = retry_until_readable(
            look, until, "what was done before stands" if changed else "nothing was changed"
        )
        now = time.monotonic()
        passing = (plan.waits and not plan.refusals and now < until) or (plan.unstarted and now < repair)
        if not passing:
            return case, plan
        time.sleep(0.5)


def _online(hook: Hook, runner: Runner, addresses: Mapping[str, str], observed: Observed) -> Observed:
    until = min(time.monotonic() + SETTLE_SECONDS, hook.deadline)
    while offline := offline_bricks(hook.values, observed):
        if time.monotonic() > until:
            raise Refused(
                "The volumes are what the values ask for, but not every brick is online:\n"
                + "\n".join(f"  - {text}" for text in offline)
                + "\nLook at the peer's log (kubectl logs) and at its disk; `gluster volume status` shows the rest."
            )
        time.sleep(1)
        try:
            observed = replace(observe(runner, addresses, hook.values), folders=observed.folders)
        except Broken as error:
            hook.report.say(f"  {error}: looking again.")
    return observed


def offline_bricks(values: Values, observed: Observed) -> list[str]:
    """Bricks of the volumes in values that `volume status` does not show as online."""
    wanted = {volume.name for volume in values.volumes}
    return [
        f"{volume.name}: brick {brick} on {observed.name_of(brick.peer)}"
        for volume in observed.volumes
        if volume.name in wanted
        for brick in observed.offline(volume)
    ]
