"""An uninstall that would cut off pods is refused before Helm deletes anything."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.compute import Compute, driver_of, pod
from tests.cluster.lab import CommandFailed, Lab, Release, helms, nodes, unique

KINDS = "statefulsets,daemonsets,services,configmaps,serviceaccounts,roles,rolebindings,persistentvolumeclaims,pods"
WIDE = "csidrivers,persistentvolumes,clusterroles,clusterrolebindings"


def objects(release: Release, word: str) -> set[str]:
    """The namespace's objects, but for pods that have ended, and cluster-wide ones whose name has `word`."""
    own = ("get", KINDS, "-n", release.namespace, "-o", "name", "--field-selector=metadata.name!=kube-root-ca.crt")
    wide = release.lab.kubectl("get", WIDE, "-o", "name").split()
    return {*release.lab.kubectl(*own).split(), *(name for name in wide if word in name)}


def ghost(claim: str) -> dict[str, Any]:
    """A pod that a claim is mounted for, as far as the API server knows: its node is not there."""
    manifest = pod(None, claim)
    manifest["spec"]["nodeName"] = "no-such-node"
    return manifest


@pytest.mark.parametrize("helm", helms())
def test_an_uninstall_is_refused_while_a_pod_mounts_a_volume(lab: Lab, namespace: str, helm: str) -> None:
    one = lab.workers[0]
    claim = unique("claim")
    volume = {"name": unique("v"), "claims": [{"namespace": namespace, "name": claim}]}
    values = {"nodes": nodes([one]), "volumes": [volume]}
    release, compute = Release(lab, namespace, helm), Compute(lab, namespace)
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
        left = {"job.batch/gluster-delete-guard"}
        assert {n for n in objects(release, driver) - before if not n.startswith("pod/gluster-delete-guard")} == set()
        assert left
        assert compute.sh(name, "cat /data/file") == "data\n"
    release.uninstall()
    assert not objects(release, driver)
