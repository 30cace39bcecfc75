"""The `maintain` command: the pool is looked after unless a hook is at work; what it finds goes into Events."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from typing import Any

from hooks.kube.lease import Locked
from hooks.plan.state import HookState, MaintenanceState
from hooks.plan.upgrade import network_changed
from hooks.run.addresses import addresses_of, placeholder
from hooks.run.context import RunContext
from hooks.run.endings import ExitCode
from hooks.run.events import COMPONENT, events_of
from hooks.run.live_release import LiveRelease
from hooks.run.maintain import Outcome, maintain
from hooks.run.repairs import MaintenanceRun
from hooks.run.report import Report
from hooks.wait import Deadline


def run(release: LiveRelease, deadline: Deadline, report: Report) -> ExitCode:
    """Look after the pool of `release`; the outcome goes into its record, into Events and into `report`."""
    try:
        # A hook whose pod has not started yet has no Lease.
        if at_work := release.api.hooks_at_work():
            raise Locked(at_work[0], release.lease_name)
        with release.hold_lease(socket.gethostname(), deadline.within(0)) as lease_lost:
            context = RunContext(release.values, deadline, report, lease_lost=lease_lost)
            return _look_after(release, context)
    except Locked as error:
        report.say(f"A hook, the pod {error.holder}, is at work on this release: nothing is done until the next run.")
        return ExitCode.DONE


def _look_after(release: LiveRelease, context: RunContext) -> ExitCode:
    data, report = release.record(), context.report
    memory = HookState.from_record(data)
    if not memory.uuids or any(network_changed(release.values, data.get("network"))):
        report.say("No hook has brought a pool to these values yet: there is nothing to look after.")
        return ExitCode.DONE
    sets = release.api.stateful_sets()
    pods = release.pods(sets)
    addresses = {node: at or placeholder(node) for node, at in addresses_of(release.values, pods).items()}
    before = MaintenanceState.from_record(data)
    outcome = maintain(MaintenanceRun(context, release.runner(pods), pods, addresses, memory, before))
    report.say(f"{outcome.text()}\n({release.execs} execs, {report.seconds:.1f} s)")
    now = context.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    _write_events(release, outcome, sets, now)
    release.write_record({"maintenance": f"{now} {outcome.text()}\n", **outcome.state.to_record()})
    return ExitCode.UNREADABLE if outcome.failed else ExitCode.DONE


def _write_events(release: LiveRelease, outcome: Outcome, sets: Sequence[Mapping[str, Any]], now: str) -> None:
    known = release.api.events(COMPONENT) if outcome.findings else []
    old = {event["metadata"]["name"] for event in known}
    for event in events_of(outcome.findings, sets, known, now):
        write = release.api.change_event if event["metadata"]["name"] in old else release.api.make_event
        write(event)
