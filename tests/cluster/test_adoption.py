"""A pool whose glusterds ran on the nodes themselves becomes the chart's pool: the same peers, volumes and data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.cluster.lab import CommandFailed, Lab, script_pod, unique, until
from tests.cluster.release import Release, nodes

BRICK = "/mnt/brick1"
# What systemd's KillMode=process does, as upstream ships it: glusterd ends; its bricks and daemons serve on.
STOP_GLUSTERD = 'for p in /proc/[0-9]*; do [ "$(cat $p/comm)" != glusterd ] || kill ${p#/proc/}; done'
STOP_BRICKS = "kill $(find /run/gluster -name '*.pid' -exec cat {} +)"


@dataclass(frozen=True)
class Hosts:
    """glusterd "on the hosts": a pod a node with the host's network, that is no part of any release."""

    lab: Lab
    namespace: str
    pods: dict[str, str]

    def run(self, node: str, script: str) -> str:
        return self.lab.kubectl("exec", "-n", self.namespace, self.pods[node], "--", "bash", "-ec", script)

    def stop(self) -> None:
        """glusterd, bricks and daemons; the state folder and the bricks stay on the nodes."""
        self.lab.kubectl("delete", "pod", "-n", self.namespace, *self.pods.values(), "--ignore-not-found")


@contextmanager
def glusterd_on_hosts(lab: Lab, namespace: str, state: str) -> Iterator[Hosts]:
    """One glusterd a worker, with its state in the node's folder `state`, as a package on the node would have it."""
    volumes = [
        {"name": "state", "hostPath": {"path": state, "type": "DirectoryOrCreate"}},
        {"name": "bricks", "hostPath": {"path": BRICK, "type": "Directory"}},
    ]
    container = {
        "securityContext": {"privileged": True},
        "readinessProbe": {
            "exec": {"command": ["timeout", "5", "gluster", "pool", "list"]},
            "periodSeconds": 1,
            "timeoutSeconds": 6,
        },
        "volumeMounts": [{"name": "state", "mountPath": "/var/lib/glusterd"}, {"name": "bricks", "mountPath": BRICK}],
    }
    script = "glusterd && exec sleep infinity"
    spec = {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet", "volumes": volumes}
    pods = {node: script_pod("host", script, container, nodeName=node, **spec) for node in lab.workers[:3]}
    hosts = Hosts(lab, namespace, {node: pod["metadata"]["name"] for node, pod in pods.items()})
    try:
        lab.apply(namespace, *pods.values())
        lab.kubectl("wait", "-n", namespace, "--for=condition=Ready", "pod", *hosts.pods.values(), "--timeout=90s")
        yield hosts
    finally:
        hosts.stop()


@dataclass(frozen=True)
class Before:
    """What the pool was while the hosts ran it."""

    volume: str
    uuids: dict[str, str]
    info: str
    checksums: str

    def layout(self, lab: Lab) -> list[str]:
        """The volume's bricks as values list them."""
        return [f"{node}:{BRICK}/{self.volume}/brick" for node in lab.workers[:3]]


def form(lab: Lab, hosts: Hosts, addresses: dict[str, str]) -> Before:
    """By hand, as an administrator does: probe, create, start, mount, write."""
    first, second, third = addresses
    volume = unique("old")
    for node in addresses:
        hosts.run(node, f"mkdir {BRICK}/{volume}")
    hosts.run(first, f"gluster peer probe {addresses[second]} && gluster peer probe {addresses[third]}")
    hosts.run(second, f"gluster peer probe {addresses[first]}")
    in_pool = 'test "$(gluster peer status | grep -c "Peer in Cluster (Connected)")" = 2'
    until("the peers are a pool", lambda: all(_succeeds(hosts, node, in_pool) for node in addresses))
    bricks = " ".join(f"{address}:{BRICK}/{volume}/brick" for address in addresses.values())
    hosts.run(
        first,
        f"gluster --mode=script volume create {volume} replica 3 {bricks} && "
        f"gluster volume set {volume} network.ping-timeout 20 && gluster volume start {volume}",
    )
    with lab.mounted(hosts.namespace, third, addresses[first], volume) as there:
        checksums = there(
            f"cd /data/{volume}; mkdir folder; for i in $(seq 40); do head -c 50000 /dev/urandom > folder/$i; done; "
            "head -c 5000000 /dev/urandom > blob; sha256sum blob folder/*"
        )
    uuids = {node: hosts.run(node, "sed -n s/UUID=//p /var/lib/glusterd/glusterd.info").strip() for node in addresses}
    return Before(volume, uuids, hosts.run(first, f"gluster volume info {volume}"), checksums)


def _succeeds(hosts: Hosts, node: str, script: str) -> bool:
    return hosts.run(node, f"({script}) && echo yes || echo no").strip() == "yes"


def check(lab: Lab, release: Release, before: Before) -> None:
    """The release's pool is the one that the hosts ran, and its data is readable through the chart's Service."""
    assert release.uuids() == before.uuids
    assert _same(release.gluster("volume", "info", before.volume)) == _same(before.info)
    with lab.mounted(release.namespace, lab.workers[1], release.server, before.volume) as there:
        assert there(f"cd /data/{before.volume}; sha256sum blob folder/*") == before.checksums
        there(f"echo written by the pods > /data/{before.volume}/new; rm /data/{before.volume}/new")
    heal = release.gluster("volume", "heal", before.volume, "info", "summary")
    assert re.findall(r"Total Number of entries: (\S+)", heal) == ["0"] * 3


def _same(info: str) -> list[str]:
    """The lines of `volume info` but one: a restarted glusterd forgets `nfs.disable: on` (seen with 11.1)."""
    return sorted(line.strip() for line in info.splitlines() if line.strip() not in ("", "nfs.disable: on"))


def own_addresses(lab: Lab) -> dict[str, str]:
    """Each worker's address, as the chart takes it when values give none."""
    return {node: lab.address(node) for node in lab.workers[:3]}


def test_a_pool_of_the_hosts_goes_on_in_pods(lab: Lab, release: Release) -> None:
    addresses = own_addresses(lab)
    with glusterd_on_hosts(lab, release.namespace, release.state) as hosts:
        before = form(lab, hosts, addresses)
        volume = {"name": before.volume, "replica": 3, "layout": before.layout(lab)}
        listed = [{**volume, "options": {"network.ping-timeout": 20}}]
        values = {"nodes": nodes(list(addresses)), "volumes": listed}
        # Somebody stops glusterd only. No second brick process may be started on the folder of one that runs.
        for node in addresses:
            hosts.run(node, STOP_GLUSTERD)
        with ThreadPoolExecutor(1) as background:
            helm = background.submit(release.install, values)
            for node in addresses:
                _wait_for_words(lab, release, node)
                hosts.run(node, STOP_BRICKS)
            printed = helm.result()
    assert "Nothing to do: the pool of 3 peers is what the values ask for." in printed
    check(lab, release, before)


def _wait_for_words(lab: Lab, release: Release, node: str) -> None:
    wanted = f"Brick or self-heal processes of another glusterd still run on node {node}"
    until(f"the peer on {node} says why it does not start", lambda: wanted in _log(lab, release, node))


def _log(lab: Lab, release: Release, node: str) -> str:
    pod = release.peers().get(node)
    args = ("logs", "-n", release.namespace, f"pod/{pod}")
    return lab.kubectl(*args, check=False) + lab.kubectl(*args, "--previous", check=False) if pod else ""


def test_a_pool_that_knows_its_peers_by_names(lab: Lab, release: Release) -> None:
    """Host names instead of addresses: the nodes' own, which every node has in /etc/hosts or DNS."""
    names = {node: node for node in lab.workers[:3]}
    with glusterd_on_hosts(lab, release.namespace, release.state) as hosts:
        try:
            hosts.run(lab.workers[0], f"getent hosts {' '.join(names)}")
        except CommandFailed:
            pytest.fail(f"the nodes of this cluster do not resolve each other's names {', '.join(names)}")
        before = form(lab, hosts, names)
    entries = [{"name": node, "address": address} for node, address in names.items()]
    kept = f"The volume {before.volume} is in the pool but not in `volumes`: kept as it is."

    # Who asks for TLS is told by the peers that the pool has none; they leave it as it is.
    told = "is that of a pool with `tls.enabled: false`, the values ask for true. Nothing was changed: set it to false"
    with pytest.raises(CommandFailed, match=told):
        release.install({"tls": {"enabled": True}, "nodes": entries})
    lab.kubectl("delete", "secret", "gluster-tls", "-n", release.namespace)  # else clients of these tests would use it
    printed = release.upgrade({"nodes": entries})
    assert "Nothing to do: the pool of 3 peers is what the values ask for." in printed
    assert kept in printed
    check(lab, release, before)

    # Without addresses the nodes' own become further names of the peers; the volume keeps the ones it has.
    printed = release.upgrade({"nodes": nodes(list(names))})
    assert kept in printed
    for address in own_addresses(lab).values():
        assert f"gluster peer probe {address}" in printed
    check(lab, release, before)

    # Then the old volume is listed, and a new one is made beside it.
    old = {"name": before.volume, "replica": 3, "layout": before.layout(lab)}
    new = {"name": unique("new"), "replica": 3}
    printed = release.upgrade({"nodes": nodes(list(names)), "volumes": [old, new]})
    assert f"gluster volume create {new['name']} " in printed
    assert f"gluster volume create {before.volume} " not in printed
    check(lab, release, before)
    assert "Nothing to do" in release.upgrade({"nodes": nodes(list(names)), "volumes": [old, new]})
