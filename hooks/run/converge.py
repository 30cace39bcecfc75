"""The `converge` command: a live release is brought to what the values ask for.

First comes what forbids a change, then what is broken, then changed pods, then the values.
"""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Collection
from dataclasses import replace

from hooks.gluster.model import Observed
from hooks.gluster.session import Broken
from hooks.plan import sentences
from hooks.plan.build import Policy
from hooks.plan.state import HookState
from hooks.plan.upgrade import network_changed, network_of
from hooks.run.addresses import addresses_of
from hooks.run.context import LeaseCheckedRunner, Pool, RunContext
from hooks.run.endings import Changed, Ending, ExitCode, PlanOnly, Refused
from hooks.run.live_release import LiveRelease
from hooks.run.reconcile import SETTLE_SECONDS, observe_and_plan, reconcile, repair, retry_until_readable
from hooks.run.report import Report, plan_text, status_table, success
from hooks.run.rollout import Peers, roll_out, wait_for_pods
from hooks.wait import Deadline


def run(release: LiveRelease, deadline: Deadline, report: Report) -> ExitCode:
    """Bring `release` to what its values ask for, under its Lease; report and outcome go into its record.

    Raises an ending with the reasons why it did not come to that.
    """
    outcome = "The hook was ended before it was done; the next run goes on from there."
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was done until then is still recorded
    with release.hold_lease(socket.gethostname(), deadline) as lease_lost:
        context = RunContext(release.values, deadline, report, release.remember, lease_lost)
        try:
            release.write_record({"outcome": "A hook is at work.", "report": ""})
            observed = converge(context, _memory(release), release)
            release.write_record({"network": network_of(release.values)})
            report.say(status_table(observed))
            outcome = success(release.values, observed)
            report.conclude(f"{outcome} ({release.execs} execs, {report.seconds:.1f} s)")
            return ExitCode.DONE
        except (Ending, *Broken) as error:
            outcome = str(error)
            raise
        finally:
            if not lease_lost():
                release.write_record({"outcome": outcome, "report": "\n".join([*report.lines, ""])})


def _memory(release: LiveRelease) -> HookState:
    """What earlier runs recorded. Raises Refused where the values would move their pool to another network."""
    data = release.record()
    for obstacle in network_changed(release.values, data.get("network")):
        raise Refused(str(sentences.refusal(obstacle)))
    return HookState.from_record(data)


def converge(context: RunContext, memory: HookState, peers: Peers) -> Observed:
    """Bring the pool of `peers` to what the values ask for; returns the last snapshot.

    Raises an ending with the reasons why it did not come to that.
    """
    pods = wait_for_pods(context, peers)
    pool = Pool(LeaseCheckedRunner(context, peers.runner(pods)), addresses_of(context.values, pods))
    outdated = {pod.node for pod in pods if pod.outdated}
    if outdated or context.values.plan_only:
        _refuse_before_changes(context, pool, memory, outdated)
    if not outdated:
        return reconcile(context, pool, memory)
    memory = repair(context, pool, memory)
    pods = roll_out(context, peers, pods, pool.addresses)
    pool = replace(pool, runner=LeaseCheckedRunner(context, peers.runner(pods)))
    return reconcile(context, pool, memory, Changed.SOMETHING)


def _refuse_before_changes(context: RunContext, pool: Pool, memory: HookState, outdated: Collection[str]) -> None:
    """Raise PlanOnly where the values ask for that, Refused where peers would be restarted for a refused plan."""
    case, plan = retry_until_readable(
        lambda: observe_and_plan(replace(pool, restarting=outdated), context.values, memory, Policy.UPGRADE),
        context.deadline.within(SETTLE_SECONDS),
    )
    if plan.refusals:
        raise Refused(plan_text(plan, case.pool))
    if context.values.plan_only:
        raise PlanOnly(plan_text(plan, case.pool))
