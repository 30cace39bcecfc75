"""Volumes by NFS: with libnfs from the nodes' own network, and mounted by the kubelet where the kernel can."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial

import pytest

from testbed.cluster import Cluster
from tests.cluster.compute import Compute, pod, volume_by_hand
from tests.cluster.lab import Lab, unique, until
from tests.cluster.release import Release, nodes

Client = Callable[[str, str], str]


@pytest.fixture(scope="module")
def client(machines: Cluster) -> Client:
    """Runs a shell script on a node; its output. Fails where it does not exit with 0."""
    if machines.run(machines.nodes[0], ["sh", "-c", "command -v nfs-ls"], check=False).returncode:
        pytest.skip("the nodes have no NFS client that needs no kernel: nfs-ls, of libnfs-utils")

    def on(node: str, script: str) -> str:
        done = machines.run(node, ["bash", "-ec", script], check=False)
        assert done.returncode == 0, f"on {node}:\n{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    return on


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_a_node_without_the_driver_shares_a_volume_by_nfs(
    lab: Lab, release: Release, machines: Cluster, client: Client, tls: bool
) -> None:
    a, b, c = workers = lab.workers[:3]
    served, other = unique("served"), unique("other")
    values = {
        "nodes": nodes(workers),
        "volumes": [{"name": name, "replica": 3} for name in (served, other)],
        "tls": {"enabled": tls},
        "nfs": {"volumes": [served]},
    }
    release.install(values, "--wait")
    address = lab.get("service", "gluster-nfs", "-n", release.namespace)["spec"]["clusterIP"]

    def url(path: str) -> str:
        return shlex.quote(f"nfs://{address}/{path}?version=4")

    def is_served(name: str) -> bool:
        return machines.run(a, ["bash", "-c", f"nfs-ls {url(name)}"], check=False).returncode == 0

    def shows(lines: str) -> bool:
        return client(c, f"nfs-cat {url(f'{served}/g')}") == lines

    until("the volume is served", lambda: is_served(served), 60)
    assert not is_served(other)
    written = client(
        a, f"head -c 3000000 /dev/urandom > /tmp/f; nfs-cp /tmp/f {url(f'{served}/f')} >&2; sha256sum < /tmp/f"
    )
    with lab.mounted(release.namespace, b, release.server, served) as there:
        assert there(f"sha256sum < /data/{served}/f") == written
        for lines in ("one", "one\ntwo"):  # the server must not remember how long a file was
            there(f"printf '{lines}' > /data/{served}/g")
            until(f"{lines!r} is seen", partial(shows, lines), 10)  # a GlusterFS client's own caches last a second
    if tls:
        return  # what follows is the same with it
    lab.kubectl("delete", "pod", "-n", release.namespace, "-l", "app.kubernetes.io/component=nfs", "--wait=true")
    until("the volume is served again", lambda: is_served(served), 60)
    assert client(b, f"nfs-cat {url(f'{served}/f')} | sha256sum") == written
    release.upgrade({**values, "nfs": {"volumes": [served, other]}})
    until("the other volume is served too", lambda: is_served(other), 60)
    release.upgrade({**values, "nfs": {}})
    assert not lab.get("deployments", "-n", release.namespace)["items"]


@pytest.fixture(scope="module")
def kernel_client(machines: Cluster) -> None:
    """Linux' own NFS client, for the kubelet. Asking for it loads its module, where there is one."""
    if machines.run(machines.nodes[0], ["sh", "-c", "command -v mount.nfs4"], check=False).returncode:
        pytest.skip("the nodes have no mount.nfs4, of nfs-common")
    asked = machines.run(machines.nodes[0], ["mount", "-i", "-t", "nfs4", "none", "/mnt"], check=False)
    if "unknown filesystem type" in asked.stderr:
        pytest.skip("this machine's kernel has no NFS client, neither built in nor as a module")


def test_the_kubelet_mounts_a_persistent_volume_by_nfs(lab: Lab, release: Release, kernel_client: None) -> None:
    a, b, c = workers = lab.workers[:3]
    served = unique("served")
    values = {
        "nodes": nodes(workers),
        "volumes": [{"name": served, "replica": 3}],
        "nfs": {"volumes": [served], "nodeSelector": {"kubernetes.io/hostname": b}},
    }
    release.install(values, "--wait")
    address = lab.get("service", "gluster-nfs", "-n", release.namespace)["spec"]["clusterIP"]
    source = {"mountOptions": ["nfsvers=4.1"], "nfs": {"server": address, "path": f"/{served}"}}
    volume, claim = volume_by_hand(release.namespace, source)
    lab.apply(release.namespace, volume, claim)
    name, compute = claim["metadata"]["name"], Compute(lab, release.namespace)
    with compute.running(pod(a, name)) as writer, compute.running(pod(c, name)) as reader:
        for at in writer, reader:
            mount = compute.sh(at, "grep ' /data ' /proc/mounts")
            assert mount.startswith(f"{address}:/{served} /data nfs4 "), mount
            assert "vers=4.1," in mount, mount
        written = compute.sh(writer, "head -c 3000000 /dev/urandom > /data/f; sha256sum < /data/f")
        assert compute.sh(reader, "sha256sum < /data/f") == written
        compute.sh(reader, "echo back > /data/g; mkdir /data/d; mv /data/g /data/d/h; rm /data/f")
        assert compute.sh(writer, "cat /data/d/h; ls /data") == "back\nd\n"
        lab.kubectl("delete", "pod", "-n", release.namespace, "-l", "app.kubernetes.io/component=nfs", "--wait=true")
        compute.sh(writer, "echo again > /data/d/h")  # waits until the server is there again
        assert compute.sh(reader, "cat /data/d/h") == "again\n"
        with lab.mounted(release.namespace, b, release.server, served) as there:
            assert there(f"cat /data/{served}/d/h") == "again\n"
    for what, object in ("pvc", claim), ("pv", volume):
        lab.kubectl("delete", what, object["metadata"]["name"], "-n", release.namespace, "--timeout=60s")
