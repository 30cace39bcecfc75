"""One run of the hook on a live release: its pods, what forbids a change, what is broken, changed pods, values."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from hooks.gluster.model import Observed
from hooks.gluster.runner import ExecResult, Runner
from hooks.kube.pods import PeerPod
from hooks.plan.build import Policy
from hooks.plan.state import HookState
from hooks.run.addresses import addresses_of
from hooks.run.reconcile import SETTLE_SECONDS, Hook, Refused, converge, mend, observe_and_plan, retry_until_readable
from hooks.run.report import plan_text
from hooks.run.rollout import roll_out, wait_for_pods

PLAN_ONLY = (
    "`hooks.planOnly` is true: this is where it ends, nothing was changed. Set it to false to carry the plan out."
)


@dataclass(frozen=True)
class LeaseCheckedRunner:
    """A Runner that asks peers nothing once the hook has lost its lock; what was sent before may still go on."""

    hook: Hook
    runner: Runner

    def run(self, peer: str, argv: Sequence[str], stdin: str = "", timeout: float = 60) -> ExecResult:
        """See runner.Runner. Raises Refused when the lock is lost."""
        self.hook.stop_if_lease_lost()
        return self.runner.run(peer, argv, stdin, timeout)


def run(
    hook: Hook,
    memory: HookState,
    runner_of: Callable[[Sequence[PeerPod]], Runner],
    look: Callable[[], list[PeerPod]],
    delete: Callable[[str], None],
) -> Observed:
    """Bring a release to what the values ask for; returns the last snapshot.

    `look` finds its pods, `delete` deletes one by its name.

    Raises Refused with the reasons why it did not come to that.
    """

    def reach(pods: Sequence[PeerPod]) -> Runner:
        return LeaseCheckedRunner(hook, runner_of(pods))

    pods = wait_for_pods(hook, look, delete)
    addresses = addresses_of(hook.values, pods)
    outdated = {pod.node for pod in pods if pod.outdated}
    if outdated or hook.values.plan_only:
        _refuse_before_changes(hook, reach(pods), addresses, memory, outdated)
    if outdated:
        memory = mend(hook, reach(pods), addresses, memory)
        pods = roll_out(hook, pods, addresses, reach, look, delete)
    return converge(hook, reach(pods), addresses, memory, changed=bool(outdated))


def _refuse_before_changes(
    hook: Hook, runner: Runner, addresses: Mapping[str, str], memory: HookState, outdated: Collection[str]
) -> None:
    """Raise Refused where values want the plan alone, or peers would be restarted for a plan that is refused then."""
    case, plan = retry_until_readable(
        lambda: observe_and_plan(runner, hook.values, addresses, memory, outdated, policy=Policy.UPGRADE),
        min(time.monotonic() + SETTLE_SECONDS, hook.deadline),
        "nothing was changed",
    )
    if plan.refusals:
        raise Refused(plan_text(plan, case.pool))
    if hook.values.plan_only:
        raise Refused(f"{plan_text(plan, case.pool)}\n{PLAN_ONLY}")
