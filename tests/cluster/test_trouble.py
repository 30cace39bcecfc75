"""What goes wrong on real nodes: each peer that does not come is named with its cause, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.lab import CommandFailed, Lab, script_pod, unique
from tests.cluster.release import Release, nodes

QUICK = {"hooks": {"activeDeadlineSeconds": 200}}


@contextmanager
def glusterd_on(lab: Lab, namespace: str, node: str) -> Iterator[str]:
    """A glusterd that is none of ours holds port 24007 of `node`; yields its pod's name."""
    container = {
        "securityContext": {"privileged": True},
        "readinessProbe": {"tcpSocket": {"port": 24007}, "periodSeconds": 1},
    }
    pod = script_pod("squatter", "exec glusterd -N", container, nodeName=node, hostNetwork=True)
    name = pod["metadata"]["name"]
    lab.apply(namespace, pod)
    lab.kubectl("wait", "-n", namespace, "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
    try:
        yield name
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


def test_an_address_of_somebody_elses_glusterd_is_not_probed(lab: Lab, release: Release) -> None:
    one, two, three = lab.workers[:3]
    foreign = lab.address(three)
    values = {"nodes": [*nodes([one]), {"name": two, "address": foreign}], "volumes": []}
    with glusterd_on(lab, release.namespace, three) as squatter:
        with pytest.raises(CommandFailed) as failed:
            release.install({**values, **QUICK})
        assert f"{two}: its address {foreign} leads to another glusterd (none of these nodes, UUID " in str(
            failed.value
        )
        peers = lab.kubectl("exec", "-n", release.namespace, squatter, "--", "gluster", "peer", "status")
        assert peers.strip() == "Number of Peers: 0"
    assert "every brick online" in release.upgrade({"nodes": nodes([one, two])})


def test_an_option_that_gluster_does_not_know(lab: Lab, release: Release) -> None:
    volume = {"name": unique("v"), "options": {"no.such-option": 1}}
    with pytest.raises(CommandFailed, match="option : no\\.such-option does not exist"):
        release.install({"nodes": nodes(lab.workers[:1]), "volumes": [volume]})
    assert "every brick online" in release.upgrade(
        {"nodes": nodes(lab.workers[:1]), "volumes": [{**volume, "options": {}}]}
    )
