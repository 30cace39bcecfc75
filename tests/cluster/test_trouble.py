"""What goes wrong on real nodes: each peer that does not come is named with its cause, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.cluster.lab import CommandFailed, Lab, Release, nodes, peer_image, unique, until

QUICK = {"hooks": {"activeDeadlineSeconds": 200}}


@contextmanager
def glusterd_on(lab: Lab, namespace: str, node: str) -> Iterator[None]:
    """A glusterd that is none of ours holds port 24007 of `node`."""
    name = unique("squatter")
    container = {
        "name": "glusterd",
        "image": peer_image(),
        "imagePullPolicy": "IfNotPresent",
        "command": ["tini", "--", "glusterd", "-N"],
        "securityContext": {"privileged": True},
        "readinessProbe": {"tcpSocket": {"port": 24007}, "periodSeconds": 1},
    }
    spec = {
        "nodeName": node,
        "hostNetwork": True,
        "terminationGracePeriodSeconds": 0,
        "containers": [container],
    }
    lab.apply(namespace, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
    lab.kubectl("wait", "-n", namespace, "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
    try:
        yield
    finally:
        lab.kubectl("delete", "pod", name, "-n", namespace, "--wait=true")


def test_each_peer_that_does_not_come_is_named_with_its_cause(lab: Lab, release: Release) -> None:
    one, two, three = lab.workers[:3]
    entries = [
        *nodes([one]),
        {"name": two, "bricks": ["/mnt/brick-that-is-not-there"]},
        *nodes([three]),
        {"name": "no-such-node"},
    ]
    with glusterd_on(lab, release.namespace, three), pytest.raises(CommandFailed) as failed:
        release.install({"nodes": entries, "volumes": [{"name": unique("v"), "nodes": [one]}], **QUICK})
    text = str(failed.value)
    assert "3 of 4 peers are not Ready" in text
    assert f"{two}: a directory cannot be mounted" in text
    assert "/mnt/brick-that-is-not-there is not a directory" in text
    assert f"{three}: its container ended: Port 24007 on node {three} is taken by another glusterd" in text
    assert "no-such-node: no node takes its pod (nodeSelector kubernetes.io/hostname=no-such-node)" in text
    assert f"{one}:" not in text
    # Once the causes are gone the same release goes on, without anybody's hands on a pod.
    release.upgrade({"nodes": nodes([one, two, three]), "volumes": []})


def test_an_image_that_cannot_be_pulled(lab: Lab, release: Release) -> None:
    with pytest.raises(CommandFailed) as failed:
        release.install({"nodes": nodes(lab.workers[:1]), "image": {"tag": "no-such-tag"}, **QUICK})
    assert f"{lab.workers[0]}: its image localhost/glusterfs:no-such-tag cannot be had" in str(failed.value)


def test_peers_with_a_cloned_state_folder_become_a_right_pool(lab: Lab, release: Release) -> None:
    info = "UUID=11111111-2222-4333-8444-555555555555\\noperating-version=110000\\n"
    for node in lab.workers[:2]:
        lab.on_node(
            release.namespace, node, f"mkdir -p {release.state}; printf '{info}' > {release.state}/glusterd.info"
        )
    volume = unique("v")
    printed = release.install({"nodes": nodes(lab.workers[:3]), "volumes": [{"name": volume, "replica": 3}]})
    assert "gluster system:: uuid reset" in printed
    assert len(set(release.uuids().values())) == 3
    assert len(release.gluster("pool", "list").splitlines()) == 1 + 3
    assert release.info(volume)["Status"] == "Started"


def test_foreign_files_in_a_brick_folder_stay_untouched(lab: Lab, release: Release) -> None:
    volume = unique("v")
    folder = f"/mnt/brick1/{volume}"
    node = lab.workers[1]
    before = lab.on_node(release.namespace, node, f"mkdir {folder}; echo precious > {folder}/file; ls -lR {folder}")
    values = {"nodes": nodes(lab.workers[:2]), "volumes": [{"name": volume, "replica": 2}]}
    with pytest.raises(CommandFailed, match="the folder is not empty and no brick; its files are left untouched"):
        release.install(values)
    assert lab.on_node(release.namespace, node, f"ls -lR {folder}") == before
    assert "precious" in lab.on_node(release.namespace, node, f"cat {folder}/file; rm -r {folder}")
    assert "every brick online" in release.upgrade(values)


def test_a_brick_on_the_root_disk_is_refused_unless_values_allow_it(lab: Lab, release: Release) -> None:
    brick = f"/var/lib/bricks-of-tests/{unique('brick')}"
    lab.on_node(release.namespace, lab.workers[0], f"mkdir -p {brick}")
    values = {"nodes": nodes(lab.workers[:1]), "bricks": [brick], "volumes": [{"name": unique("v")}]}
    with pytest.raises(CommandFailed, match="lies on the node's root disk"):
        release.install(values)
    assert "every brick online" in release.upgrade({**values, "allowRootDiskBricks": True})


def test_an_option_that_gluster_does_not_know(lab: Lab, release: Release) -> None:
    volume = {"name": unique("v"), "options": {"no.such-option": 1}}
    with pytest.raises(CommandFailed, match="option : no\\.such-option does not exist"):
        release.install({"nodes": nodes(lab.workers[:1]), "volumes": [volume]})
    assert "every brick online" in release.upgrade(
        {"nodes": nodes(lab.workers[:1]), "volumes": [{**volume, "options": {}}]}
    )


def test_a_hook_that_is_killed_is_followed_by_one_that_goes_on(lab: Lab, release: Release) -> None:
    volumes = [{"name": unique("v"), "replica": 3} for _ in range(12)]
    values = {"nodes": nodes(lab.workers[:3]), "volumes": volumes}

    def hook() -> str:
        selector = f"batch.kubernetes.io/job-name={release.fullname}-converge"
        pods = lab.get("pods", "-n", release.namespace, "-l", selector)["items"]
        return next((pod["metadata"]["name"] for pod in pods if pod["status"]["phase"] == "Running"), "")

    with ThreadPoolExecutor(1) as background:
        helm = background.submit(release.install, values)
        first = until("the hook runs", hook)
        for line in lab.follow("logs", "--follow", "-n", release.namespace, first):
            if "s] done in " in line:
                lab.kubectl("delete", "pod", "-n", release.namespace, first, "--grace-period=0", "--force")
                break
        helm.result()
    assert hook() != first
    log = release.report()
    assert "every brick online" in log
    assert log.count("s] done in ") < 3 + 2 * len(volumes), "the second hook went on where the first one stopped"
    assert set(release.gluster("volume", "list").split()) == {str(volume["name"]) for volume in volumes}
