"""Claims in values: pods on all nodes share a volume, through the loss of everything that stands between."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from testbed.cluster import Cluster
from testbed.config import patience
from tests.cluster.compute import Compute, driver_pods, looking_at_nodes, pod, raw_volume
from tests.cluster.lab import CommandFailed, Lab, run, unique, until
from tests.cluster.release import Release, helms, nodes

# Writes small files through to the bricks until /tmp/stop is there; /tmp/errors has what went wrong.
WRITER = """
n=0; touch /tmp/errors /tmp/count
while [ ! -e /tmp/stop ]; do
  n=$((n + 1)); head -c 4000 /dev/urandom | dd of=/data/io-$HOSTNAME-$n conv=fsync status=none 2>> /tmp/errors || true
  echo >> /tmp/count
  sleep 0.1
done
touch /tmp/ended; exec sleep infinity
"""
# Asks the driver on its socket for the stats of a pod's volume, as the kubelet does.
ASK = """
import glob, sys, grpc
from csi import csi_pb2
(folder,) = glob.glob(f"/var/lib/kubelet/pods/{sys.argv[1]}/volumes/kubernetes.io~csi/*")
path = f"{folder}/mount"
(socket,) = glob.glob("/var/lib/kubelet/plugins/*/csi.sock")
method = grpc.insecure_channel(f"unix://{socket}").unary_unary(
    "/csi.v1.Node/NodeGetVolumeStats",
    csi_pb2.NodeGetVolumeStatsRequest.SerializeToString,
    csi_pb2.NodeGetVolumeStatsResponse.FromString,
)
found = method(csi_pb2.NodeGetVolumeStatsRequest(volume_id="any", volume_path=path)).volume_condition
print(f"{'abnormal' if found.abnormal else 'normal'}: {found.message}")
"""


@pytest.fixture(scope="module")
def values(lab: Lab, namespace: str) -> dict[str, Any]:
    name = unique("shared")
    read = {"name": "to-read", "mountOptions": ["ro", "entry-timeout=2"]}
    claims = [{"namespace": namespace, **claim} for claim in ({"name": "data"}, read)]
    volume = {"name": name, "replica": 3, "options": {"network.ping-timeout": 5}, "claims": claims}
    return {"nodes": nodes(lab.workers[:3]), "volumes": [volume]}


@pytest.fixture(scope="module")
def installed(lab: Lab, namespace: str, values: dict[str, Any]) -> Iterator[Release]:
    release = Release(lab, namespace)
    assert "every brick online" in release.install(values)
    for name in ("csi", "client"):
        lab.kubectl(
            "rollout", "status", "-n", namespace, f"daemonset/gluster-{name}", "--timeout=90s", check=name == "csi"
        )
    until("the driver's pods are there", lambda: all(len(driver_pods(release, c)) >= 3 for c in ("csi", "client")))
    yield release
    release.uninstall()


@pytest.fixture(scope="module")
def mounted(installed: Release) -> Iterator[Callable[[], dict[str, list[str]]]]:
    with looking_at_nodes(installed) as look:
        yield look


@pytest.fixture
def compute(lab: Lab, installed: Release, mounted: Callable[[], dict[str, list[str]]]) -> Iterator[Compute]:
    """When a test has ended, no node has anything of the driver: neither mounts nor files that tell of any."""
    yield Compute(lab, installed.namespace)
    until("no node has anything mounted", lambda: not any((now := mounted()).values()) or print(now), 60)


def volume(values: dict[str, Any]) -> str:
    return str(values["volumes"][0]["name"])


def test_twenty_pods_on_three_nodes_share_a_claim(lab: Lab, compute: Compute) -> None:
    write = (
        "cd /data; head -c 100000 /dev/urandom > $HOSTNAME; sha256sum $HOSTNAME > sum-$HOSTNAME; exec sleep infinity"
    )
    template = pod(None, "data", write)
    template["spec"] |= {
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": {"app": "twenty"}},
            }
        ]
    }
    template["metadata"] = {"labels": {"app": "twenty"}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "twenty"},
        "spec": {
            "replicas": 20,
            "selector": {"matchLabels": {"app": "twenty"}},
            "template": {"metadata": template["metadata"], "spec": template["spec"]},
        },
    }
    lab.apply(compute.namespace, deployment)
    compute.wait("deployment/twenty", "Available", 120)
    pods = lab.get("pods", "-n", compute.namespace, "-l", "app=twenty")["items"]
    by_node = {p["spec"]["nodeName"]: p["metadata"]["name"] for p in pods}
    assert len(pods) == 20
    assert len(by_node) >= 3
    check = "cd /data; [ $(ls sum-* | wc -l) = 20 ] && cat sum-* | sha256sum --check --quiet && echo right"
    for name in by_node.values():
        until(f"{name} reads what all have written", partial(_says, compute, name, check, "right"), 60)
    lab.kubectl("delete", "deployment", "twenty", "-n", compute.namespace, "--cascade=foreground", "--timeout=120s")


def _says(compute: Compute, name: str, script: str, word: str) -> bool:
    """Whether the script in the pod ends well and prints the word."""
    try:
        return word in compute.sh(name, script)
    except CommandFailed:
        return False


def test_a_deployment_moves_and_finds_its_data(lab: Lab, compute: Compute) -> None:
    script = "echo $HOSTNAME >> /data/moves; exec sleep infinity"
    spec = pod(lab.workers[0], "data", script)["spec"]
    labels = {"app": "moving"}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "moving"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
    }
    for number, node in enumerate(lab.workers[:3], start=1):
        spec["nodeSelector"] = {"kubernetes.io/hostname": node}
        lab.apply(compute.namespace, deployment)
        lab.kubectl("rollout", "status", "-n", compute.namespace, "deployment/moving", "--timeout=90s")
        lines = lab.kubectl("exec", "-n", compute.namespace, "deployment/moving", "--", "cat", "/data/moves")
        assert len(lines.split()) == number
    lab.kubectl("delete", "deployment", "moving", "-n", compute.namespace, "--cascade=foreground", "--timeout=90s")


def test_pods_of_every_kind(lab: Lab, installed: Release, compute: Compute, values: dict[str, Any]) -> None:
    node = lab.workers[0]
    with compute.running(pod(node, "data")) as plain:
        compute.sh(
            plain, "mkdir /data/folder; echo deep > /data/folder/file; ln -s /etc /data/link; chmod 777 /data/folder"
        )
        assert "fuse.glusterfs" in compute.sh(plain, "grep ' /data ' /proc/mounts; df -h /data")
    with compute.running(pod(node, "data", read_only=True)) as reader, pytest.raises(CommandFailed, match="Read-only"):
        compute.sh(reader, "cat /data/folder/file; touch /data/x")
    with compute.running(pod(node, "to-read")) as reader:
        assert compute.sh(reader, "cat /data/folder/file") == "deep\n"
        with pytest.raises(CommandFailed, match="Read-only"):
            compute.sh(reader, "touch /data/x")
        arguments = lab.kubectl(
            "exec", "-n", installed.namespace, driver_pods(installed, "client")[node], "--", "cat", "/proc/mounts"
        )
        assert f":{volume(values)}." in arguments, "other options, another mount"
    with compute.running(pod(node, "data", sub_path="folder")) as deep:
        assert compute.sh(deep, "cat /data/file") == "deep\n"
    user = {"runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 2000, "fsGroupChangePolicy": "OnRootMismatch"}
    with compute.running(pod(node, "data", securityContext=user)) as poor:
        assert compute.sh(poor, "touch /data/poor; stat -c '%u %g' /data/poor; id -u").split() == [
            "1000",
            "2000",
            "1000",
        ]


@pytest.mark.parametrize(
    ("handle", "words"),
    [
        ("VOLUME/../../etc", "has .. in its path"),
        ("/etc", "does not begin with the name of a gluster volume"),
        ("VOLUME/link", "has no directory link (symlinks are not followed)"),
        ("VOLUME/not-there", "has no directory not-there"),
        ("no-such-volume", "no server has a started volume of this name"),
    ],
)
def test_a_hostile_volume_is_refused_in_words(
    lab: Lab, installed: Release, compute: Compute, values: dict[str, Any], handle: str, words: str
) -> None:
    made, claim = raw_volume(installed, handle.replace("VOLUME", volume(values)))
    manifest = pod(lab.workers[0], claim["metadata"]["name"])
    name = manifest["metadata"]["name"]
    lab.apply(compute.namespace, made, claim, manifest)
    try:
        compute.event(name, words)
    finally:
        lab.kubectl("delete", "pod", name, "-n", compute.namespace, "--timeout=60s")
        lab.kubectl("delete", "pvc", claim["metadata"]["name"], "-n", compute.namespace, "--timeout=60s")
        lab.kubectl("delete", "pv", made["metadata"]["name"], "--timeout=60s")


def test_a_volume_by_hand_with_a_directory(
    lab: Lab, installed: Release, compute: Compute, values: dict[str, Any]
) -> None:
    made, claim = raw_volume(installed, f"{volume(values)}/folder#by-hand")
    lab.apply(compute.namespace, made, claim)
    with compute.running(pod(lab.workers[1], claim["metadata"]["name"])) as name:
        assert compute.sh(name, "cat /data/file; ls /data").split() == ["deep", "file"]
    lab.kubectl("delete", "pvc", claim["metadata"]["name"], "-n", compute.namespace, "--timeout=60s")
    lab.kubectl("delete", "pv", made["metadata"]["name"], "--timeout=60s")


def test_the_driver_s_pod_is_killed_while_pods_write_and_come(lab: Lab, installed: Release, compute: Compute) -> None:
    node = lab.workers[0]
    with compute.running(pod(node, "data", WRITER)) as writer:
        for _ in range(2):
            driver = driver_pods(installed, "csi")[node]
            lab.kubectl("delete", "pod", driver, "-n", installed.namespace, "--grace-period=0", "--force")
            with compute.running(pod(node, "data")) as late:
                assert compute.sh(late, f"ls /data | grep -c io-{writer}")
        assert_no_error(compute, writer)


def assert_no_error(compute: Compute, writer: str) -> None:
    compute.sh(writer, "touch /tmp/stop; while [ ! -e /tmp/ended ]; do sleep 0.1; done")
    assert compute.sh(writer, "cat /tmp/errors") == ""
    assert written(compute, writer) > 10


def written(compute: Compute, writer: str) -> int:
    """How many files there are of a pod that runs WRITER."""
    return int(compute.sh(writer, "wc -l < /tmp/count"))


def test_the_client_s_pod_is_killed(lab: Lab, installed: Release, compute: Compute) -> None:
    """Pods that take mounts from the node go on by themselves, a read-only one read-only; others after a restart."""
    node = lab.workers[0]
    live = pod(node, "data", propagation="HostToContainer")
    reader = pod(node, "to-read", propagation="HostToContainer")
    deep = pod(node, "data", propagation="HostToContainer", sub_path="folder")
    with (
        compute.running(live) as recovers,
        compute.running(reader) as reads,
        compute.running(pod(node, "data")) as stays,
        compute.running(deep) as below,
    ):
        compute.sh(recovers, "echo before > /data/before; stat -c %d /data > /tmp/device")
        again = "[ $(stat -c %d /data) != $(cat /tmp/device) ]; echo x > /data/after; echo fine"
        began = time.monotonic()
        client = driver_pods(installed, "client")[node]
        lab.kubectl("delete", "pod", client, "-n", installed.namespace, "--grace-period=0", "--force")
        until(f"{recovers} writes again", lambda: _says(compute, recovers, again, "fine"), 90)
        print(f"after the client's pod was killed: {time.monotonic() - began:.1f} s until a pod could write again")
        assert compute.sh(recovers, "cat /data/before").strip() == "before"
        until(f"{reads} reads again", lambda: _says(compute, reads, "cat /data/before", "before"), 60)
        with pytest.raises(CommandFailed, match="Read-only"):
            compute.sh(reads, "touch /data/x")
        with pytest.raises(CommandFailed, match="not connected"):
            compute.sh(stays, "cat /data/before")
        compute.sh(stays, "kill 1")
        until(f"{stays} reads after its restart", lambda: _says(compute, stays, "cat /data/before", "before"), 90)
        with pytest.raises(CommandFailed, match="not connected"):
            compute.sh(below, "cat /data/file")
        compute.sh(below, "kill 1")
        until(f"{below} reads after its restart", lambda: _says(compute, below, "cat /data/file", "deep"), 90)


def test_all_bricks_gone_and_back(lab: Lab, installed: Release, compute: Compute) -> None:
    node = lab.workers[0]
    with compute.running(pod(node, "data")) as stays:
        compute.sh(stays, "echo kept > /data/kept")
        goes = pod(node, "data")
        lab.apply(compute.namespace, goes)
        compute.wait(f"pod/{goes['metadata']['name']}")
        sets = [s["metadata"]["name"] for s in lab.get("statefulsets", "-n", installed.namespace)["items"]]
        for name in sets:
            lab.kubectl("scale", "-n", installed.namespace, f"statefulset/{name}", "--replicas=0")
        until("no peer is left", lambda: not installed.peers(), 90)
        with pytest.raises(CommandFailed):
            compute.sh(stays, "timeout 60 cat /data/kept")
        said, seconds = condition(lab, installed, node, stays)
        assert said.startswith("abnormal: The volume ")
        assert seconds < 15 * patience(), "the kubelet does not wait for bricks"
        began = time.monotonic()
        lab.kubectl("delete", "pod", goes["metadata"]["name"], "-n", compute.namespace, "--wait=true", "--timeout=60s")
        print(f"a pod deleted with every brick away: gone after {time.monotonic() - began:.1f} s")
        for name in sets:
            lab.kubectl("scale", "-n", installed.namespace, f"statefulset/{name}", "--replicas=1")
        until("the same pod reads again", lambda: _says(compute, stays, "timeout 20 cat /data/kept", "kept"), 120)
        assert condition(lab, installed, node, stays)[0] == "normal: The volume answers."


def condition(lab: Lab, release: Release, node: str, name: str) -> tuple[str, float]:
    """What the driver says of the volume of a pod, asked over its socket as the kubelet does, and after how long."""
    uid = lab.get("pod", name, "-n", release.namespace)["metadata"]["uid"]
    driver = driver_pods(release, "csi")[node]
    began = time.monotonic()
    said = lab.kubectl("exec", "-i", "-n", release.namespace, driver, "--", "python3", "-", uid, stdin=ASK)
    return said.strip(), time.monotonic() - began


def test_the_kubelet_knows_how_full_a_claim_is(lab: Lab, compute: Compute) -> None:
    node = lab.workers[0]
    with compute.running(pod(node, "data")) as name:
        words = compute.sh(name, "df -B1 --output=size,itotal /data | tail -1").split()
        claim = f'{{namespace="{compute.namespace}",persistentvolumeclaim="data"}}'

        def metrics() -> dict[str, float]:
            text = lab.kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/metrics")
            lines = [line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("kubelet_volume_stats")]
            return {what.removesuffix(claim): float(value) for what, value in lines if what.endswith(claim)}

        found = until("the kubelet has looked at the claim", metrics, 150)
        assert found["kubelet_volume_stats_capacity_bytes"] == float(words[0])
        assert found["kubelet_volume_stats_inodes"] == float(words[1])
        assert 0 < found["kubelet_volume_stats_used_bytes"] < found["kubelet_volume_stats_capacity_bytes"]


def test_an_upgrade_restarts_no_client(lab: Lab, installed: Release, compute: Compute, values: dict[str, Any]) -> None:
    before = driver_pods(installed, "client")
    with compute.running(pod(lab.workers[0], "data", WRITER)) as writer:
        more = json.loads(json.dumps(values))
        more["volumes"][0]["claims"].append({"namespace": installed.namespace, "name": "another"})
        more["csi"] = {
            "resources": {"requests": {"memory": "65Mi"}},
            "clientResources": {"requests": {"memory": "129Mi"}},
        }
        installed.upgrade(more)
        lab.kubectl("rollout", "status", "-n", installed.namespace, "daemonset/gluster-csi", "--timeout=120s")
        with compute.running(pod(lab.workers[1], "another")) as late:
            compute.sh(late, "ls /data/kept")
        assert_no_error(compute, writer)
    assert driver_pods(installed, "client") == before


@pytest.mark.parametrize("helm", helms())
def test_helm_test(lab: Lab, installed: Release, compute: Compute, values: dict[str, Any], helm: str) -> None:
    """Run twice, for what it leaves: neither its claims nor its files."""
    for _ in range(2):
        said = run(helm, "test", installed.name, "-n", installed.namespace, "--kubeconfig", lab.kubeconfig)
        first, last = lab.workers[0], lab.workers[2]
        assert f"{volume(values)}: written on {first}, read on {last}: equal" in said
    left = lab.get("pv,pvc,pods", "-A", "-l", "app.kubernetes.io/component=test")["items"]
    assert [found["metadata"]["name"] for found in left] == []
    with compute.running(pod(lab.workers[1], "data")) as name:
        assert ".helm-test" not in compute.sh(name, "ls -A /data")


def test_a_second_release_on_the_pod_network(lab: Lab, compute: Compute) -> None:
    """Drivers do not meet, and a client finds peers whose pods come back under other addresses."""
    with lab.namespace() as namespace:
        other = Release(lab, namespace)
        volume = {"name": unique("second"), "replica": 3, "claims": [{"namespace": namespace, "name": "data"}]}
        other.install({"hostNetwork": False, "nodes": nodes(lab.workers[:3]), "volumes": [volume]})
        there = Compute(lab, namespace)
        with (
            compute.running(pod(lab.workers[0], "data", WRITER)) as writer,
            there.running(pod(lab.workers[0], "data", WRITER)) as second,
            there.running(pod(lab.workers[1], "data")) as third,
        ):
            peer = other.peers()[lab.workers[0]]
            lab.kubectl("delete", "pod", peer, "-n", namespace)
            other.wait_ready(lab.workers[0])
            assert compute.sh(writer, f"ls /data | grep -c io-{second} || true").strip() == "0"
            count = written(there, second)
            assert int(there.sh(third, f"ls /data | grep -c io-{second}")) >= count
            assert_no_error(there, second)
            assert_no_error(compute, writer)
        other.uninstall()


def test_a_node_crashes_and_boots(lab: Lab, compute: Compute, machines: Cluster) -> None:
    """A power cut: pods elsewhere go on without an error, and the pod of that node is back with its data."""
    node = lab.workers[2]
    with compute.running(pod(lab.workers[0], "data", WRITER)) as writer, compute.running(pod(node, "data")) as there:
        compute.sh(there, "echo kept > /data/kept-there")
        machines.crash(node, silent=True)
        try:
            before = written(compute, writer)
            until(f"{writer} goes on", lambda: written(compute, writer) > before + 20, 60)
        finally:
            machines.boot(node)
        until(f"{there} is back", lambda: _says(compute, there, "cat /data/kept-there", "kept"), 180)
        assert_no_error(compute, writer)
