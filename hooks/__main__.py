"""The command line: `python -m hooks plan` from anywhere; the other commands are for the chart's Jobs."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from kubernetes.client.exceptions import ApiException

from hooks.gluster.session import Broken
from hooks.kube.client import Cluster, ClusterError, PodRunner
from hooks.kube.lease import Locked, hold_lease
from hooks.kube.names import fullname
from hooks.kube.pods import PeerPod, peer_pods
from hooks.plan import sentences
from hooks.plan.build import Policy
from hooks.plan.state import HookState, MaintenanceState
from hooks.plan.upgrade import network_changed, network_of
from hooks.run.addresses import addresses_of
from hooks.run.converge import PLAN_ONLY, run
from hooks.run.delete_guard import consumers, refusal_text
from hooks.run.events import COMPONENT, events_of
from hooks.run.maintain import maintain
from hooks.run.preview import Preview, Release, live_peers, preview, preview_json, preview_text
from hooks.run.reconcile import Hook, Refused
from hooks.run.repairs import MaintenanceRun
from hooks.run.report import Report, status_table, success
from hooks.values.files import load
from hooks.values.model import Values, ValuesError
from hooks.values.parse import parse

NOTHING_TO_DO, FAILED, CHANGES = 0, 1, 2
# Seen with Helm 3 and 4: the refused revision stays `pending-rollback`, and "another operation is in progress".
AFTER_ROLLBACK = (
    "If this was a `helm rollback`, Helm takes no upgrade until you go back to the revision that `helm history "
    "{release} -n {namespace}` shows as deployed: `helm rollback {release} REVISION -n {namespace}`."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, return its exit code: `plan` exits like diff: 0 nothing to do, 2 changes, 1 refusal or error."""
    args = _arguments().parse_args(argv)
    report = Report()
    try:
        cluster = Cluster(args.namespace, args.release, args.kubeconfig, args.context)
        if args.command == "delete-guard":
            return _delete_guard(cluster, args.driver, args.upgrade, report)
        if args.command == "certificates":
            from hooks.run.certificates import provide  # noqa: PLC0415

            report.say(provide(cluster, args.secret, datetime.now(UTC)))
            return NOTHING_TO_DO
        raw = load(args.values)
        values = parse(raw)
        record = f"{args.fullname or fullname(raw, args.release)}-report"
        if args.command in ("converge", "maintain"):
            work = _converge if args.command == "converge" else _maintain
            return work(cluster, values, record, args.deadline, report)
        if args.command == "plan":
            return _plan(cluster, values, record, args.output == "json")
        return _guard(cluster, values, record)
    except (Refused, Locked, ValuesError, ClusterError, *Broken) as error:
        report.say(str(error))
    except ApiException as error:
        report.say(f"The API server refuses a request of the hook ({error.status}): {error.reason}")
    return FAILED


def _converge(cluster: Cluster, values: Values, record: str, seconds: float, report: Report) -> int:
    hook = Hook(
        values, time.monotonic() + seconds, report, save=lambda memory: cluster.write_record(record, memory.to_record())
    )
    outcome = "The hook was ended before it was done; the next run goes on from there."
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was done until then is still recorded
    with hold_lease(cluster, _lease(record), socket.gethostname(), hook.deadline) as hook.lost:
        try:
            cluster.write_record(record, {"outcome": "A hook is at work.", "report": ""})
            memory = _memory(cluster, values, record)
            runners: list[PodRunner] = []

            def runner_of(pods: Sequence[PeerPod]) -> PodRunner:
                runners.append(_runner(cluster, pods))
                return runners[-1]

            observed = run(hook, memory, runner_of, partial(_look, cluster, values), cluster.delete_pod)
            cluster.write_record(record, {"network": network_of(values)})
            report.say(status_table(observed))
            outcome = success(values, observed)
            execs = sum(runner.execs for runner in runners)
            report.say(f"{outcome} ({execs} execs, {report.seconds:.1f} s)")
            return NOTHING_TO_DO
        except (Refused, *Broken) as error:
            outcome = str(error)
            raise
        finally:
            if not hook.lost():
                cluster.write_record(record, {"outcome": outcome, "report": "\n".join([*report.lines, ""])})


def _delete_guard(cluster: Cluster, driver: str, upgrade: bool, report: Report) -> int:
    """Refuse an uninstall, or an `upgrade` to values without the driver, while pods mount volumes of it."""
    found = consumers(driver, cluster.persistent_volumes(), cluster.pods_everywhere())
    report.say(refusal_text(found, cluster.release, cluster.namespace, upgrade))
    return FAILED if found else NOTHING_TO_DO


def _maintain(cluster: Cluster, values: Values, record: str, seconds: float, report: Report) -> int:
    """Look after the pool unless a hook is at work; the outcome goes into the record, events and the report."""
    hook = Hook(values, time.monotonic() + seconds, report, save=lambda _: None)
    try:
        for busy in cluster.hooks_at_work():  # one whose pod has not started yet has no Lease
            raise Locked(busy, _lease(record))
        with hold_lease(cluster, _lease(record), socket.gethostname(), time.monotonic()) as hook.lost:
            return _look_after(cluster, hook, record)
    except Locked as error:
        report.say(f"A hook, the pod {error.holder}, is at work on this release: nothing is done until the next run.")
        return NOTHING_TO_DO


def _lease(record: str) -> str:
    """The name of the release's Lease, beside that of its record."""
    return record.removesuffix("-report") + "-hook"


def _look_after(cluster: Cluster, hook: Hook, record: str) -> int:
    data = cluster.record(record)
    memory = HookState.from_record(data)
    if not memory.uuids or any(network_changed(hook.values, data.get("network"))):
        hook.report.say("No hook has brought a pool to these values yet: there is nothing to look after.")
        return NOTHING_TO_DO
    sets = cluster.stateful_sets()
    pods = _pods(cluster, hook.values, sets)
    addresses = {node: at or f"<address of {node}>" for node, at in addresses_of(hook.values, pods).items()}
    runner = _runner(cluster, pods)
    outcome = maintain(MaintenanceRun(hook, runner, pods, addresses, memory, MaintenanceState.from_record(data)))
    hook.report.say(f"{outcome.text()}\n({runner.execs} execs, {hook.report.seconds:.1f} s)")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    known = cluster.events(COMPONENT) if outcome.findings else []
    old = {event["metadata"]["name"] for event in known}
    for event in events_of(outcome.findings, sets, known, now):
        cluster.write_event(event, new=event["metadata"]["name"] not in old)
    cluster.write_record(record, {"maintenance": f"{now} {outcome.text()}\n", **outcome.state.to_record()})
    return FAILED if outcome.failed else NOTHING_TO_DO


def _plan(cluster: Cluster, values: Values, record: str, as_json: bool) -> int:
    seen = _preview(cluster, values, record, cluster.stateful_sets(), Policy.FULL)
    print(preview_json(seen) if as_json else preview_text(seen))
    if seen.plan.refusals or seen.plan.waits or seen.unready:
        return FAILED
    return CHANGES if seen.plan.steps or seen.changed else NOTHING_TO_DO


def _guard(cluster: Cluster, values: Values, record: str) -> int:
    """Refuse what would lose or strand data, before Helm changes an object; what only has to wait is the hook's."""
    sets = cluster.stateful_sets()
    if not sets:
        print("No peer of this release is there yet: nothing to guard.")
        return NOTHING_TO_DO
    seen = _preview(cluster, values, record, sets, Policy.UPGRADE)
    print(preview_text(seen))
    if values.plan_only and not seen.plan.refusals:
        print(PLAN_ONLY)
    if values.plan_only or seen.plan.refusals:
        print(AFTER_ROLLBACK.format(release=cluster.release, namespace=cluster.namespace))
        return FAILED
    return NOTHING_TO_DO


def _preview(
    cluster: Cluster, values: Values, record: str, sets: Sequence[Mapping[str, Any]], policy: Policy
) -> Preview:
    data = cluster.record(record)
    pods = _pods(cluster, values, sets)
    release = Release(HookState.from_record(data), data.get("network"), pods, live_peers(sets))
    return preview(values, release, _runner(cluster, pods), policy)


def _runner(cluster: Cluster, pods: Sequence[PeerPod]) -> PodRunner:
    return cluster.runner({pod.node: pod.pod for pod in pods})


def _look(cluster: Cluster, values: Values) -> list[PeerPod]:
    return _pods(cluster, values, cluster.stateful_sets())


def _pods(cluster: Cluster, values: Values, sets: Sequence[Mapping[str, Any]]) -> list[PeerPod]:
    """The peers' pods; the reasons of those that are not Ready are asked for only when there are some."""
    nodes, found = [node.name for node in values.nodes], cluster.pods()
    pods = peer_pods(nodes, found, (), sets)
    return pods if all(pod.ready for pod in pods) else peer_pods(nodes, found, cluster.warnings(), sets)


def _memory(cluster: Cluster, values: Values, record: str) -> HookState:
    """What earlier runs recorded. Raises Refused where values would move a pool that they made to another network."""
    data = cluster.record(record)
    for obstacle in network_changed(values, data.get("network")):
        raise Refused(str(sentences.refusal(obstacle)))
    return HookState.from_record(data)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hooks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    converge_command = commands.add_parser(
        "converge", help="bring the live pool to what the values ask for (chart's Job)"
    )
    plan_command = commands.add_parser(
        "plan", help="print what would be done as exact gluster commands; change nothing"
    )
    guard_command = commands.add_parser(
        "guard", help="print the plan, exit 1 where it would lose or strand data (the chart's Job before an upgrade)"
    )
    maintain_command = commands.add_parser(
        "maintain", help="put right what loses nothing, say in events what else is amiss (the chart's CronJob)"
    )
    delete_command = commands.add_parser(
        "delete-guard",
        help="exit 1 where pods still mount volumes of the release (the chart's Job before an uninstall)",
    )
    delete_command.add_argument("--driver", required=True, help="name of the release's CSI driver")
    delete_command.add_argument(
        "--upgrade", action="store_true", help="not an uninstall: an upgrade without the driver"
    )
    certificates_command = commands.add_parser(
        "certificates", help="make the Secret with the pool's certificate, or renew it; one that is good stays"
    )
    certificates_command.add_argument("secret", help="its name, such as gluster-tls")
    for command in (converge_command, plan_command, guard_command, maintain_command):
        command.add_argument(
            "-f", "--values", required=True, help="values file, merged over the chart's own values.yaml"
        )
        command.add_argument("--fullname", help="name of the chart's objects (default: as the chart makes it)")
    plan_command.add_argument("-o", "--output", choices=("text", "json"), default="text", help="default: text")
    for command in commands.choices.values():
        command.add_argument("-n", "--namespace", default=os.environ.get("NAMESPACE", "default"))
        command.add_argument("--release", default="gluster", help="name of the Helm release (default: gluster)")
        command.add_argument("--kubeconfig", help="default: as kubectl finds it, or the pod's own account")
        command.add_argument("--context", help="context of the kubeconfig")
    for command in (converge_command, maintain_command):
        command.add_argument("--deadline", type=float, default=260, metavar="SECONDS", help="time it may take")
    return parser


if __name__ == "__main__":
    sys.exit(main())
