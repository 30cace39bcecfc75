"""Carries out a phase of a plan: its steps go side by side where they may."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from hooks.gluster import scripts
from hooks.gluster.observe import side_by_side
from hooks.gluster.runner import Runner
from hooks.gluster.session import Command, GlusterError, Reply, fail_fast_per_volume
from hooks.plan.model import Gluster, Phase, Script, WaitFor
from hooks.run.follow import Done, Finished, Outcome, StepLog, follow
from hooks.wait import Deadline, Pace, wait_until

SESSIONS = 4
"""Sessions at the same time, on different peers: gluster's locks are per volume (measured: 3 peers halve the time)."""

Change = Gluster | Script
_Failure = tuple[str, Change, Reply]


def apply_phase(runner: Runner, phase: Phase, members: Sequence[str], deadline: Deadline, log: StepLog) -> Outcome:
    """Carry out `phase`; steps that name no peer are shared out over `members`, peers of the pool.

    First the work that it waits for is followed: where that does not come to its end, this is returned, and no step was
    done. A step that another transaction's lock refused is repeated until `deadline`. `log` is told of each step that
    succeeded. Raises GlusterError for the first step that failed, after all sessions ended, and PeerUnavailable or
    OutcomeUnknown as gluster.session does.
    """
    awaited = [step for step in phase.steps if isinstance(step, WaitFor)]
    changes = [step for step in phase.steps if not isinstance(step, WaitFor)]
    outcome = follow(runner, awaited, members[0], deadline, log)
    if isinstance(outcome, Finished):
        _Batches(runner, members, deadline, log, changes).run()
    return outcome


@dataclass
class _Batches:
    """The `steps` of a phase that are still to be done."""

    runner: Runner
    members: Sequence[str]
    deadline: Deadline
    log: StepLog
    steps: list[Change]

    def run(self) -> None:
        """Do them all."""
        # Two hooks must not meet again in step.
        pace = Pace(self.deadline, lambda _: random.uniform(0.3, 1.5))  # noqa: S311
        for peer, _, reply in wait_until(self._attempt, lambda failed: not failed, pace):
            raise GlusterError(peer, reply)

    def _attempt(self) -> list[_Failure]:
        """Do all once, return those that a lock refused."""
        outcomes = side_by_side(lambda batch: self._run(*batch), _share_out(self.steps, self.members))
        failed = [failure for outcome in outcomes for failure in outcome]
        locked = {step.volume for _, step, reply in failed if reply.retriable and step.volume}
        for peer, step, reply in failed:
            # What came after a refused lock in the same session failed for want of it.
            if not (reply.retriable or step.volume in locked):
                raise GlusterError(peer, reply)
        self.steps = [step for _, step, _ in failed]
        return failed

    def _run(self, peer: str, steps: Sequence[Change]) -> list[_Failure]:
        """Do the steps in their order: gluster commands in one session, scripts one by one."""
        failed: list[_Failure] = []
        for of_kind, group in groupby(steps, key=type):
            batch = [*group]
            failed += self._run_scripts(peer, batch) if of_kind is Script else self._run_session(peer, batch)
        return failed

    def _run_session(self, peer: str, steps: Sequence[Change]) -> list[_Failure]:
        began = self.deadline.clock.monotonic()
        replies = fail_fast_per_volume(self.runner, peer, [Command(step.argv, step.volume) for step in steps])
        seconds = self.deadline.clock.monotonic() - began
        failed: list[_Failure] = []
        for step, reply in zip(steps, replies, strict=True):
            if reply.ok:
                self.log.done(Done(step, seconds))
            else:
                failed.append((peer, step, reply))
        return failed

    def _run_scripts(self, peer: str, steps: Sequence[Change]) -> list[_Failure]:
        for step in steps:
            assert isinstance(step, Script)
            began = self.deadline.clock.monotonic()
            argv = ["timeout", f"{step.seconds:.0f}", *scripts.argv(*step.argv)]
            result = self.runner.run(peer, argv, timeout=step.seconds + 10)
            if result.exit_code:
                text = result.stderr.strip() or f"exit code {result.exit_code}"
                return [(peer, step, Reply(str(step), -1, -1, text, shell=True))]
            self.log.done(Done(step, self.deadline.clock.monotonic() - began))
        return []


def _share_out(steps: Sequence[Change], members: Sequence[str]) -> list[tuple[str, list[Change]]]:
    """Batches of (peer, its steps in order): all steps of a volume go to one peer."""
    batches: dict[str, list[Change]] = {}
    peer_of: dict[str, str] = {}
    for step in steps:
        peer = step.peer or peer_of.setdefault(step.volume, members[len(peer_of) % min(SESSIONS, len(members))])
        batches.setdefault(peer, []).append(step)
    return list(batches.items())
