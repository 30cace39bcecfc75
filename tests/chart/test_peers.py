"""The peers' pods, and the objects around them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from hooks.kube.pods import peer_pods
from hooks.run.addresses import addresses_of
from hooks.values.parse import parse
from tests.chart.helm import CHART, THREE, Helm, Object, Rendered, pod_spec
from tests.support.values import merged


def without_values(rendered: Rendered) -> dict[tuple[str, str], Object]:
    """The objects but for the ConfigMap that holds the values themselves."""
    return {key: o for key, o in rendered.by_key().items() if not key[1].endswith("-values")}


def test_a_peer(maximal: Rendered) -> None:
    peer = maximal.one("StatefulSet", "storage-worker-1")
    spec = pod_spec(peer)
    (container,) = spec["containers"]
    assert peer["spec"]["replicas"] == 1
    assert peer["spec"]["updateStrategy"] == {"type": "OnDelete"}
    assert peer["spec"]["serviceName"] == maximal.one("Service", "storage")["metadata"]["name"]
    assert spec["hostNetwork"]
    assert spec["dnsPolicy"] == "ClusterFirstWithHostNet"
    assert not spec["automountServiceAccountToken"]
    assert not spec["enableServiceLinks"]
    assert spec["nodeSelector"] == {"name": "worker-1"}
    assert spec["priorityClassName"] == "storage"
    assert container["securityContext"] == {"privileged": True}
    assert container["ports"] == [{"name": "glusterd", "containerPort": 24007}]
    assert container["readinessProbe"]["exec"]["command"][:3] == ["timeout", "10", "gluster"]
    assert container["startupProbe"]["exec"] == container["readinessProbe"]["exec"]
    assert container["startupProbe"]["failureThreshold"] > 86400, "no peer may be killed for a slow start"
    assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"
    assert "livenessProbe" not in container
    assert container["image"].startswith("registry.example.com:5000/storage/own-glusterfs@sha256:")


def test_peers_on_the_pod_network(helm4: Helm) -> None:
    values = {
        "hostNetwork": False,
        "clusterDomain": "cluster.example",
        "nodes": [{"name": "worker-1"}, {"name": "worker-2.example.com"}],
    }
    rendered = helm4.template(values)
    for peer in rendered.all("StatefulSet"):
        spec = pod_spec(peer)
        assert "hostNetwork" not in spec
        assert spec["dnsPolicy"] == "ClusterFirst"
        (address,) = [e["value"] for e in spec["containers"][0]["env"] if e["name"] == "ADDRESS"]
        service = rendered.one("Service")["metadata"]["name"]
        pod = {
            "metadata": {
                "name": f"{peer['metadata']['name']}-0",
                "namespace": peer["metadata"]["namespace"],
                "annotations": peer["spec"]["template"]["metadata"]["annotations"],
            },
            "spec": {**spec, "subdomain": peer["spec"]["serviceName"]},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        }
        node = peer["metadata"]["annotations"]["glusterfs-chart/node"]
        pods = peer_pods([node], [pod])
        assert address == f"{pod['metadata']['name']}.{service}.{peer['metadata']['namespace']}.svc.cluster.example"
        assert addresses_of(parse(merged(values)), pods) == {node: address}


def test_a_peer_s_folders(maximal: Rendered) -> None:
    spec = pod_spec(maximal.one("StatefulSet", "storage-worker-1"))
    on_node = {volume["name"]: volume.get("hostPath") for volume in spec["volumes"]}
    mounted = {mount["mountPath"]: on_node[mount["name"]] for mount in spec["containers"][0]["volumeMounts"]}
    assert mounted == {
        "/var/lib/glusterd": {"path": "/srv/glusterd", "type": "DirectoryOrCreate"},
        "/var/log/glusterfs": None,
        "/tls": None,
        "/mnt/brick1": {"path": "/mnt/brick1", "type": "Directory"},
        "/mnt/brick2": {"path": "/mnt/brick2", "type": "Directory"},
    }


def test_a_list_of_bricks_of_its_own_counts_even_when_empty(maximal: Rendered) -> None:
    paths = {
        name: {m["mountPath"] for m in pod_spec(o)["containers"][0]["volumeMounts"] if m["mountPath"] > "/mnt/"}
        for (kind, name), o in maximal.by_key().items()
        if kind == "StatefulSet"
    }
    assert {p for p in paths["storage-worker-3"] if p.startswith("/mnt")} == {"/mnt/brick1"}
    assert not {p for p in paths["storage-quorum-1"] if p.startswith("/mnt")}


def test_a_node_is_found_by_its_hostname_unless_told(three: Rendered) -> None:
    assert pod_spec(three.one("StatefulSet", "gluster-worker-2"))["nodeSelector"] == {
        "kubernetes.io/hostname": "worker-2"
    }


def test_peers_stay_on_a_sick_node_but_do_not_start_on_a_cordoned_one(three: Rendered, maximal: Rendered) -> None:
    found = {(t["key"], t["effect"]) for t in pod_spec(three.all("StatefulSet")[0])["tolerations"]}
    assert found == {
        ("node.kubernetes.io/not-ready", "NoExecute"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
        ("node.kubernetes.io/disk-pressure", "NoSchedule"),
        ("node.kubernetes.io/memory-pressure", "NoSchedule"),
        ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    }
    assert pod_spec(maximal.all("StatefulSet")[0])["tolerations"][-1]["key"] == "storage"


def test_the_hook_finds_a_peer_by_its_node(maximal: Rendered) -> None:
    """What hooks/kube/release.py and hooks/kube/pods.py go by; nameOverride and dots in names must not matter."""
    templates = [o["spec"]["template"]["metadata"] for o in maximal.all("StatefulSet")]
    nodes = {template["annotations"]["glusterfs-chart/node"] for template in templates}
    assert nodes == {"quorum-1", "worker-1", "worker-2.example.com", "worker-3"}
    for template in templates:
        assert template["labels"]["app.kubernetes.io/name"] == "glusterfs"
        assert template["labels"]["app.kubernetes.io/component"] == "peer"
        assert template["labels"]["app.kubernetes.io/instance"] == "gluster"


def test_the_order_of_nodes_and_of_their_bricks_means_nothing_to_peers(helm4: Helm) -> None:
    nodes = [{"name": "a"}, {"name": "b.example.com", "bricks": ["/mnt/1", "/mnt/2"]}, {"name": "c"}]
    turned = [{"name": "c"}, {"name": "b.example.com", "bricks": ["/mnt/2", "/mnt/1"]}, {"name": "a"}]
    assert without_values(helm4.template({"nodes": nodes})) == without_values(helm4.template({"nodes": turned}))


def test_a_new_chart_version_asks_no_peer_to_restart(helm4: Helm, tmp_path: Path) -> None:
    newer = tmp_path / "glusterfs"
    shutil.copytree(CHART, newer)
    chart = newer / "Chart.yaml"
    chart.write_text(re.sub(r"(?m)^version: .*$", "version: 99.1.2+build", chart.read_text()))
    old, new = helm4.template(THREE), helm4.template(THREE, chart=newer)
    assert new.one("Job", "*-converge")["metadata"]["labels"]["helm.sh/chart"] == "glusterfs-99.1.2_build"
    assert [o["spec"] for o in new.all("StatefulSet")] == [o["spec"] for o in old.all("StatefulSet")]
    assert [o["spec"] for o in new.all("PodDisruptionBudget")] == [o["spec"] for o in old.all("PodDisruptionBudget")]


def test_nothing_a_peer_does_not_read_changes_its_pod(helm4: Helm) -> None:
    other = {
        **THREE,
        "volumes": [{"name": "newvol", "replica": 3, "options": {"nfs.disable": True}}],
        "hooks": {"backoffLimit": 5, "image": {"tag": "other"}},
        "allowRootDiskBricks": True,
        "rollout": {"allowDowntime": True},
    }
    assert helm4.template(other).all("StatefulSet") == helm4.template(THREE).all("StatefulSet")


NAMES = [
    "worker-1",
    "worker-1.example.com",
    "worker.1-example-com",
    "worker-1-example-com",
    "ip-10-0-0-1.eu-west-1.compute.internal",
    "ip-10-0-0-2.eu-west-1.compute.internal",
    "node-in-the-very-long-named-second-rack-of-the-first-room-no-1",
    "node-in-the-very-long-named-second-rack-of-the-first-room-no-2",
    "x" * 61 + ".a",
    "x" * 61 + ".b",
]


@pytest.mark.parametrize("release", ["gluster", "r" * 53])
def test_long_and_dotted_node_names(helm: Helm, release: str) -> None:
    rendered = helm.template({"nodes": [{"name": name} for name in NAMES]}, release=release)
    found = rendered.all("StatefulSet")
    names = {o["metadata"]["name"] for o in found}
    labels = {o["metadata"]["labels"]["glusterfs-chart/peer"] for o in found}
    assert len(names) == len(labels) == len(NAMES)
    for name in names:
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?", name), name
    assert {pod_spec(o)["nodeSelector"]["kubernetes.io/hostname"] for o in found} == set(NAMES)
    assert {o["metadata"]["annotations"]["glusterfs-chart/node"] for o in found} == set(NAMES)


# What is around the peers


def test_selectors_take_the_peers_and_nothing_else(maximal: Rendered) -> None:
    peers = [o["spec"]["template"]["metadata"]["labels"] for o in maximal.all("StatefulSet")]
    hook = maximal.one("Job", "*-converge")["spec"]["template"]["metadata"]["labels"]
    common = [maximal.one("Service", "storage")["spec"]["selector"]]
    common.append(maximal.one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"])
    for selector in common:
        assert all(selector.items() <= labels.items() for labels in peers)
        assert not selector.items() <= hook.items()
    for found in maximal.all("StatefulSet"):
        selector = found["spec"]["selector"]["matchLabels"]
        assert [labels for labels in peers if selector.items() <= labels.items()] == [
            found["spec"]["template"]["metadata"]["labels"]
        ]
        assert set(selector) == {
            "app.kubernetes.io/name",
            "app.kubernetes.io/instance",
            "app.kubernetes.io/component",
            "glusterfs-chart/peer",
        }


def test_two_releases_do_not_meet(helm4: Helm) -> None:
    one, other = (helm4.template(THREE, release=name) for name in ("one", "two"))
    selector = one.one("Service")["spec"]["selector"]
    for peer in other.all("StatefulSet"):
        assert not selector.items() <= peer["spec"]["template"]["metadata"]["labels"].items()


def test_service_and_disruption_budget(three: Rendered) -> None:
    service = three.one("Service")["spec"]
    assert service["clusterIP"] == "None"
    assert service["publishNotReadyAddresses"]
    assert [port["port"] for port in service["ports"]] == [24007]
    assert three.one("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_the_chart_owns_no_field_of_the_report(three: Rendered) -> None:
    assert set(three.one("ConfigMap", "gluster-report")) == {"apiVersion", "kind", "metadata"}
