"""An uninstall or an upgrade that would cut off pods is refused before Helm deletes anything."""

from __future__ import annotations

import pytest

from tests.cluster.compute import Compute, driver_of, pod
from tests.cluster.lab import CommandFailed, Lab, unique, until
from tests.cluster.release import Release, nodes

KINDS = (
    "jobs,statefulsets,daemonsets,services,configmaps,serviceaccounts,roles,rolebindings,persistentvolumeclaims,pods"
)
WIDE = "csidrivers,persistentvolumes,clusterroles,clusterrolebindings"


def objects(release: Release, driver: str) -> set[str]:
    """What there is of the release, the driver's cluster-wide objects too, but for the converge Job, which stays."""
    own = release.lab.kubectl("get", KINDS, "-n", release.namespace, "-o", "name").split()
    wide = release.lab.kubectl("get", WIDE, "-o", "name").split()
    found = {*(name for name in own if "/gluster" in name), *(name for name in wide if driver in name)}
    return {name for name in found if "-converge" not in name}


def test_an_uninstall_is_refused_while_a_pod_mounts_a_volume(lab: Lab, namespace: str) -> None:
    one = lab.workers[0]
    claim = unique("claim")
    volume = {"name": unique("v"), "claims": [{"namespace": namespace, "name": claim}]}
    values = {"nodes": nodes([one]), "volumes": [volume]}
    release, compute = Release(lab, namespace), Compute(lab, namespace)
    release.install(values)
    driver = driver_of(release)
    with compute.running(pod(one, claim, "echo data > /data/file; exec sleep infinity")) as name:
        before = objects(release, driver)
        with pytest.raises(CommandFailed) as failed:
            release.uninstall()
        assert "Refused, nothing was deleted: 1 pod still mounts volumes of this release." in str(failed.value)
        assert f"{namespace}/{name} (claim {claim})" in str(failed.value)
        assert f"helm uninstall gluster -n {namespace} --no-hooks" in str(failed.value)
        assert "hooks.deleteGuard: false" in str(failed.value)
        refused = {found for found in objects(release, driver) if not found.startswith("pod/gluster-delete-guard")}
        assert refused == before | {"job.batch/gluster-delete-guard"}
        assert compute.sh(name, "cat /data/file") == "data\n"
        # Helm calls the release `uninstalling` now; the refusal says how to keep it.
        assert f"helm rollback gluster REVISION -n {namespace}" in str(failed.value)
        assert "every brick online" in release.rollback(release.revisions()["uninstalling"])
        assert compute.sh(name, "cat /data/file") == "data\n"
    release.uninstall()
    until("nothing is left", lambda: not objects(release, driver))


def test_an_upgrade_is_refused_that_takes_the_driver_from_a_pod(lab: Lab, release: Release, namespace: str) -> None:
    one, claim = lab.workers[0], unique("claim")
    volume = {"name": unique("v"), "claims": [{"namespace": namespace, "name": claim}]}
    release.install({"nodes": nodes([one]), "volumes": [volume]})
    driver = driver_of(release)
    bare = {"nodes": nodes([one]), "volumes": [{"name": volume["name"]}]}
    with Compute(lab, namespace).running(pod(one, claim)) as name:
        before = objects(release, driver)
        with pytest.raises(CommandFailed, match="Refused, nothing was changed: 1 pod still mounts") as failed:
            release.upgrade(bare)
        assert f"{namespace}/{name} (claim {claim})" in str(failed.value)
        assert "keep the driver with `csi.enabled: true`" in str(failed.value)
        refused = {found for found in objects(release, driver) if not found.startswith("pod/gluster-delete-guard")}
        assert refused == before | {"job.batch/gluster-delete-guard"}
    release.upgrade(bare)
    left = lab.get("csidrivers", "-l", "app.kubernetes.io/instance=gluster")["items"]
    assert [found["metadata"]["name"] for found in left] == [], f"this release's is {driver}"


def test_without_hooks_it_is_not_asked(lab: Lab, namespace: str) -> None:
    """A pod on a node that is not there has a claim, as far as the API server knows, and mounts nothing."""
    claim = unique("claim")
    volume = {"name": unique("v"), "claims": [{"namespace": namespace, "name": claim}]}
    release = Release(lab, namespace)
    release.install({"nodes": nodes(lab.workers[:1]), "volumes": [volume]})
    driver = driver_of(release)
    manifest = pod(None, claim)
    manifest["spec"]["nodeName"] = "no-such-node"
    lab.apply(namespace, manifest)
    with pytest.raises(CommandFailed, match=f"{namespace}/{manifest['metadata']['name']} "):
        release.uninstall()
    release.uninstall("--no-hooks", "--wait=false")  # the claim itself stays as long as the pod
    lab.kubectl("delete", "pod", manifest["metadata"]["name"], "-n", namespace, "--force", "--grace-period=0")

    def rest() -> set[str]:
        return {found for found in objects(release, driver) if not found.startswith("pod/gluster-delete-guard")}

    until("all is gone but the Job that refused", lambda: rest() == {"job.batch/gluster-delete-guard"})
