"""The hooks' Jobs and the CronJob: what they may do, when they run, and what stays of them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from hooks.run.endings import ExitCode
from tests.chart.helm import THREE, Helm, Rendered, pod_spec, working

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
    assert spec["restartPolicy"] == "Never"
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
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
    # Of any container: the one that does the work may fail to tell what came of it.
    final = sorted({*ExitCode} - {ExitCode.DONE, ExitCode.CHANGES, ExitCode.USAGE, ExitCode.UNFORESEEN})
    assert job["podFailurePolicy"]["rules"][1]["onExitCodes"] == {"operator": "In", "values": final}


@pytest.mark.parametrize("job", ["converge", "guard", "delete-guard"])
def test_helm_prints_a_line_of_what_kubectl_logs_shows_whole(helm4: Helm, job: str) -> None:
    rendered = helm4.template({**THREE, "csi": {"enabled": True}, "hooks": {"resources": {"limits": {"cpu": 1}}}})
    found = rendered.one("Job", f"gluster-{job}")
    hook, (told,) = working(found), pod_spec(found)["containers"]
    assert found["metadata"]["annotations"]["helm.sh/hook-output-log-policy"] == "hook-succeeded,hook-failed"
    default = found["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"]
    assert default == hook["name"] != told["name"]
    assert hook["args"][0] == job
    file = hook["args"][hook["args"].index("--outcome") + 1]
    assert told["args"] == [file, f"kubectl -n storage logs job/gluster-{job}"]
    tmp = {"name": "tmp", "mountPath": str(Path(file).parent)}
    assert tmp in hook["volumeMounts"]
    assert tmp in told["volumeMounts"]
    assert importlib.util.find_spec(told["command"][-1]), "the module that it runs is there"
    # The larger of the two counts, and they are the same.
    assert hook["resources"] == told["resources"] == {"limits": {"cpu": 1}}


@pytest.mark.parametrize(("kind", "job"), [("CronJob", "maintenance"), ("Job", "certificates")])
def test_what_helm_does_not_print_of_takes_no_second_container(helm4: Helm, kind: str, job: str) -> None:
    found = helm4.template({**THREE, "tls": {"enabled": True}}).one(kind, f"gluster-{job}")
    assert "initContainers" not in pod_spec(found)
    assert "--outcome" not in working(found)["args"]


def test_the_hook_ends_before_its_job_is_killed(three: Rendered, maximal: Rendered) -> None:
    for rendered in (three, maximal):
        job = rendered.one("Job", "*-converge")
        args = working(job)["args"]
        assert int(args[args.index("--deadline") + 1]) == job["spec"]["activeDeadlineSeconds"] - 20


# Between upgrades


def test_maintenance_runs_alone_and_ends_before_a_hook_s_own_time_is_up(three: Rendered) -> None:
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


def test_without_maintenance_nothing_of_it_is_there(helm4: Helm) -> None:
    rendered = helm4.template({**THREE, "maintenance": {"enabled": False}})
    assert not [name for _, name in rendered.by_key() if "maintenance" in name]
    assert not rendered.all("CronJob")
