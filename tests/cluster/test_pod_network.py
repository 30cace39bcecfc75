"""Peers on the pod network: their pods come back under other addresses, one by one and all at once, without DNS too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.cluster.lab import CommandFailed, Lab, unique, until
from tests.cluster.release import Release, nodes

Shell = Callable[[str], str]
# Writes files of 20 kB, each through to the bricks, until /stop is there; /written has the sums of what was taken.
WRITER = """
cd /data; n=$(wc -l < /written)
while [ ! -e /stop ]; do
  for v in *; do
    n=$((n + 1)); head -c 20000 /dev/urandom > /tmp/part
    if dd if=/tmp/part of=$v/f$n conv=fsync status=none 2>> /errors; then
      echo "$(sha256sum < /tmp/part | cut -d' ' -f1)  $v/f$n" >> /written
    fi
  done
done
rm /stop
"""


@pytest.fixture(scope="module")
def values(lab: Lab) -> dict[str, Any]:
    """A replicated and a dispersed volume; either stands one peer being away."""
    return {
        "hostNetwork": False,
        "nodes": nodes(lab.workers[:3]),
        "volumes": [
            {"name": unique("replica"), "replica": 3},
            {"name": unique("disperse"), "disperse": 3, "redundancy": 1},
        ],
    }


@pytest.fixture(scope="module")
def names(values: dict[str, Any]) -> list[str]:
    return [volume["name"] for volume in values["volumes"]]


@pytest.fixture(scope="module")
def installed(lab: Lab, namespace: str, values: dict[str, Any]) -> Iterator[Release]:
    release = Release(lab, namespace)
    assert "every brick online" in release.install(values)
    yield release
    release.uninstall()


@pytest.fixture(scope="module")
def client(lab: Lab, installed: Release, names: list[str]) -> Iterator[Shell]:
    """One FUSE mount for the whole module, on the pod network as well: it outlives every pod of the pool."""
    server = f"{installed.fullname}.{installed.namespace}.svc"
    with lab.mounted(installed.namespace, lab.workers[0], server, *names, host_network=False) as shell:
        shell("cd /data; for v in *; do head -c 3000000 /dev/urandom > $v/blob; done; sha256sum */blob > /written")
        yield shell


def addresses(release: Release) -> dict[str, str]:
    return {node: f"{pod}.{release.server}" for node, pod in release.peers().items()}


def test_peers_and_bricks_go_by_the_names_of_pods(lab: Lab, installed: Release, names: list[str]) -> None:
    known = addresses(installed)
    for volume in names:
        assert installed.info(volume)["bricks"] == [f"{known[n]}:/mnt/brick1/{volume}" for n in lab.workers[:3]]
    for node in known:
        status = installed.gluster("peer", "status", node=node)
        seen = {line.removeprefix("Hostname: ") for line in status.splitlines() if line.startswith("Hostname: ")}
        assert seen == {name for other, name in known.items() if other != node}
        assert installed.in_peer(node, "cat", "/proc/sys/net/ipv4/tcp_syn_retries").strip() == "2"
    on_node = lab.on_node(installed.namespace, lab.workers[0], "cat /proc/sys/net/ipv4/tcp_syn_retries")
    assert on_node.strip() != "2", "the setting is the pods' alone"


def test_pods_that_are_deleted_one_after_the_other(
    lab: Lab, installed: Release, client: Shell, names: list[str]
) -> None:
    before = pods(installed)
    client(f"cat > /writer <<'END'\n{WRITER}\nEND\ntouch /errors")
    for node in lab.workers[:3]:
        client("setsid bash /writer > /dev/null 2>&1 < /dev/null &")
        delete(installed, node)
        client("touch /stop; while [ -e /stop ]; do sleep 0.1; done")
        until(f"all is healed after {node}", lambda: healed(installed, names), 180)
    assert client("cat /errors") == "", "one peer away is no error"
    after = pods(installed)
    assert all(after[node]["podIP"] != before[node]["podIP"] for node in before), "nothing was shown otherwise"
    assert int(client("wc -l < /written")) > 20
    assert_data(lab, installed, client, names)


def test_all_pods_at_once_without_dns(
    lab: Lab, installed: Release, client: Shell, names: list[str], values: dict[str, Any]
) -> None:
    before = settings(installed)
    with no_dns(lab):
        delete(installed, *lab.workers[:3])
        status = installed.gluster("peer", "status")
        assert status.count("(Disconnected)") == 2, f"peers find each other without DNS: {status}"
    until("the pool comes back by itself", lambda: healed(installed, names), 180)
    assert settings(installed) == before
    until("the old mount has found its bricks again", lambda: is_mounted(client), 60)
    assert_data(lab, installed, client, names)
    assert "Nothing to do: the pool of 3 peers is what the values ask for." in installed.upgrade(values)


def test_a_pool_stays_on_its_network(lab: Lab, installed: Release, names: list[str], values: dict[str, Any]) -> None:
    with pytest.raises(CommandFailed, match="The pool was made on the pod network"):
        installed.upgrade({**values, "hostNetwork": True})
    with pytest.raises(CommandFailed, match="the values ask for `clusterDomain: cluster\\.example`"):
        installed.upgrade({**values, "clusterDomain": "cluster.example"})
    assert "Nothing to do: the pool of 3 peers is what the values ask for." in installed.upgrade(values)


def test_another_release_does_not_start_the_bricks(lab: Lab, installed: Release, values: dict[str, Any]) -> None:
    """Same state folders, other names: nobody would find these peers."""
    other = Release(lab, installed.namespace, name="gluster-other", state=installed.state)
    try:
        other.install(values, "--no-hooks")
        for node, name in addresses(installed).items():
            wanted = f"is a brick of the peer {name}, but this peer is {addresses(other)[node]}."
            until_said(lab, other, node, wanted)
    finally:
        other.uninstall()


def until_said(lab: Lab, release: Release, node: str, words: str) -> None:
    def said() -> bool:
        args = ("logs", "-n", release.namespace, release.peers()[node])
        return words in lab.kubectl(*args, check=False) + lab.kubectl(*args, "--previous", check=False)

    until(f"the peer on {node} says {words}", said)


def settings(release: Release) -> list[str]:
    """All volumes as `volume info` shows them.

    Without nfs.disable: glusterd shows it of a volume that it has just made and, as no file of its has it, not any more
    once it was started again.
    """
    lines = release.gluster("volume", "info").splitlines()
    return sorted(line for line in lines if not line.startswith("nfs.disable"))


def is_mounted(client: Shell) -> bool:
    """Whether the mount reads. While it is at no brick of a volume, all bricks have the same number of clients too."""
    try:
        return "read" in client("cd /data; cat */blob > /dev/null; echo read")
    except CommandFailed:
        return False


def assert_data(lab: Lab, release: Release, client: Shell, names: list[str]) -> None:
    """All that was written is there, through the old mount and through a new one."""
    written = client("cat /written")
    client("cd /data; sha256sum --check --quiet /written")
    server = f"{release.fullname}.{release.namespace}.svc"
    with lab.mounted(release.namespace, lab.workers[1], server, *names, host_network=False) as there:
        there(f"cd /data; sha256sum --check --quiet <<'END'\n{written}\nEND")


def healed(release: Release, names: list[str]) -> bool:
    """Whether every peer sees the others, each brick its clients, and nothing is left to heal."""
    try:
        return _connected(release) and all(_healed(release, volume) for volume in names)
    except CommandFailed:
        return False  # a peer or a brick is not back yet, or the volume is locked


def _connected(release: Release) -> bool:
    states = [release.gluster("peer", "status", node=node) for node in release.peers()]
    return all(state.count("Peer in Cluster (Connected)") == 2 for state in states)


def _healed(release: Release, volume: str) -> bool:
    """`heal info` makes connections of its own, so it is asked too how many clients each brick has."""
    summary = release.gluster("volume", "heal", volume, "info", "summary")
    clients = re.findall(r"Clients connected : (\d+)", release.gluster("volume", "status", volume, "clients"))
    return (
        summary.count("Status: Connected") == 3
        and re.findall(r"Total Number of entries: (\S+)", summary) == ["0"] * 3
        and len(clients) == 3
        and len(set(clients)) == 1
    )


def pods(release: Release) -> dict[str, dict[str, Any]]:
    """Node -> `uid`, `podIP` and `ready` of its peer pod."""
    found = {}
    for pod in release.pods():
        ready = {c["type"]: c["status"] for c in pod["status"].get("conditions", [])}.get("Ready") == "True"
        facts = {"uid": pod["metadata"]["uid"], "podIP": pod["status"].get("podIP"), "ready": ready}
        found[pod["spec"].get("nodeName", "")] = facts
    return found


def delete(release: Release, *wanted: str) -> None:
    """Delete the peers' pods on these nodes and wait until others are Ready in their place."""
    before, peers = pods(release), release.peers()
    release.lab.kubectl("delete", "pod", "-n", release.namespace, "--wait=false", *(peers[node] for node in wanted))

    def replaced() -> bool:
        now = pods(release)
        return all(node in now and now[node]["ready"] and now[node]["uid"] != before[node]["uid"] for node in wanted)

    until("other pods are Ready", replaced)


@contextmanager
def no_dns(lab: Lab) -> Iterator[None]:
    """No cluster DNS: its Deployment without pods or, where it does not run in pods, its Service without endpoints."""
    here = ("-n", "kube-system")
    deployments = lab.get("deployments", *here, "-l", "k8s-app=kube-dns")["items"]
    slices = lab.get("endpointslices", *here, "-l", "kubernetes.io/service-name=kube-dns")["items"]
    try:
        for deployment in deployments:
            lab.kubectl("scale", *here, f"deployment/{deployment['metadata']['name']}", "--replicas=0")
        if not deployments:
            lab.kubectl("delete", "endpointslices", *here, "-l", "kubernetes.io/service-name=kube-dns")
        until("no server of cluster DNS is left", lambda: not _dns_servers(lab))
        yield
    finally:
        for deployment in deployments:
            name, size = deployment["metadata"]["name"], deployment["spec"]["replicas"]
            lab.kubectl("scale", *here, f"deployment/{name}", f"--replicas={size}")
        if not deployments:
            for found in slices:
                kept = {"name": found["metadata"]["name"], "labels": found["metadata"]["labels"]}
                lab.kubectl("apply", *here, "-f", "-", stdin=json.dumps({**found, "metadata": kept}))
        until("cluster DNS is back", lambda: _dns_servers(lab))


def _dns_servers(lab: Lab) -> list[str]:
    slices = lab.get("endpointslices", "-n", "kube-system", "-l", "kubernetes.io/service-name=kube-dns")["items"]
    endpoints = [endpoint for found in slices for endpoint in found.get("endpoints") or []]
    return [ip for endpoint in endpoints if endpoint["conditions"].get("ready") for ip in endpoint["addresses"]]
