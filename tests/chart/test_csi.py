"""The CSI driver's objects: when they are made, how they are named, how paths and names fit together."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from csi.handle import Handle, mount_options, parse
from testbed.config import versions
from tests.chart.helm import EXAMPLES, Helm, Object, Rendered

NODES = [{"name": "worker-1"}, {"name": "worker-2"}, {"name": "worker-3"}]
CLAIM = {"namespace": "default", "name": "data"}


def values(*claims: dict[str, Any], **csi: Any) -> dict[str, Any]:
    return {"nodes": NODES, "volumes": [{"name": "newvol", "replica": 3, "claims": [*claims]}], "csi": csi}


def installed(rendered: Rendered, *kinds: str) -> list[Object]:
    """Objects that an install makes, without those of `helm test`."""
    found = [o for o in rendered.objects if "helm.sh/hook" not in o["metadata"].get("annotations", {})]
    return [o for o in found if o["kind"] in kinds or not kinds]


def of_csi(rendered: Rendered) -> set[str]:
    return {o["kind"] for o in installed(rendered)} & {
        "CSIDriver",
        "DaemonSet",
        "PersistentVolume",
        "PersistentVolumeClaim",
    }


@pytest.fixture(scope="module")
def plain(helm4: Helm) -> Rendered:
    return helm4.template(values(CLAIM))


def spec(rendered: Rendered, name: str) -> Any:
    return rendered.one("DaemonSet", name)["spec"]["template"]["spec"]


def argument(pod: Any, name: str) -> str:
    (found,) = [arg.split("=", 1)[1] for arg in pod["containers"][0]["args"] if arg.startswith(f"--{name}=")]
    return str(found)


def test_the_driver_is_there_when_it_is_wanted(helm4: Helm, plain: Rendered) -> None:
    assert of_csi(helm4.template(values())) == set()
    assert of_csi(helm4.template(values(enabled=True))) == {"CSIDriver", "DaemonSet"}
    assert of_csi(plain) == {"CSIDriver", "DaemonSet", "PersistentVolume", "PersistentVolumeClaim"}


def test_a_claim_is_bound_to_its_own_volume_and_to_no_other(maximal: Rendered) -> None:
    volumes = {v["spec"]["claimRef"]["namespace"]: v for v in installed(maximal, "PersistentVolume")}
    claims = {c["metadata"]["namespace"]: c for c in installed(maximal, "PersistentVolumeClaim")}
    assert set(volumes) == set(claims) == {"default", "shop"}
    for namespace, claim in claims.items():
        volume = volumes[namespace]
        assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
        assert volume["spec"]["claimRef"]["name"] == claim["metadata"]["name"]
        assert claim["spec"]["storageClassName"] == volume["spec"]["storageClassName"] == ""
        assert claim["spec"]["accessModes"] == volume["spec"]["accessModes"] == ["ReadWriteMany"]
        assert volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
        assert volume["spec"]["csi"]["driver"] == maximal.one("CSIDriver")["metadata"]["name"]
        assert parse(volume["spec"]["csi"]["volumeHandle"]) == Handle("newvol", "")
    handles = [v["spec"]["csi"]["volumeHandle"] for v in volumes.values()]
    assert len(set(handles)) == len(handles), "the kubelet takes volumes with one handle for one"
    assert mount_options(volumes["shop"]["spec"]["mountOptions"]) == ("entry-timeout=5", "read-only")


def test_two_releases_and_two_namespaces_have_nothing_in_common(helm4: Helm) -> None:
    def cluster_wide(release: str, namespace: str) -> set[str]:
        rendered = helm4.template(values(CLAIM), release=release, args=["--namespace", namespace])
        found = [o for o in rendered.objects if "namespace" not in o["metadata"]]
        assert {o["kind"] for o in found} >= {"CSIDriver", "PersistentVolume"}
        folders = {argument(spec(rendered, o["metadata"]["name"]), "plugin-dir") for o in rendered.all("DaemonSet")}
        return {o["metadata"]["name"] for o in found} | folders

    seen: set[str] = set()
    for release, namespace in [
        ("gluster", "a"),
        ("gluster", "b"),
        ("gluster-b", "a"),
        ("g" * 53, "a"),
        ("g" * 53, "n" * 63),
    ]:
        names = cluster_wide(release, namespace)
        assert not names & seen
        seen |= names


@pytest.mark.parametrize("release", ["gluster", "gluster-" + "x" * 45])
@pytest.mark.parametrize("kubelet", ["/var/lib/kubelet", "/var/snap/microk8s/common/var/lib/kubelet", "/" + "k" * 45])
def test_socket_paths_fit(helm4: Helm, release: str, kubelet: str) -> None:
    rendered = helm4.template(values(CLAIM, kubeletPath=kubelet), release=release, args=["--namespace", "n" * 63])
    driver = rendered.one("CSIDriver")["metadata"]["name"]
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", driver)
    for path in (f"plugins/{driver}/client.sock", f"plugins_registry/{driver}.sock"):
        assert len(f"{kubelet}/{path}") <= 107


def test_paths_are_the_same_in_the_pods_and_on_the_node(maximal: Rendered) -> None:
    """A driver's path that the kubelet reads, or that a mount has, must mean the same to both."""
    for name in ("storage-client", "storage-csi"):
        pod = spec(maximal, name)
        paths = {volume["name"]: volume["hostPath"]["path"] for volume in pod["volumes"] if "hostPath" in volume}
        mounts = {m["name"]: m for m in pod["containers"][0]["volumeMounts"]}
        assert paths
        for volume, path in paths.items():
            assert mounts[volume]["mountPath"] == path
            assert path.startswith("/var/lib/k0s/kubelet/")
            assert mounts[volume].get("mountPropagation", "") == ("" if volume == "registry" else "Bidirectional")
        assert argument(pod, "plugin-dir") == paths["plugin-dir"]
        assert argument(pod, "driver") == maximal.one("CSIDriver")["metadata"]["name"]


def test_the_client_outlives_upgrades_and_the_driver_rolls(plain: Rendered) -> None:
    client, driver = plain.one("DaemonSet", "gluster-client"), plain.one("DaemonSet", "gluster-csi")
    assert client["spec"]["updateStrategy"] == {"type": "OnDelete"}
    assert driver["spec"]["updateStrategy"]["type"] == "RollingUpdate"
    pod = spec(plain, "gluster-client")
    assert pod["priorityClassName"] == "system-node-critical"
    assert pod["containers"][0]["resources"]["requests"] == {"cpu": "100m", "memory": "128Mi"}
    assert not pod["containers"][0]["resources"].get("limits")
    assert pod["hostPID"], "gluster finds a writer's groups in /proc"
    for name in ("gluster-client", "gluster-csi"):
        assert spec(plain, name)["tolerations"] == [{"operator": "Exists"}]
        assert not spec(plain, name)["automountServiceAccountToken"]


def test_another_node_restarts_no_pod_of_the_driver(helm4: Helm, plain: Rendered) -> None:
    more = values(CLAIM)
    more["nodes"] = [*NODES, {"name": "worker-4"}]
    assert helm4.template(more).all("DaemonSet") == plain.all("DaemonSet")


@pytest.mark.parametrize("network", [True, False])
def test_the_client_is_on_the_peers_network_and_asks_each_by_the_name_of_its_pod(helm4: Helm, network: bool) -> None:
    rendered = helm4.template({**values(CLAIM), "hostNetwork": network, "clusterDomain": "cluster.example"})
    client = spec(rendered, "gluster-client")
    assert client.get("hostNetwork", False) == network
    assert client.get("dnsPolicy", "ClusterFirst") == ("ClusterFirstWithHostNet" if network else "ClusterFirst")
    assert ("--pod-network" in client["containers"][0]["args"]) != network
    servers = rendered.one("ConfigMap", "gluster-servers")["data"]["servers"].split()
    service = rendered.one("Service")["metadata"]["name"]
    pods = [f"{peer['metadata']['name']}-0" for peer in rendered.all("StatefulSet")]
    assert sorted(servers) == sorted(f"{pod}.{service}.storage.svc.cluster.example" for pod in pods)


def test_images(plain: Rendered, maximal: Rendered) -> None:
    version = yaml.safe_load((EXAMPLES["maximal"].parents[1] / "Chart.yaml").read_text())["version"]
    for name in ("client", "csi"):
        assert spec(plain, f"gluster-{name}")["containers"][0]["image"] == f"localhost/glusterfs-csi:{version}"
        image = spec(maximal, f"storage-{name}")["containers"][0]["image"]
        assert image.startswith("registry.example.com:5000/storage/own-csi@sha256:0011")


def test_helm_test_writes_on_one_node_and_reads_on_another(maximal: Rendered) -> None:
    """For each volume, whether it has claims or not, and through claims that are there for the test alone."""
    hooks = [o for o in maximal.objects if o["metadata"].get("annotations", {}).get("helm.sh/hook") == "test"]
    order = [(int(o["metadata"]["annotations"]["helm.sh/hook-weight"]), o["kind"]) for o in hooks]
    assert {kind for _, kind in sorted(order)[-2:]} == {"Pod"}
    assert all("hook-succeeded" in o["metadata"]["annotations"]["helm.sh/hook-delete-policy"] for o in hooks)
    volumes = {o["metadata"]["name"]: o["spec"] for o in hooks if o["kind"] == "PersistentVolume"}
    claims = {o["metadata"]["name"]: o["spec"]["volumeName"] for o in hooks if o["kind"] == "PersistentVolumeClaim"}
    write, read = (
        o["spec"] for o in sorted((o for o in hooks if o["kind"] == "Pod"), key=lambda o: o["metadata"]["name"])[::-1]
    )
    assert write["nodeSelector"] != read["nodeSelector"]
    for pod in (write, read):
        mounted = {m["name"]: m["mountPath"] for m in pod["containers"][0]["volumeMounts"]}
        found = {mounted[v["name"]]: volumes[claims[v["persistentVolumeClaim"]["claimName"]]] for v in pod["volumes"]}
        names = ("newvol", "mirror", "by-hand", "code", "scratch")
        assert {path: parse(spec["csi"]["volumeHandle"]).volume for path, spec in found.items()} == {
            f"/volumes/{name}": name for name in names
        }


# Storage classes


def test_the_controller_is_there_with_a_storage_class(helm4: Helm, plain: Rendered) -> None:
    assert not plain.all("Deployment")
    assert not installed(plain, "ClusterRole")
    rendered = helm4.template({**values(), "storageClasses": [{"name": "fast", "volume": "newvol"}]})
    assert of_csi(rendered) == {"CSIDriver", "DaemonSet"}
    found = rendered.one("StorageClass")
    assert found["provisioner"] == rendered.one("CSIDriver")["metadata"]["name"]
    assert found["parameters"] == {"volume": "newvol"}
    assert (found["reclaimPolicy"], found["allowVolumeExpansion"]) == ("Delete", True)
    assert "annotations" not in found["metadata"]


def test_the_controller_runs_from_the_hooks_image_and_the_rest_from_the_driver_s(helm4: Helm) -> None:
    chosen = {
        **values(image={"registry": "a", "tag": "1", "pullPolicy": "Always"}),
        "hooks": {"image": {"registry": "b", "tag": "2", "pullPolicy": "Never"}},
        "storageClasses": [{"name": "fast", "volume": "newvol"}],
    }
    rendered = helm4.template(chosen)
    pod = rendered.one("Deployment", "*-controller")["spec"]["template"]["spec"]
    (controller,) = [c for c in pod["containers"] if c["name"] == "controller"]
    assert (controller["image"], controller["imagePullPolicy"]) == ("b/glusterfs-hooks:2", "Never")
    assert controller["command"][-2:] == ["-m", "csi"], "that image starts the hook"
    for name in ("gluster-client", "gluster-csi"):
        (container,) = spec(rendered, name)["containers"]
        assert (container["image"], container["imagePullPolicy"]) == ("a/glusterfs-csi:1", "Always")
        assert "command" not in container


def test_storage_classes(maximal: Rendered) -> None:
    default, kept = maximal.all("StorageClass")
    assert default["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    assert (kept["reclaimPolicy"], kept["mountOptions"]) == ("Retain", ["acl"])


def test_what_the_controller_may_do(maximal: Rendered) -> None:
    def granted(kind: str, name: str) -> set[tuple[str, str, str]]:
        rules = maximal.one(kind, name)["rules"]
        return {
            (resource, name, verb)
            for rule in rules
            for resource in rule["resources"]
            for name in rule.get("resourceNames", ["*"])
            for verb in rule["verbs"]
        }

    peers = {f"{peer['metadata']['name']}-0" for peer in maximal.all("StatefulSet")}
    own = granted("Role", "storage-controller")
    assert own == {("pods", "*", "list"), *(("pods/exec", peer, verb) for peer in peers for verb in ("get", "create"))}
    wide = granted("ClusterRole", maximal.one("CSIDriver")["metadata"]["name"])
    resources = {resource for resource, _, _ in wide}
    assert resources == {
        "events",
        "persistentvolumeclaims",
        "persistentvolumeclaims/status",
        "persistentvolumes",
        "storageclasses",
    }, "above all no secrets, pods or nodes"
    pod = maximal.one("Deployment", "*-controller")["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "storage-controller"
    assert pod["securityContext"]["runAsNonRoot"]
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_the_test_bed_builds_the_sidecars_that_the_chart_names() -> None:
    csi = yaml.safe_load((EXAMPLES["maximal"].parents[1] / "values.yaml").read_text())["csi"]
    named = {f"{i['registry']}/{i['repository']}:{i['tag']}" for i in (csi["provisionerImage"], csi["resizerImage"])}
    assert named == {f"registry.k8s.io/sig-storage/{name}:v{pin}" for name, (_, pin) in versions().sidecars.items()}


# Before an uninstall


def delete_guard(rendered: Rendered) -> dict[str, Object]:
    return {o["kind"]: o for o in rendered.objects if o["metadata"]["name"].endswith("-delete-guard")}


def test_the_delete_guard_is_there_with_the_driver_unless_told(helm4: Helm, plain: Rendered) -> None:
    assert set(delete_guard(plain)) == {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Job"}
    assert not delete_guard(helm4.template({"nodes": NODES})), "without the driver no pod has a claim"
    assert not delete_guard(helm4.template({**values(CLAIM), "hooks": {"deleteGuard": False}}))


def test_the_delete_guard_only_looks_and_only_a_refusal_stays(plain: Rendered) -> None:
    found = delete_guard(plain)
    for kind, each in found.items():
        notes = each["metadata"]["annotations"]
        assert notes["helm.sh/hook"] == "pre-delete"
        assert notes["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
        assert (int(notes["helm.sh/hook-weight"]) < 0) == (kind != "Job")
    assert found["ClusterRole"]["rules"] == [
        {"apiGroups": [""], "resources": ["pods", "persistentvolumes"], "verbs": ["list"]}
    ]
    binding = found["ClusterRoleBinding"]
    assert binding["roleRef"]["name"] == found["ClusterRole"]["metadata"]["name"]
    account = found["ServiceAccount"]["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": "storage"}]
    pod = found["Job"]["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == account
    (hook,) = pod["initContainers"]
    args = hook["args"]
    assert args[args.index("--driver") + 1] == plain.one("CSIDriver")["metadata"]["name"]
    assert [volume["name"] for volume in pod["volumes"]] == ["tmp"], "it needs nothing that an uninstall takes away"
