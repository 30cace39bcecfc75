"""Follows work that goes on by itself in the pool, as a rebalance or a heal does, until it has ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hooks.gluster.runner import OutcomeUnknown, PeerUnavailable, Runner
from hooks.gluster.session import Reply, session
from hooks.gluster.xml import Progress, healed, rebalanced
from hooks.plan.model import Step, WaitFor, Work
from hooks.text import first_of
from hooks.wait import Deadline, Interval, Pace, as_long_as_the_look, wait_until

PROGRESS_SECONDS = 10
"""How often progress is reported; it is looked at every second, for its end."""
STALL_SECONDS = 30
"""How long the counts may stay the same before the pool is looked at again: a self-heal daemon can be lost when bricks
are added (seen on all three peers of a pool with seven volumes), and then nothing heals until it is started again."""
CONSECUTIVE_CHECKS = {Work.REBALANCE: 1, Work.HEAL: 3, Work.RETIREMENT: 1}
"""Looks in a row that must show the end: straight after bricks were added a heal count of 0 can be premature."""


@dataclass(frozen=True)
class Done:
    """A step that was carried out, with the seconds that its session took."""

    step: Step
    seconds: float


class StepLog(Protocol):
    """Who is told about steps, such as the Report."""

    def done(self, done: Done) -> None:
        """A step has succeeded."""

    def say(self, text: str) -> None:
        """A line on what goes on by itself."""


@dataclass(frozen=True)
class Finished:
    """All that was waited for has ended well."""


@dataclass(frozen=True)
class Failed:
    """It ended without success, as a rebalance may when many start at once (seen with ten)."""

    text: str


@dataclass(frozen=True)
class Stalled:
    """Its counts have not changed for STALL_SECONDS."""

    text: str


@dataclass(frozen=True)
class Unfinished:
    """It goes on by itself; the next run takes it up where it is then."""

    text: str


Outcome = Finished | Failed | Stalled | Unfinished


@dataclass
class _Followed:
    """Steps that only look, with how often in a row each has seen the end of what it looks at."""

    runner: Runner
    peer: str
    deadline: Deadline
    log: StepLog
    checks: dict[WaitFor, int]
    began: float = field(init=False)
    changed: float = field(init=False)
    before: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.began = self.changed = self.deadline.clock.monotonic()
        self.reports = Interval(self.deadline.clock, PROGRESS_SECONDS)

    def look(self) -> Outcome:
        """Look at all steps in one session."""
        found = self._progress()
        for step, progress in found.items():
            if progress.failed:
                return Failed(f"`{step}` ended without success: {progress.words}")
            self._check(step, progress)
        if not self.checks:
            return Finished()
        words = {step: f"`{step}`: {found[step].words}" for step in self.checks}
        going = [text for step, text in words.items() if not found[step].done]
        if self._track(going):
            return Stalled(first_of(going, "; "))
        return Unfinished(first_of(going or [*words.values()], "; "))

    def _check(self, step: WaitFor, progress: Progress) -> None:
        self.checks[step] = self.checks[step] + 1 if progress.done else 0
        if self.checks[step] == CONSECUTIVE_CHECKS[step.work]:
            del self.checks[step]
            self.log.done(Done(step, self.deadline.clock.monotonic() - self.began))

    def _track(self, going: list[str]) -> bool:
        """Report progress of what is `going` on, each in words; True once there has been none for too long."""
        now = self.deadline.clock.monotonic()
        if going == self.before:
            return bool(going) and now - self.changed > STALL_SECONDS
        self.changed, self.before = now, going
        if going and self.reports.is_over():
            self.log.say(f"  {going[0]}{f', and {len(going) - 1} more' if going[1:] else ''}")
        return False

    def _progress(self) -> dict[WaitFor, Progress]:
        """How far each step's work is; an exec that breaks is just another look."""
        steps = list(self.checks)
        try:
            replies = session(self.runner, self.peer, [" ".join(step.argv) for step in steps])
        except (PeerUnavailable, OutcomeUnknown) as error:
            return dict.fromkeys(steps, Progress(False, str(error)))
        return {step: _progress_of(step, reply) for step, reply in zip(steps, replies, strict=True)}


def follow(runner: Runner, steps: Sequence[WaitFor], peer: str, deadline: Deadline, log: StepLog) -> Outcome:
    """Look through `peer` until the work that `steps` ask about has ended, has failed or makes no progress any more.

    `log` is told of each step whose work has ended, and of progress. A look that fails is just no progress.
    """
    if not steps:
        return Finished()
    work = _Followed(runner, peer, deadline, log, dict.fromkeys(steps, 0))
    return wait_until(work.look, lambda found: not isinstance(found, Unfinished), Pace(deadline, as_long_as_the_look))


def _progress_of(step: WaitFor, reply: Reply) -> Progress:
    if (answer := reply.answer) is None:
        return Progress(False, reply.message)
    return healed(answer) if step.work is Work.HEAL else rebalanced(answer)
