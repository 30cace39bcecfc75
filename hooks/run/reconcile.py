"""The pool is brought to what the values ask for: look, plan, do, and look again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from hooks.gluster.folders import Folder
from hooks.gluster.model import Observed
from hooks.gluster.observe import add_pending_nodes, observe, observe_each_peer, query_each_peer, with_folders
from hooks.gluster.runner import OutcomeUnknown, PeerUnavailable
from hooks.gluster.session import Broken, GlusterError
from hooks.plan import record
from hooks.plan.build import Policy, bricks_to_inspect, make_plan
from hooks.plan.case import Case, unused_rebuild_words
from hooks.plan.drain import without_departed
from hooks.plan.model import Phase, Plan, Script, Step, WaitFor, Work
from hooks.plan.state import HookState
from hooks.run.apply import apply_phase
from hooks.run.context import Pool, RunContext
from hooks.run.endings import CannotRead, Changed, CommandFailed, OutOfTime, Refused
from hooks.run.follow import STALL_SECONDS, Failed, Finished, Outcome, Stalled, Unfinished
from hooks.run.report import plan_text
from hooks.values.model import BrickSpec, Values
from hooks.wait import Deadline, Pace, wait_until

R = TypeVar("R")
Folders = Mapping[BrickSpec, Folder]

SETTLE_SECONDS = 60
"""How long peers and bricks may take to find each other again after a start (measured: 4 to 20 s)."""
SAME_PLAN = 3
"""How often the same plan is carried out to its end without an effect before the hook gives up."""
REPAIR_SECONDS = 15
"""How long a brick may take to come up by itself before the hook starts it."""
LOOK_SECONDS = 0.5
"""Between two looks at a pool that may change by itself in a moment."""


def observe_and_plan(
    pool: Pool, values: Values, memory: HookState, policy: Policy = Policy.FULL, folders: Folders | None = None
) -> tuple[Case, Plan]:
    """One snapshot of the pool and the plan for it; `folders` that are known are not looked into again.

    Raises what observe() raises.
    """
    present = _present(pool)
    observed = observe(pool.runner, present, values) if present else Observed(())
    case = Case(values, replace(observed, folders=folders or {}), memory, frozenset(pool.restarting))
    return _plan(pool, case, policy)


def observe_new_and_plan(
    pool: Pool, values: Values, memory: HookState, policy: Policy = Policy.FULL
) -> tuple[Case, Plan]:
    """The same where there is probably no pool yet: then every volume is to be made, and fewer execs see it all."""
    bricks = [brick for spec in values.volumes for brick in spec.bricks]
    observed = observe_each_peer(pool.runner, _present(pool), bricks)
    return _plan(pool, Case(values, observed, memory, frozenset(pool.restarting)), policy)


def _present(pool: Pool) -> dict[str, str]:
    return {node: address for node, address in pool.addresses.items() if node not in pool.pending}


def _plan(pool: Pool, case: Case, policy: Policy) -> tuple[Case, Plan]:
    """Add to a case what the first look at the pool has not shown, and plan."""
    known = case.pool.folders
    observed = without_departed(case.values, add_pending_nodes(case.pool, pool.addresses, case.state.uuids))
    if rebuilding := unused_rebuild_words(case.values, case.state).keys() & _present(pool).keys():
        observed = query_each_peer(pool.runner, observed, rebuilding)
    case = replace(case, pool=observed)
    if bricks := bricks_to_inspect(case):
        case = replace(case, pool=with_folders(pool.runner, observed, bricks, pool.pending, known))
    return case, make_plan(case, policy)


def retry_until_readable(look: Callable[[], R], deadline: Deadline, changed: Changed = Changed.NOTHING) -> R:
    """Look until the pool can be read: another transaction, or a peer that has just come back, passes in a moment.

    Raises CannotRead when it cannot at `deadline`; the message says whether the run has `changed` anything.
    """

    def look_or_error() -> tuple[R] | Exception:
        try:
            return (look(),)
        except Broken as error:
            return error

    found = wait_until(look_or_error, lambda found: isinstance(found, tuple), Pace(deadline, lambda _: LOOK_SECONDS))
    if isinstance(found, tuple):
        return found[0]
    raise CannotRead(found, changed) from found


def reconcile(context: RunContext, pool: Pool, memory: HookState, changed: Changed = Changed.NOTHING) -> Observed:
    """Bring the pool to what the values ask for and wait until every brick is online; returns the last snapshot.

    `changed` is what the run has done before. Raises one of the endings: the plan refuses, a command failed, the pool
    cannot be read, time is up, or the Lease is lost.
    """
    work = _Reconciliation(context, pool, memory, Policy.FULL, changed)
    case, plan = work.run()
    if plan.blocked:
        raise Refused(plan_text(plan, case.pool) if work.changed is Changed.NOTHING else _reasons(plan))
    context.remember(record.after_success(case))
    return _wait_until_online(context, pool, case.pool)


def repair(context: RunContext, pool: Pool, memory: HookState) -> HookState:
    """Repair what is broken before peers are restarted, and stop where the plan is blocked; returns what is recorded.

    What blocks it may be just what a peer's new pod is needed for. Raises the same endings but that one.
    """
    work = _Reconciliation(context, pool, memory, Policy.REPAIRS, Changed.NOTHING)
    work.run()
    return work.memory


def _reasons(plan: Plan) -> str:
    return "\n".join([f"Stopped; {Changed.SOMETHING.value}:", *(f"  - {r}" for r in plan.refusals + plan.waits)])


@dataclass
class _Reconciliation:
    """A run's way to a pool for which nothing is left to plan.

    `memory` is what is recorded, `folders` are those that nothing has touched since they were looked into.
    """

    context: RunContext
    pool: Pool
    memory: HookState
    policy: Policy
    changed: Changed
    folders: Folders = field(default_factory=dict)
    shown: list[Step] = field(default_factory=list)
    done: list[Plan] = field(default_factory=list)

    def run(self) -> tuple[Case, Plan]:
        """Look, plan and do until nothing is left to do, or something is in the way; the last case and its plan."""
        while True:
            case, plan = self._wait_until_stable()
            if plan.blocked:
                return case, plan
            self._show(plan, case.pool)
            if not plan.steps:
                return case, plan
            repairs = self.policy is Policy.REPAIRS
            self._remember(record.before_repairs(case) if repairs else record.before_steps(case))
            if self.done.count(plan) >= SAME_PLAN:
                steps = "\n".join(f"  {step}" for step in plan.steps)
                raise CommandFailed(f"These steps were done {SAME_PLAN} times and the pool did not change:\n{steps}")
            self._carry_out(plan, case.pool)

    def _show(self, plan: Plan, observed: Observed) -> None:
        """Report the plan, unless all its steps were reported before; one without steps only if it is the first."""
        first = self.policy is Policy.FULL and not self.shown
        if first or any(step not in self.shown for step in plan.steps):
            self.context.report.say(plan_text(plan, observed))
            self.shown += plan.steps

    def _remember(self, memory: HookState) -> None:
        self.memory = memory
        self.context.remember(memory)

    def _carry_out(self, plan: Plan, observed: Observed) -> None:
        """Do the plan's next phases and record what they have brought to its end."""
        members = self._members(observed)
        followed: dict[Work, set[str]] = {work: set() for work in Work}
        outcome: Outcome | None = Finished()
        for phase in plan.next_phases:
            changing = {step.volume for step in phase.steps if not isinstance(step, WaitFor)}
            followed = {work: volumes - changing for work, volumes in followed.items()}
            outcome = self._execute(phase, members)
            if not isinstance(outcome, Finished):
                break
            for step in phase.steps:
                if isinstance(step, WaitFor):
                    followed[step.work].add(step.volume)
        if isinstance(outcome, Finished | Failed):
            self.done.append(plan)
        self.changed = Changed.SOMETHING
        # What only joined peers has touched no folder.
        steps = [step for phase in plan.next_phases for step in phase.steps]
        touched = any(step.volume or isinstance(step, Script) for step in steps)
        self.folders = {} if touched else observed.folders
        self._remember(self.memory.without_finished(followed[Work.REBALANCE], followed[Work.HEAL]))

    def _members(self, observed: Observed) -> list[str]:
        """The peers that lead transactions."""
        first, drained = observed.reference_peer, self.context.values.drained
        if self.context.values.tls:
            # Where several peers lead transactions at the same time, one may wait for ever for an answer (seen, 11.1).
            return [first.name]
        return [first.name, *(peer.name for peer in observed.peers if peer is not first and peer.name not in drained)]

    def _execute(self, phase: Phase, members: Sequence[str]) -> Outcome | None:
        """Do a phase. None where it is not known what became of a step: then the pool must be looked at again."""
        if self.context.deadline.passed:
            raise OutOfTime("Time is up. What was done is kept; run `helm upgrade` again to go on from there.")
        say = self.context.report.say
        try:
            outcome = apply_phase(self.pool.runner, phase, members, self.context.deadline, self.context.report)
        except GlusterError as error:
            raise CommandFailed(
                f"{error}\nWhat was done before is kept. Correct the cause and run `helm upgrade` again."
            ) from error
        except (OutcomeUnknown, PeerUnavailable) as error:
            say(f"  {error}: looking at the pool again.")
            return None
        match outcome:
            case Unfinished():
                raise OutOfTime(f"{outcome.text}. It goes on by itself; run `helm upgrade` again to see it through.")
            case Failed():
                say(f"  {outcome.text}: once more.")
            case Stalled():
                say(f"  No progress for {STALL_SECONDS} s ({outcome.text}): looking at the pool again.")
        return outcome

    def _wait_until_stable(self) -> tuple[Case, Plan]:
        """Look until the plan has no `waits` and nothing to repair, or that does not pass by itself.

        After a start glusterd may need some seconds to find its peers again and to bring up its bricks.
        """
        settle, start = (self.context.deadline.within(seconds) for seconds in (SETTLE_SECONDS, REPAIR_SECONDS))

        def stable(found: tuple[Case, Plan]) -> bool:
            plan = found[1]
            return not ((plan.waits and not plan.refusals) or (plan.unstarted and not start.passed))

        return wait_until(
            lambda: retry_until_readable(self._look, settle, self.changed),
            stable,
            Pace(settle, lambda _: LOOK_SECONDS),
        )

    def _look(self) -> tuple[Case, Plan]:
        values, memory = self.context.values, self.memory
        if self.changed is Changed.NOTHING and not memory.uuids:
            return observe_new_and_plan(self.pool, values, memory, self.policy)
        return observe_and_plan(self.pool, values, memory, self.policy, self.folders)


def _wait_until_online(context: RunContext, pool: Pool, observed: Observed) -> Observed:
    """Wait until every brick is online; `observed` is the last snapshot, and so is what this returns."""
    if not offline_bricks(context.values, observed):
        return observed

    def look() -> Observed:
        try:
            now = observe(pool.runner, pool.addresses, context.values)
        except Broken as error:
            context.report.say(f"  {error}: looking again.")
            return observed
        return replace(now, folders=observed.folders)

    def give_up(observed: Observed) -> Observed:
        raise OutOfTime(
            "The volumes are what the values ask for, but not every brick is online:\n"
            + "\n".join(f"  - {text}" for text in offline_bricks(context.values, observed))
            + "\nLook at the peer's log (kubectl logs) and at its disk; `gluster volume status` shows the rest."
        )

    pace = Pace(context.deadline.within(SETTLE_SECONDS))
    return wait_until(look, lambda now: not offline_bricks(context.values, now), pace, on_timeout=give_up)


def offline_bricks(values: Values, observed: Observed) -> list[str]:
    """Bricks of the volumes in values that `volume status` does not show as online."""
    wanted = {volume.name for volume in values.volumes}
    return [
        f"{volume.name}: brick {brick} on {observed.name_of(brick.peer)}"
        for volume in observed.volumes
        if volume.name in wanted
        for brick in observed.offline(volume)
    ]
