"""Peer pods as the API server shows them: which peer is Ready, and what keeps one from it, in a sentence. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NODE_ANNOTATION = "glusterfs-chart/node"
CONTAINER = "glusterd"

Object = Mapping[str, Any]


@dataclass(frozen=True)
class PeerPod:
    """A node's peer pod. `problem` is "" when it is Ready; `stuck` says that waiting alone will not help.

    `dns_name` is the pod's stable name up to `svc`, where the cluster's domain follows.
    `outdated` is a pod of older values: its StatefulSet (`OnDelete`) will never bring it up to date by itself.
    """

    node: str
    pod: str
    host_ip: str
    problem: str
    stuck: bool = False
    outdated: bool = False
    running: bool = False
    dns_name: str = ""

    @property
    def ready(self) -> bool:
        return not self.problem

    @property
    def replaceable(self) -> bool:
        """Whether it can be made anew without anybody missing it: outdated, and its container does not run."""
        return self.outdated and not self.ready and not self.running


def peer_pods(
    nodes: Sequence[str], pods: Sequence[Object], events: Sequence[Object] = (), sets: Sequence[Object] = ()
) -> list[PeerPod]:
    """One PeerPod a node of values, out of the API's JSON: peer pods, warning events, the peers' StatefulSets."""
    by_name = {s["metadata"].get("annotations", {}).get(NODE_ANNOTATION, ""): s for s in sets}
    by_node: dict[str, list[Object]] = {}
    for pod in pods:
        by_node.setdefault(pod["metadata"].get("annotations", {}).get(NODE_ANNOTATION, ""), []).append(pod)
    return [_peer_pod(node, by_node.get(node, []), events, by_name.get(node)) for node in nodes]


def ready_pods(pods: Sequence[Object]) -> list[str]:
    """The names of the pods that are Ready."""
    return [pod["metadata"]["name"] for pod in pods if _conditions(pod).get("Ready", {}).get("status") == "True"]


def _conditions(pod: Object) -> dict[str, Object]:
    return {condition["type"]: condition for condition in pod["status"].get("conditions", [])}


def _peer_pod(node: str, pods: Sequence[Object], events: Sequence[Object], stateful_set: Object | None) -> PeerPod:
    owner = stateful_set or {"metadata": {"name": ""}, "status": {}}
    status = owner.get("status", {})
    if status.get("observedGeneration") != owner["metadata"].get("generation"):
        name = owner["metadata"]["name"]
        return PeerPod(node, "", "", f"the StatefulSet {name} was not looked at by its controller yet")
    alive = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    if not alive:
        if pods:
            return PeerPod(node, "", "", f"the old pod {pods[0]['metadata']['name']} is still ending")
        message = _event(events, lambda e: _is_of(e, owner, "FailedCreate"))
        return PeerPod(node, "", "", f"it has no pod yet{': ' + message if message else ''}", stuck=bool(message))
    pod = alive[0]
    problem, stuck = _problem(pod, events)
    name = pod["metadata"]["name"]
    revision = status.get("updateRevision")
    outdated = revision not in (None, pod["metadata"].get("labels", {}).get("controller-revision-hash"))
    return PeerPod(
        node,
        name,
        pod["status"].get("hostIP", ""),
        problem,
        stuck,
        outdated,
        _running(pod),
        f"{name}.{pod['spec'].get('subdomain')}.{pod['metadata']['namespace']}.svc",
    )


def _is_of(event: Object, owner: Object, reason: str) -> bool:
    return bool(event["reason"] == reason and event["involvedObject"]["name"] == owner["metadata"]["name"])


def _running(pod: Object) -> bool:
    return any("running" in status.get("state", {}) for status in pod["status"].get("containerStatuses", []))


def _problem(pod: Object, events: Sequence[Object]) -> tuple[str, bool]:
    """What keeps a pod from being Ready ("" if nothing) and whether waiting alone will not help."""
    conditions = _conditions(pod)
    ready, scheduled = conditions.get("Ready", {}), conditions.get("PodScheduled", {})
    if ready.get("status") == "True":
        return "", False
    if scheduled.get("status") == "False":
        selector = ", ".join(f"{k}={v}" for k, v in pod["spec"].get("nodeSelector", {}).items())
        return f"no node takes its pod (nodeSelector {selector}): {scheduled.get('message', 'no reason given')}", True
    if problem := _container_problem(pod):
        return problem, True
    return _on_its_way(pod, conditions, events)


def _on_its_way(pod: Object, conditions: Mapping[str, Object], events: Sequence[Object]) -> tuple[str, bool]:
    if _running(pod):
        # The node controller takes Ready away without a reason; the kubelet's ContainersReady stays (seen with 1.37).
        if conditions.get("ContainersReady", {}).get("status") == "True" and "reason" not in conditions["Ready"]:
            return "its node is not Ready: the node or its kubelet is away", True
        return "its glusterd does not answer yet", False
    uid = pod["metadata"]["uid"]
    mount = _event(events, lambda e: e["reason"] == "FailedMount" and e["involvedObject"].get("uid") == uid)
    return (f"a directory cannot be mounted: {mount}", True) if mount else ("its container is being made", False)


def _container_problem(pod: Object) -> str:
    for status in pod["status"].get("containerStatuses", []):
        waiting = status.get("state", {}).get("waiting", {})
        ended = status.get("state", {}).get("terminated") or status.get("lastState", {}).get("terminated") or {}
        if "Image" in waiting.get("reason", ""):
            return f"its image {status['image']} cannot be had ({waiting['reason']}): {waiting.get('message', '')}"
        if waiting.get("reason") in ("CreateContainerError", "CreateContainerConfigError", "RunContainerError"):
            return f"its container cannot be started ({waiting['reason']}): {waiting.get('message', '')}"
        if ended and not status.get("ready"):
            said = ended.get("message", "").strip() or f"exit code {ended.get('exitCode')}"
            return f"its container ended: {said}"
    return ""


def _event(events: Sequence[Object], wanted: Callable[[Object], bool]) -> str:
    found = [event for event in events if wanted(event)]
    found.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
    return " ".join(found[-1].get("message", "").split()) if found else ""
