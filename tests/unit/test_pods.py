"""What is said of a peer whose pod is not Ready, from the API's own JSON."""

from __future__ import annotations

from typing import Any

import pytest

from hooks.kube.pods import NODE_ANNOTATION, peer_pods, ready_pods


def pod(node: str = "worker-1", ready: str = "False", **status: Any) -> dict[str, Any]:
    conditions = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": ready}]
    return {
        "metadata": {
            "name": f"gluster-{node}-0",
            "uid": "u1",
            "namespace": "storage",
            "annotations": {NODE_ANNOTATION: node},
        },
        "spec": {"nodeSelector": {"kubernetes.io/hostname": node}, "containers": [{"name": "glusterd"}]},
        "status": {"hostIP": "10.0.0.1", "conditions": conditions, **status},
    }


def container(state: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return [{"name": "glusterd", "image": "localhost/glusterfs:11.1", "state": state, "ready": False, **more}]


def event(reason: str, message: str, time: str = "2026-01-01T00:00:00Z", **involved: str) -> dict[str, Any]:
    return {"reason": reason, "message": message, "lastTimestamp": time, "involvedObject": {"name": "x", **involved}}


UNSCHEDULABLE = [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}]
GONE = [
    {"type": "PodScheduled", "status": "True"},
    {"type": "Ready", "status": "False"},
    {"type": "ContainersReady", "status": "True"},
]
PULL = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}
ENDED = {"terminated": {"exitCode": 1, "message": "Port 24007 on node worker-1 is taken by another glusterd.\n"}}
MOUNT = event("FailedMount", "hostPath type check failed: /mnt/brick1 is not a directory", uid="u1")
OTHER = event("FailedMount", "of another pod", uid="u2")


@pytest.mark.parametrize(
    ("found", "events", "says", "stuck"),
    [
        ([], [], "it has no pod yet", False),
        (
            [],
            [event("FailedCreate", "violates PodSecurity", name="gluster-worker-1")],
            "it has no pod yet: violates PodSecurity",
            True,
        ),
        ([pod(conditions=UNSCHEDULABLE)], [], "no node takes its pod (nodeSelector kubernetes.io/hostname=w", True),
        ([pod(containerStatuses=container(PULL))], [], "its image localhost/glusterfs:11.1 cannot be had", True),
        ([pod(containerStatuses=container(ENDED))], [], "its container ended: Port 24007 on node worker-1", True),
        (
            [pod(containerStatuses=container({"waiting": {"reason": "CrashLoopBackOff"}}, lastState=ENDED))],
            [],
            "its container ended: Port 24007",
            True,
        ),
        ([pod()], [OTHER, MOUNT], "a directory cannot be mounted: hostPath type check failed: /mnt/brick1", True),
        ([pod()], [OTHER], "its container is being made", False),
        ([pod(containerStatuses=container({"running": {}}))], [MOUNT], "its glusterd does not answer yet", False),
        ([pod(containerStatuses=container({"running": {}}), conditions=GONE)], [], "its node is not Ready", True),
    ],
)
def test_what_keeps_a_peer_away(
    found: list[dict[str, Any]], events: list[dict[str, Any]], says: str, stuck: bool
) -> None:
    (peer,) = peer_pods(["worker-1"], found, events, [stateful_set("old")])
    assert says in peer.problem
    assert (peer.ready, peer.stuck) == (False, stuck)


def test_ready_pods_are_told_by_the_nodes_name_not_by_order() -> None:
    peers = peer_pods(["worker-2", "worker-1"], [pod("worker-1", "True"), pod("worker-2", "True")], [])
    assert [(peer.node, peer.pod, peer.ready) for peer in peers] == [
        ("worker-2", "gluster-worker-2-0", True),
        ("worker-1", "gluster-worker-1-0", True),
    ]


def test_a_pod_that_is_ending_does_not_count() -> None:
    ending = pod(ready="True")
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    (peer,) = peer_pods(["worker-1"], [ending], [])
    assert peer.problem == "the old pod gluster-worker-1-0 is still ending"


def stateful_set(revision: str, observed: int = 2) -> dict[str, Any]:
    return {
        "metadata": {"name": "gluster-worker-1", "generation": 2, "annotations": {NODE_ANNOTATION: "worker-1"}},
        "status": {"updateRevision": revision, "observedGeneration": observed},
    }


@pytest.mark.parametrize(
    ("statuses", "sets", "replaceable"),
    [
        (container(PULL), [stateful_set("new")], True),
        ([], [stateful_set("new")], True),
        (container(PULL), [stateful_set("old")], False),
        (container({"running": {}}), [stateful_set("new")], False),
        (container(PULL), [], False),
    ],
    ids=["cannot be pulled", "not made", "up to date", "runs", "no StatefulSet"],
)
def test_only_an_outdated_pod_that_does_not_run_is_replaced(
    statuses: list[dict[str, Any]], sets: list[dict[str, Any]], replaceable: bool
) -> None:
    old = pod(containerStatuses=statuses)
    old["metadata"]["labels"] = {"controller-revision-hash": "old"}
    (peer,) = peer_pods(["worker-1"], [old], [], sets)
    assert peer.replaceable is replaceable
    ready = pod(ready="True", containerStatuses=statuses)
    ready["metadata"]["labels"] = {"controller-revision-hash": "old"}
    assert not peer_pods(["worker-1"], [ready], [], sets)[0].replaceable


def test_a_stateful_set_that_its_controller_has_not_seen_yet_is_waited_for() -> None:
    (peer,) = peer_pods(["worker-1"], [pod(ready="True")], [], [stateful_set("new", observed=1)])
    assert peer.problem == "the StatefulSet gluster-worker-1 was not looked at by its controller yet"
    assert not peer.ready
    assert not peer.stuck


def test_which_pods_are_ready() -> None:
    new = pod("new", "True")
    new["status"] = {"phase": "Pending"}
    assert ready_pods([pod("a", "True"), pod("b"), new, pod("c", "True")]) == ["gluster-a-0", "gluster-c-0"]
