"""The plan as far as it can be drawn before Helm has changed anything: for `plan` on a laptop and for the guard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hooks.gluster.model import Observed
from hooks.gluster.runner import Runner
from hooks.kube.pods import NODE_ANNOTATION, PeerPod
from hooks.plan.build import Plan
from hooks.plan.state import HookState
from hooks.plan.upgrade import LivePeer, removed_nodes, restarting, state_path_changed, tls_changed
from hooks.run.addresses import addresses_of, network_changed
from hooks.run.context import Pool
from hooks.run.reconcile import observe_and_plan, retry_until_readable
from hooks.run.report import plan_text
from hooks.values.model import Values
from hooks.wait import Deadline

READ_SECONDS = 20


@dataclass(frozen=True)
class Preview:
    """`unready` are peers that have a pod which cannot be asked: then there is no `observed`, and `plan` only refuses.

    `changed` are nodes whose pods are of older values or will be.
    """

    plan: Plan
    observed: Observed | None
    unready: tuple[PeerPod, ...] = ()
    changed: tuple[str, ...] = ()


def live_peers(sets: Sequence[Mapping[str, Any]]) -> dict[str, LivePeer]:
    """Node -> its peer, out of the API's JSON of the release's StatefulSets."""
    peers = {}
    for found in sets:
        volumes = found["spec"]["template"]["spec"].get("volumes", [])
        paths = {volume["name"]: volume["hostPath"]["path"] for volume in volumes if "hostPath" in volume}
        node = found["metadata"].get("annotations", {}).get(NODE_ANNOTATION, "")
        ready = found.get("status", {}).get("readyReplicas", 0) > 0
        tls = any(volume["name"] == "tls" for volume in volumes)
        peers[node] = LivePeer(paths.get("state", ""), frozenset(paths.values()), ready, tls)
    return peers


def preview(
    values: Values,
    memory: HookState,
    network: str | None,
    pods: Sequence[PeerPod],
    sets: Sequence[Mapping[str, Any]],
    runner: Runner,
) -> Preview:
    """Draw the plan for `values`. `pods` and `sets` are those of the release, `network` is what its record says.

    Nodes without a peer yet stand in the plan as new, empty ones. Raises CannotRead when the pool cannot be read.
    """
    live = live_peers(sets)
    refusals = [reason] if (reason := network_changed(values, network)) else []
    refusals += state_path_changed(values, live) + tls_changed(values, live, memory.uuids)
    running = [pod for pod in pods if pod.node in live]
    unready = tuple(pod for pod in running if not pod.ready)
    if refusals or unready:
        refusals += removed_nodes(values, live, memory.uuids, None)
        return Preview(Plan(refusals=tuple(refusals)), None, unready)
    changed = restarting(values, live) | {pod.node for pod in running if pod.outdated}
    coming = tuple(pod.node for pod in pods if pod.node not in live)
    addresses = {**addresses_of(values, pods), **{node: _unknown(values, node) for node in coming}}
    observed, plan = retry_until_readable(
        lambda: observe_and_plan(Pool(runner, addresses, coming, changed), values, memory),
        Deadline.after(READ_SECONDS),
    )
    asked = observed if running else None
    plan = replace(plan, refusals=(*removed_nodes(values, live, memory.uuids, asked), *plan.refusals))
    if coming and live:
        note = f"{', '.join(coming)}: no peer runs there yet; its state and folders are looked at when it does."
        plan = replace(plan, notes=(*plan.notes, note))
    return Preview(plan, observed, changed=tuple(pod.node for pod in pods if pod.node in changed))


def _unknown(values: Values, node: str) -> str:
    """A new node's address, where values do not tell it."""
    entry = next(entry for entry in values.nodes if entry.name == node)
    return entry.address or f"<address of {node}>"


def preview_text(seen: Preview) -> str:
    """A preview's plan; where the pool cannot be looked at, why."""
    lines = []
    if seen.unready:
        lines.append("The pool cannot be looked at while not every peer of it is Ready:")
        lines += [f"  - {pod.node}: {pod.problem}" for pod in seen.unready]
    if seen.changed and not seen.plan.refusals:
        lines.append(f"{', '.join(seen.changed)}: the pod changes and is restarted, one peer at a time.")
    if seen.observed or seen.plan.refusals:
        lines.append(plan_text(seen.plan, seen.observed or Observed(())))
    return "\n".join(lines)
