"""The plan as far as it can be drawn before Helm has changed anything: for `plan` on a laptop and for the guard."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from hooks.gluster.model import Observed
from hooks.gluster.runner import Runner
from hooks.kube.pods import NODE_ANNOTATION, PeerPod
from hooks.plan import sentences
from hooks.plan.build import Policy
from hooks.plan.differences import Difference
from hooks.plan.model import Message, Plan, Step
from hooks.plan.state import HookState
from hooks.plan.upgrade import (
    LivePeer,
    LivePeers,
    network_changed,
    pending_nodes,
    removed_nodes,
    restarting,
    state_path_changed,
    tls_changed,
)
from hooks.run.addresses import addresses_of, placeholder
from hooks.run.context import Pool
from hooks.run.reconcile import observe_and_plan, retry_until_readable
from hooks.run.report import plan_text
from hooks.values.model import Values
from hooks.wait import Deadline

READ_SECONDS = 20


@dataclass(frozen=True)
class ReleaseState:
    """A release as the API server and its record show it; `network` is the one that its pool was made on."""

    state: HookState
    network: str | None
    pods: Sequence[PeerPod]
    peers: LivePeers


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


def preview(values: Values, release: ReleaseState, runner: Runner, policy: Policy) -> Preview:
    """Draw the plan for `values`.

    Nodes without a peer yet stand in the plan as new, empty ones. Raises CannotRead when the pool cannot be read.
    """
    live, state = release.peers, release.state
    obstacles: list[Difference] = [
        *network_changed(values, release.network),
        *state_path_changed(values, live),
        *tls_changed(values, live, state),
    ]
    running = [pod for pod in release.pods if pod.node in live]
    unready = tuple(pod for pod in running if not pod.ready)
    if obstacles or unready:
        return Preview(_refuse(Plan(), [*obstacles, *removed_nodes(values, live, state, None)]), None, unready)
    changed = restarting(values, live) | {pod.node for pod in running if pod.outdated}
    pending = tuple(pod.node for pod in release.pods if pod.node not in live)
    addresses = {**addresses_of(values, release.pods), **{node: _unknown(values, node) for node in pending}}
    case, plan = retry_until_readable(
        lambda: observe_and_plan(Pool(runner, addresses, pending, changed), values, state, policy),
        Deadline.after(READ_SECONDS),
    )
    plan = _refuse(plan, removed_nodes(values, live, state, case.pool if running else None))
    plan = replace(plan, notes=(*plan.notes, *map(sentences.note, pending_nodes(pending, live))))
    return Preview(plan, case.pool, changed=tuple(pod.node for pod in release.pods if pod.node in changed))


def _refuse(plan: Plan, obstacles: Iterable[Difference]) -> Plan:
    return replace(plan, refusals=(*map(sentences.refusal, obstacles), *plan.refusals))


def _unknown(values: Values, node: str) -> str:
    """A new node's address, where values do not give it."""
    entry = next(entry for entry in values.nodes if entry.name == node)
    return entry.address or placeholder(node)


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


def preview_json(seen: Preview) -> str:
    """The same for programs: kinds, nodes and volumes, and steps as lists of arguments."""
    plan = seen.plan
    document = {
        "refusals": [_message(refusal) for refusal in plan.refusals],
        "waits": [_message(wait) for wait in plan.waits],
        "notes": [_message(note) for note in plan.notes],
        "notReady": [{"node": pod.node, "problem": pod.problem} for pod in seen.unready],
        "restarts": list(seen.changed),
        "phases": [
            {
                "title": phase.title,
                "observe": phase.observe,
                "repair": phase.repair,
                "steps": [_step(step) for step in phase.steps],
            }
            for phase in plan.phases
        ],
    }
    return json.dumps(document, indent=2)


def _message(message: Message) -> dict[str, Any]:
    return asdict(message)


def _step(step: Step) -> dict[str, Any]:
    kind = type(step).__name__[0].lower() + type(step).__name__[1:]
    return {"type": kind, "argv": list(step.argv), "peer": step.peer, "volume": step.volume, "why": step.why}
