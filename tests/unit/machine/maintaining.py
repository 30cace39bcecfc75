"""Between upgrades somebody looks after the pool, who may do little."""

from __future__ import annotations

from hypothesis.stateful import precondition, rule

from hooks.kube.lease import Locked, hold_lease
from hooks.plan.state import MaintenanceState
from hooks.run import maintain, repairs
from hooks.run.context import RunContext
from hooks.wait import Deadline
from tests.unit.machine.faults import Death, Fate, Quiet, fates
from tests.unit.machine.runs import Runs

MAY = ("volume start ", "heal.sh ", "stop-self-heal-daemon.sh")


class Maintaining(Runs):
    def __init__(self) -> None:
        super().__init__()
        self.state = MaintenanceState()
        self.patch.setattr(maintain, "SETTLE_SECONDS", 0)
        self.patch.setattr(maintain, "READ_SECONDS", 0)

    @precondition(lambda self: self.memory.uuids)
    @rule(fate=fates())
    def the_pool_is_looked_after(self, fate: Fate) -> None:
        """Bricks may run afterwards that did not, and heals were asked for; nothing else has changed."""
        self._in_order(backwards=fate.backwards)
        api, wire = self._pod(self._fault(fate))
        before, record, pods = self._state(), dict(self.record), self._look()
        deadline = Deadline.after(40, self.clock)
        try:
            with hold_lease(api, "hook", api.pod, deadline.within(0)) as lease_lost:
                context = RunContext(self.values, deadline, Quiet(self.clock), lease_lost=lease_lost)
                job = repairs.MaintenanceRun(context, wire, pods, self.addresses, self.memory, self.state)
                self.state = maintain.maintain(job).state
        except (Death, Locked):
            pass
        assert all(change.startswith(MAY) for change in wire.changes), wire.changes
        assert all(change.endswith(" force") for change in wire.changes if change.startswith("volume start "))
        assert self.record == record
        assert wire.changes or self._state() == before
