"""Hooks that are killed, that meet each other, and that find a node gone without a word."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from testbed.cluster import Cluster
from testbed.config import patience
from tests.cluster.lab import CommandFailed, Lab, unique, until
from tests.cluster.release import Release, nodes


def running_hook(release: Release) -> str:
    """The hook's pod, "" while there is none that is at work."""
    selector = f"batch.kubernetes.io/job-name={release.fullname}-converge"
    pods = release.lab.get("pods", "-n", release.namespace, "-l", selector)["items"]
    for pod in pods:
        if any("running" in container["state"] for container in pod["status"].get("initContainerStatuses", [])):
            return str(pod["metadata"]["name"])
    return ""


def test_a_hook_that_is_killed_is_followed_by_one_that_goes_on(lab: Lab, release: Release) -> None:
    volumes = [{"name": unique("v"), "replica": 3} for _ in range(12)]
    values = {"nodes": nodes(lab.workers[:3]), "volumes": volumes}

    with ThreadPoolExecutor(1) as background:
        helm = background.submit(release.install, values)
        first = until("the hook runs", lambda: running_hook(release))
        for line in lab.follow("logs", "--follow", "-n", release.namespace, first):
            if "s] done in " in line:
                lab.kubectl("delete", "pod", "-n", release.namespace, first, "--grace-period=0", "--force")
                break
        helm.result()
    assert running_hook(release) != first
    log = release.report()
    assert "every brick online" in log
    assert log.count("s] done in ") < 3 + 2 * len(volumes), "the second hook went on where the first one stopped"
    assert set(release.gluster("volume", "list").split()) == {str(volume["name"]) for volume in volumes}


def ready(release: Release, node: str) -> str:
    """The Ready condition of a peer's pod."""
    path = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
    return release.lab.kubectl("get", "pod", release.peers()[node], "-n", release.namespace, "-o", path)


def test_two_hooks_at_once(lab: Lab, release: Release) -> None:
    """A copy of the Job starts while the first one works: it waits, and finds nothing left to do."""
    volumes = [{"name": unique("v"), "replica": 3} for _ in range(8)]
    second = f"{release.fullname}-second"
    with ThreadPoolExecutor(1) as background:
        helm = background.submit(release.install, {"nodes": nodes(lab.workers[:3]), "volumes": volumes})
        until("the hook runs", lambda: running_hook(release))
        job = lab.get("job", f"{release.fullname}-converge", "-n", release.namespace)
        template: dict[str, Any] = job["spec"]["template"]
        template["metadata"].pop("labels")
        copy = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": second}, "spec": {"template": template}}
        lab.kubectl("apply", "-n", release.namespace, "-f", "-", stdin=json.dumps(copy))
        assert "every brick online" in helm.result()
    lab.kubectl("wait", "-n", release.namespace, "--for=condition=Complete", f"job/{second}", "--timeout=200s")
    logs = [lab.kubectl("logs", "-n", release.namespace, f"job/{name}") for name in (second, job["metadata"]["name"])]
    assert sum("Nothing to do: the pool of 3 peers is what the values ask for." in log for log in logs) == 1
    assert sum(log.count("s] done in ") for log in logs) == 3 + 2 * len(volumes), "no step was done twice"
    assert set(release.gluster("volume", "list").split()) == {str(volume["name"]) for volume in volumes}


def test_a_node_that_is_silently_gone_is_named_and_nothing_is_locked(
    lab: Lab, release: Release, machines: Cluster
) -> None:
    """Straight after the power cut Kubernetes calls the pod Ready and gluster the peer connected; later neither."""
    one, _, gone = lab.workers[:3]
    volume = unique("v")
    # For up to 50 s the scheduler may still choose the dead node, where the hook itself would never start.
    here = {"nodes": nodes(lab.workers[:3]), "hooks": {"nodeSelector": {"kubernetes.io/hostname": one}}}
    release.install({**here, "volumes": [{"name": volume, "replica": 3}]})
    before = release.gluster("volume", "info")
    changed = {**here, "volumes": [{"name": volume, "replica": 3, "options": {"performance.nl-cache": True}}]}
    machines.crash(gone, silent=True)
    try:
        for moment, sentence in (
            ("at once", f"gets no connection to glusterd (port 24007) at {machines.addresses[gone]}"),
            ("once Kubernetes knows", f"{gone}: its node is not Ready"),
        ):
            if moment != "at once":
                until("Kubernetes knows", lambda: "True" not in ready(release, gone))
            began = time.monotonic()
            with pytest.raises(CommandFailed) as failed:
                release.upgrade(changed)
            seconds = time.monotonic() - began
            print(f"{moment}: {seconds:.0f} s\n{failed.value}")
            assert sentence in str(failed.value)
            assert seconds < 120 * patience()
            assert release.gluster("volume", "info", node=one) == before
            assert volume in release.gluster("volume", "status", node=one), "the volume is not locked"
    finally:
        machines.boot(gone)
    assert "every brick online" in release.upgrade(changed)
    assert release.info(volume)["performance.nl-cache"] == "on"
