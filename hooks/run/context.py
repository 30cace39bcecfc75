"""What one run of a command works with: values, time, report, record, the Lease; and the pool that it reaches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from hooks.gluster.runner import ExecResult, Runner
from hooks.plan.state import HookState
from hooks.run.endings import LeaseLost
from hooks.run.report import Report
from hooks.values.model import Values
from hooks.wait import Clock, Deadline


@dataclass(frozen=True)
class RunContext:
    """`save` writes what the run must remember into the release's record, `lease_lost` asks after the Lease."""

    values: Values
    deadline: Deadline
    report: Report
    save: Callable[[HookState], None] = lambda _: None
    lease_lost: Callable[[], bool] = lambda: False

    @property
    def clock(self) -> Clock:
        return self.deadline.clock

    @property
    def seconds_left(self) -> float:
        return self.deadline.seconds_left

    def stop_if_lease_lost(self) -> None:
        """Raise LeaseLost when another hook has taken the Lease."""
        if self.lease_lost():
            raise LeaseLost

    def remember(self, memory: HookState) -> None:
        """Record it, unless another hook has taken the Lease: then it is its record."""
        self.stop_if_lease_lost()
        self.save(memory)


@dataclass(frozen=True)
class LeaseCheckedRunner:
    """A Runner that asks peers nothing once the Lease is lost; what was sent before may still go on."""

    context: RunContext
    runner: Runner

    def run(self, peer: str, argv: Sequence[str], stdin: str = "", timeout: float = 60) -> ExecResult:
        """See Runner. Raises LeaseLost too."""
        self.context.stop_if_lease_lost()
        return self.runner.run(peer, argv, stdin, timeout)


@dataclass(frozen=True)
class Pool:
    """How a pool is reached: by `runner`, at the `addresses` of all nodes, those that speak for it first.

    `pending` nodes have no peer yet, `restarting` ones get a changed pod.
    """

    runner: Runner
    addresses: Mapping[str, str]
    pending: Collection[str] = ()
    restarting: Collection[str] = ()
