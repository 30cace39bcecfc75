"""How a command may end, each way with its own exit code and its own exception."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What `python -m hooks` exits with. The chart's Jobs end at once on 1 and 3 to 7 (podFailurePolicy)."""

    DONE = 0
    REFUSED = 1
    CHANGES = 2
    OUT_OF_TIME = 3
    LOCKED = 4
    COMMAND_FAILED = 5
    UNREADABLE = 6
    PLAN_ONLY = 7
    USAGE = 64
    UNFORESEEN = 70


MEANINGS = {
    ExitCode.DONE: "done, or nothing to do",
    ExitCode.REFUSED: "refused: the values, the plan or what is mounted forbids it",
    ExitCode.CHANGES: "`plan`: an upgrade would change something",
    ExitCode.OUT_OF_TIME: "out of time: the next run goes on from there",
    ExitCode.LOCKED: "another hook is at work, or has taken the lock",
    ExitCode.COMMAND_FAILED: "a command failed, or had no effect",
    ExitCode.UNREADABLE: "the pool or the API server cannot be read",
    ExitCode.PLAN_ONLY: "`hooks.planOnly` is true: the plan was printed, nothing was changed",
    ExitCode.USAGE: "wrong arguments",
    ExitCode.UNFORESEEN: "a fault of the hook itself, whose traceback is in the log; its Job tries again",
}


class Changed(Enum):
    """Whether a run has changed anything until now, in words."""

    NOTHING = "nothing was changed"
    SOMETHING = "what was done before is kept"


class Ending(Exception):
    """A run ends before the pool is what the values ask for; the message is for the user's terminal."""

    exit_code: ClassVar[ExitCode]


class Refused(Ending):
    """The values ask for what must not be done, or not as things are: to try again alone will not help."""

    exit_code = ExitCode.REFUSED


class OutOfTime(Ending):
    """The deadline came first. The next run goes on."""

    exit_code = ExitCode.OUT_OF_TIME


class LeaseLost(Ending):
    """Another hook has taken the release's Lease."""

    exit_code = ExitCode.LOCKED

    def __init__(self) -> None:
        super().__init__("The lock on this release was lost to another hook: this one stops. The next run goes on.")


class CommandFailed(Ending):
    """A step failed with gluster's or the shell's own words, or succeeded again and again without an effect."""

    exit_code = ExitCode.COMMAND_FAILED


class CannotRead(Ending):
    """The pool cannot be read: a peer is away, or something holds a lock for too long."""

    exit_code = ExitCode.UNREADABLE

    def __init__(self, reason: Exception, changed: Changed) -> None:
        super().__init__(f"The pool cannot be read, {changed.value}: {reason}")


class PlanOnly(Ending):
    """The values ask for the plan alone, and here it is. A success, but one that must keep Helm from going on."""

    exit_code = ExitCode.PLAN_ONLY
    NOTICE = (
        "`hooks.planOnly` is true: the run ends here and nothing was changed. Set it to false to carry the plan out."
    )

    def __init__(self, plan: str) -> None:
        super().__init__(f"{plan}\n{self.NOTICE}")
