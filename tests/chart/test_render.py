"""What the chart makes of values, under both Helms."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from hooks.kube.names import fullname
from hooks.kube.pods import peer_pods
from hooks.run.addresses import addresses_of
from hooks.run.endings import ExitCode
from hooks.values.files import load, merged
from hooks.values.parse import parse
from tests.chart.helm import CHART, EXAMPLES, Helm, Object, Rendered

KUBERNETES = [v for v in dict.fromkeys(kubernetes_validate.utils.all_versions()) if v != "1.25.0"]
THREE = {"nodes": [{"name": "worker-1"}, {"name": "worker-2"}, {"name": "worker-3"}]}


@pytest.fixture(scope="module")
def maximal(helm4: Helm) -> Rendered:
    return helm4.template(EXAMPLES["maximal"])


@pytest.fixture(scope="module")
def three(helm4: Helm) -> Rendered:
    return helm4.template(EXAMPLES["three-nodes"])


def without_values(rendered: Rendered) -> dict[tuple[str, str], Object]:
    """The objects but for the ConfigMap that holds the values themselves."""
    return {key: o for key, o in rendered.by_key().items() if not key[1].endswith("-values")}


def pod_spec(workload: Object) -> Any:
    return workload["spec"].get("jobTemplate", workload)["spec"]["template"]["spec"]


# Both Helms, every Kubernetes


@pytest.mark.parametrize("example", EXAMPLES)
def test_both_helms_make_the_same_of_an_example(helm: Helm, helm4: Helm, example: str) -> None:
    assert helm.template(EXAMPLES[example]) == helm4.template(EXAMPLES[example])


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_knows_every_field(maximal: Rendered, three: Rendered, version: str) -> None:
    for found in (*maximal.objects, *three.objects):
        kubernetes_validate.validate(found, version, strict=True)


def test_the_newest_kubernetes_is_among_those_validated() -> None:
    assert KUBERNETES[0].startswith("1.26")
    assert len(KUBERNETES) >= 12


def test_an_older_kubernetes_is_refused(helm: Helm) -> None:
    assert helm.try_template(THREE, args=["--kube-version", "1.26.0"]).returncode == 0
    assert "kubeVersion" in helm.try_template(THREE, args=["--kube-version", "1.25.16"]).stderr


@pytest.mark.parametrize("values", [None, *EXAMPLES.values()], ids=["defaults", *EXAMPLES])
def test_lint_has_nothing_to_say(helm: Helm, values: Path | None) -> None:
    done = helm.run("lint", "--strict", str(CHART), *(["-f", str(values)] if values else []))
    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search(r"\[(WARNING|ERROR)]", done.stdout), done.stdout


def test_values_from_the_command_line(helm: Helm) -> None:
    rendered = helm.template(
        args=[
            "--set=nodes[0].name=worker-1",
            "--set=nodes[1].name=worker-2",
            "--set=volumes[0].name=newvol",
            "--set=volumes[0].replica=2",
            "--set=volumes[0].options.performance\\.cache-size=1000000000",
            "--set=volumes[0].options.nfs\\.disable=true",
            "--set=hooks.backoffLimit=0",
            "--set=hooks.activeDeadlineSeconds=1000000",
            "--set=global.anything=goes",
        ]
    )
    assert rendered.one("Job", "*-converge")["spec"]["activeDeadlineSeconds"] == 1000000
    assert rendered.one("Job", "*-converge")["spec"]["backoffLimit"] == 0
    (volume,) = parse(yaml.safe_load(rendered.one("ConfigMap", "gluster-values")["data"]["values.yaml"])).volumes
    assert volume.options == (("nfs.disable", "on"), ("performance.cache-size", "1000000000"))


# The hook is told what the user wrote


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_hook_gets_the_values_whole(helm: Helm, tmp_path: Path, example: str) -> None:
    rendered = helm.template(EXAMPLES[example])
    config = rendered.one("ConfigMap", "gluster-values" if example != "maximal" else "storage-values")
    guarded = rendered.one("ConfigMap", "*-guard-values")
    assert guarded["data"] == config["data"]
    handed = tmp_path / "values.yaml"
    handed.write_text(config["data"]["values.yaml"])
    assert load(handed) == load(EXAMPLES[example])
    assert parse(load(handed)) == parse(load(EXAMPLES[example]))


def test_the_hook_reads_yaml_as_helm_does(helm: Helm, tmp_path: Path) -> None:
    """On a laptop the hook reads the user's file itself: it must see what it would see in the cluster."""
    file = tmp_path / "values.yaml"
    scalars = """on off yes no y n Y N true False 010 0x1F 0b11 1_000 1e6 1e3 .5 5. 1.5e3 +7 -3 1:30 12:30:45 2020-01-01
        0o17 089 1.2.3 1e 0.10 'on' "1e6" 12345678901234 1073741824 256MB none"""
    options = ", ".join(f"o.{i}: {text}" for i, text in enumerate(scalars.split()))
    file.write_text(
        f"nodes: [{{name: w, nodeSelector: &labels {{a: b}}}}]\n"
        f"volumes: [{{name: v, options: {{{options}, 1: one, 2.5: x, yes: on}}}}]\n"
        "peers: {podAnnotations: {<<: {a: b, c: d}, c: e}, resources: ~}\n"
        "hooks: {resources: {limits: {cpu: 1}}, nodeSelector: null, backoffLimit: null}\n"
        "bricks: [/mnt/a]\n"
        "global: {x: null}\n"
    )
    for path in ("peers.resources", "hooks.nodeSelector", "hooks.backoffLimit"):
        assert path.split(".")[1] not in load(file)[path.split(".")[0]], path
    done = helm.try_template(file)
    assert "missing property 'resources'" in done.stderr, "null takes the default away"
    file.write_text(
        file.read_text().replace(", resources: ~", "").replace(", nodeSelector: null, backoffLimit: null", "")
    )
    rendered = helm.template(file)
    assert yaml.safe_load(rendered.one("ConfigMap", "gluster-values")["data"]["values.yaml"]) == load(file)


@pytest.mark.parametrize("release", ["gluster", "my-gluster", "glusterfs", "storage", "x" * 53, "gluster-" + "x" * 45])
@pytest.mark.parametrize("override", [{}, {"nameOverride": "peers"}, {"fullnameOverride": "own"}], ids=str)
def test_the_hook_knows_the_names_that_the_chart_makes(helm4: Helm, release: str, override: dict[str, str]) -> None:
    rendered = helm4.template({**THREE, **override}, release=release)
    name = rendered.one("Service")["metadata"]["name"]
    assert name == fullname(merged(override), release)
    assert rendered.one("Job", "*-converge")["metadata"]["name"] == f"{name}-converge"
    assert {o["metadata"]["name"] for o in rendered.all("ConfigMap")} == {
        f"{name}-values",
        f"{name}-report",
        f"{name}-guard-values",
    }
    args = rendered.one("Job", "*-converge")["spec"]["template"]["spec"]["containers"][0]["args"]
    assert args[args.index("--fullname") + 1] == name
    assert args[args.index("--release") + 1] == release


def test_names_of_long_releases_differ(helm4: Helm) -> None:
    first, second = (helm4.template(THREE, release="x" * 52 + end) for end in "ab")
    assert not set(first.by_key()) & set(second.by_key())


# Peers


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
    """What hooks/kube.py and hooks/pods.py go by; nameOverride and dots in names must not matter."""
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


# The hook


LOOK = {
    ("", "pods", "*"): "get list",
    ("", "events", "*"): "list",
    ("apps", "statefulsets", "*"): "list",
    **{("", "pods/exec", f"gluster-worker-{i}-0"): "get create" for i in (1, 2, 3)},
    ("", "configmaps", "gluster-report"): "get",
}
WORK = {
    ("", "configmaps", "gluster-report"): "get patch",
    ("coordination.k8s.io", "leases", "*"): "create",
    ("coordination.k8s.io", "leases", "gluster-hook"): "get update",
}
REPLACE = {("", "pods", f"gluster-worker-{i}-0"): "delete" for i in (1, 2, 3)}
SAY = {("", "events", "*"): "list create patch"}


@pytest.mark.parametrize(
    ("account", "job", "expected"),
    [
        ("hook", "converge", {**LOOK, **WORK, **REPLACE}),
        ("guard", "guard", LOOK),
        ("maintenance", "maintenance", {**LOOK, **WORK, **SAY}),
    ],
)
def test_a_hook_may_do_only_this(three: Rendered, account: str, job: str, expected: dict[Any, str]) -> None:
    name = f"gluster-{account}"
    granted = {
        (group, resource, name, verb)
        for rule in three.one("Role", name)["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", ["*"])
        for verb in rule["verbs"]
    }
    assert granted == {(*where, verb) for where, verbs in expected.items() for verb in verbs.split()}
    (subject,) = three.one("RoleBinding", name)["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": name, "namespace": "storage"}
    assert three.one("RoleBinding", name)["roleRef"]["name"] == name
    assert three.one("ServiceAccount", name)
    kind = "CronJob" if job == "maintenance" else "Job"
    assert pod_spec(three.one(kind, f"gluster-{job}"))["serviceAccountName"] == name
    assert not [o for o in three.objects if o["kind"].startswith("Cluster")]


@pytest.mark.parametrize(("kind", "job"), [("Job", "converge"), ("Job", "guard"), ("CronJob", "maintenance")])
def test_a_hook_s_pod_can_do_little(three: Rendered, kind: str, job: str) -> None:
    spec = pod_spec(three.one(kind, f"gluster-{job}"))
    (container,) = spec["containers"]
    assert spec["restartPolicy"] == "Never"
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not [volume for volume in spec["volumes"] if "hostPath" in volume]


def test_only_the_hook_and_the_controller_have_a_token(maximal: Rendered) -> None:
    workloads = [o for o in maximal.objects if "template" in o.get("spec", {})]
    assert {o["kind"] for o in workloads} == {"DaemonSet", "Deployment", "Job", "StatefulSet"}
    for found in workloads:
        has = found["kind"] == "Job" or found["metadata"]["name"].endswith("-controller")
        assert pod_spec(found)["automountServiceAccountToken"] == has
    assert not [o for o in maximal.all("ServiceAccount") if o["automountServiceAccountToken"]]


def test_when_the_hook_runs_and_what_stays(three: Rendered) -> None:
    assert three.one("Job", "*-converge")["metadata"]["annotations"] == {
        "helm.sh/hook": "post-install,post-upgrade,post-rollback",
        "helm.sh/hook-weight": "0",
        "helm.sh/hook-delete-policy": "before-hook-creation",
        "helm.sh/hook-output-log-policy": "hook-succeeded,hook-failed",
    }


def test_the_guard_comes_before_anything_changes_and_only_a_refusal_stays(three: Rendered) -> None:
    guards = {o["kind"]: o["metadata"]["annotations"] for o in three.objects if "-guard" in o["metadata"]["name"]}
    assert set(guards) == {"ServiceAccount", "Role", "RoleBinding", "ConfigMap", "Job"}
    for kind, notes_of in guards.items():
        assert notes_of["helm.sh/hook"] == "pre-upgrade,pre-rollback"
        assert notes_of["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
        assert (int(notes_of["helm.sh/hook-weight"]) < 0) == (kind != "Job")


def test_a_refusal_is_final_and_an_eviction_does_not_count(three: Rendered) -> None:
    job = three.one("Job", "*-converge")["spec"]
    assert [rule["action"] for rule in job["podFailurePolicy"]["rules"]] == ["Ignore", "FailJob"]
    exit_codes = job["podFailurePolicy"]["rules"][1]["onExitCodes"]
    assert exit_codes["values"] == sorted({*ExitCode} - {ExitCode.DONE, ExitCode.CHANGES, ExitCode.USAGE})
    assert exit_codes["containerName"] == pod_spec(three.one("Job", "*-converge"))["containers"][0]["name"]


def test_the_hook_ends_before_its_job_is_killed(three: Rendered, maximal: Rendered) -> None:
    for rendered in (three, maximal):
        job = rendered.one("Job", "*-converge")
        args = pod_spec(job)["containers"][0]["args"]
        assert int(args[args.index("--deadline") + 1]) == job["spec"]["activeDeadlineSeconds"] - 20


def test_default_images(three: Rendered) -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    peer, hook = three.all("StatefulSet")[0], three.one("Job", "*-converge")
    assert pod_spec(peer)["containers"][0]["image"] == f"localhost/glusterfs:{chart['appVersion']}"
    assert pod_spec(hook)["containers"][0]["image"] == f"localhost/glusterfs-hooks:{chart['version']}"


def test_an_image_without_a_registry(helm4: Helm) -> None:
    rendered = helm4.template({**THREE, "image": {"registry": "", "repository": "storage/glusterfs", "tag": "x"}})
    assert pod_spec(rendered.all("StatefulSet")[0])["containers"][0]["image"] == "storage/glusterfs:x"


# Between upgrades


def test_tend_runs_alone_and_ends_before_a_hook_s_own_time_is_up(three: Rendered) -> None:
    job = three.one("CronJob", "gluster-maintenance")["spec"]
    assert job["schedule"] == "*/10 * * * *"
    assert job["concurrencyPolicy"] == "Forbid"
    assert (job["successfulJobsHistoryLimit"], job["failedJobsHistoryLimit"]) == (1, 1)
    spec = job["jobTemplate"]["spec"]
    assert spec["backoffLimit"] == 0
    args = pod_spec(three.one("CronJob"))["containers"][0]["args"]
    assert args[0] == "maintain"
    seconds = int(args[args.index("--deadline") + 1])
    assert seconds < spec["activeDeadlineSeconds"] < three.one("Job", "*-converge")["spec"]["activeDeadlineSeconds"]


def test_no_hook_takes_a_maintenance_run_for_one_of_its_own(three: Rendered) -> None:
    """A maintenance run ends quietly while a pod of the component `hook` is there."""
    own = three.one("CronJob")["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
    assert own["app.kubernetes.io/component"] == "maintenance"
    for job in three.all("Job"):
        if job["metadata"]["name"] in ("gluster-converge", "gluster-guard"):
            assert job["spec"]["template"]["metadata"]["labels"] == {**own, "app.kubernetes.io/component": "hook"}


def test_without_tend_nothing_of_it_is_there(helm4: Helm) -> None:
    rendered = helm4.template({**THREE, "maintenance": {"enabled": False}})
    assert not [name for _, name in rendered.by_key() if "maintenance" in name]
    assert not rendered.all("CronJob")


# Argo CD


def test_nothing_that_argo_cd_does_not_do() -> None:
    """But for one check that it goes without: whether a driver is there that these values would take away."""
    for path in (path for path in (CHART / "templates").rglob("*") if path.is_file()):
        text = path.read_text().replace('(lookup "storage.k8s.io/v1" "CSIDriver" "" $driver)', "")
        for word in (
            "lookup",
            "rand",
            "argoproj",
            ".Release.IsUpgrade",
            ".Release.IsInstall",
            ".Release.Revision",
            "now",
        ):
            assert not re.search(rf"\{{\{{[^}}]*(?<![A-Za-z-]){re.escape(word)}\b[^}}]*\}}\}}", text), (
                f"{word} in {path}"
            )


# Notes


def notes(helm: Helm, tmp_path: Path, values: dict[str, Any]) -> str:
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    done = helm.run("install", "gluster", str(CHART), "--dry-run=client", "-n", "storage", "-f", str(file))
    assert done.returncode == 0, done.stderr
    return done.stdout.split("NOTES:")[1]


def test_notes_name_the_risks(helm4: Helm, tmp_path: Path) -> None:
    volumes = [
        {"name": "mirror", "replica": 2},
        {"name": "scratch"},
        {"name": "safe", "replica": 3},
        {"name": "cheap", "replica": 2, "arbiter": 1},
        {"name": "code", "disperse": 3, "redundancy": 1},
    ]
    warnings = re.findall(r"WARNING: (\S+) (.*)", notes(helm4, tmp_path, {**THREE, "volumes": volumes}))
    assert [name for name, _ in warnings] == ["mirror", "scratch"]


def test_notes_give_commands_for_objects_that_are_there(helm4: Helm, tmp_path: Path) -> None:
    values = yaml.safe_load(EXAMPLES["maximal"].read_text())
    assert "newvol in namespace default: all of newvol" in notes(helm4, tmp_path, values)
    for volume in values["volumes"]:
        volume.pop("claims", None)
    text = notes(helm4, tmp_path, values)
    names = set(helm4.template(values).by_key())
    for kind, pattern in {
        "Job": r"job/(\S+)",
        "ConfigMap": r"configmap (\S+)",
        "StatefulSet": r"exec (\S+)-0 ",
    }.items():
        found = re.findall(pattern, text)
        assert found
        assert {(kind, name) for name in found} <= names
    assert "mount -t glusterfs storage.storage.svc:/newvol" in text
    assert "/srv/glusterd" in text
