"""Storage classes: claims are made, filled, grown and deleted, a hundred at once too, and leave nothing behind."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cluster.compute import Compute, pod
from tests.cluster.lab import CommandFailed, Lab, unique, until
from tests.cluster.release import Release, nodes

MIB = 1 << 20


@dataclass(frozen=True)
class Classes:
    """An installed release with two storage classes of one volume."""

    release: Release
    volume: str
    deletes: str
    keeps: str

    def claim(self, name: str, size: str, storage_class: str = "") -> dict[str, Any]:
        spec = {
            "storageClassName": storage_class or self.deletes,
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": size}},
        }
        return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}

    def directories(self) -> list[str]:
        """What lies below claims/ on the first peer's brick; all that a replica 3 volume has."""
        return self.release.in_peer(None, "ls", "-A", f"/mnt/brick1/{self.volume}/claims").split()

    def volumes(self) -> list[dict[str, Any]]:
        found = self.release.lab.get("pv")["items"]
        return [pv for pv in found if pv["spec"].get("storageClassName") in (self.deletes, self.keeps)]


@pytest.fixture(scope="module")
def classes(lab: Lab, namespace: str) -> Iterator[Classes]:
    release, volume = Release(lab, namespace), unique("shared")
    found = Classes(release, volume, unique("deletes"), unique("keeps"))
    release.install(
        {
            "nodes": nodes(lab.workers[:3]),
            "volumes": [{"name": volume, "replica": 3}],
            "storageClasses": [
                {"name": found.deletes, "volume": volume},
                {"name": found.keeps, "volume": volume, "reclaimPolicy": "Retain"},
            ],
        }
    )
    for what in ("daemonset/gluster-csi", "deployment/gluster-controller"):
        lab.kubectl("rollout", "status", "-n", namespace, what, "--timeout=120s")
    yield found
    for pv in found.volumes():
        lab.kubectl("delete", "pv", pv["metadata"]["name"], "--timeout=60s")
    release.uninstall()


@pytest.fixture
def compute(lab: Lab, classes: Classes) -> Compute:
    return Compute(lab, classes.release.namespace)


def test_a_claim_has_its_size_and_no_more_and_can_grow(lab: Lab, classes: Classes, compute: Compute) -> None:
    lab.apply(compute.namespace, classes.claim("sized", "64Mi"))
    write = "dd if=/dev/zero of=/data/{name} bs=1M count={count} conv=fsync 2>&1 || true; du -sm /data | cut -f1"
    with (
        compute.running(pod(lab.workers[0], "sized")) as first,
        compute.running(pod(lab.workers[1], "sized")) as second,
    ):
        assert compute.sh(first, "df -BM --output=size /data | tail -1").strip() == "64M"
        *said, used = compute.sh(first, write.format(name="big", count=300)).splitlines()
        print(f"300 MiB were written into a claim of 64 MiB: {used} MiB are there")
        assert "Disk quota exceeded" in "\n".join(said)
        assert int(used) <= 80
        with pytest.raises(CommandFailed, match="Disk quota exceeded"):
            compute.sh(second, "dd if=/dev/zero of=/data/more bs=1M count=40 conv=fsync status=none")
        lab.apply(compute.namespace, classes.claim("sized", "200Mi"))
        until("the pod sees the new size", lambda: "200M" in compute.sh(second, "df -BM --output=size /data"), 60)
        compute.sh(second, "rm -f /data/more; dd if=/dev/zero of=/data/more bs=1M count=60 conv=fsync status=none")

        def capacity() -> str:
            return str(lab.get("pvc", "sized", "-n", compute.namespace)["status"]["capacity"]["storage"])

        until("the claim says so", lambda: capacity() == "200Mi", 30)
    lab.kubectl("delete", "pvc", "sized", "-n", compute.namespace, "--timeout=60s")
    until("its directory is gone", lambda: not classes.directories(), 60)


def test_retain_keeps_the_data(lab: Lab, classes: Classes, compute: Compute) -> None:
    lab.apply(compute.namespace, classes.claim("kept", "1Gi", classes.keeps))
    with compute.running(pod(lab.workers[0], "kept")) as name:
        compute.sh(name, "echo kept > /data/file")
    lab.kubectl("delete", "pvc", "kept", "-n", compute.namespace, "--timeout=60s")
    until("the volume is released", lambda: [pv["status"]["phase"] for pv in classes.volumes()] == ["Released"], 60)
    (directory,) = classes.directories()
    path = f"/mnt/brick1/{classes.volume}/claims/{directory}/file"
    assert classes.release.in_peer(None, "cat", path) == "kept\n"
    lab.kubectl("delete", "pv", classes.volumes()[0]["metadata"]["name"], "--timeout=60s")


def test_a_hundred_claims_come_and_go(lab: Lab, classes: Classes, compute: Compute) -> None:
    """The controller is killed twice meanwhile."""
    before = classes.directories()
    names = [f"many-{number}" for number in range(100)]
    here = ("-n", compute.namespace)
    controller = ("delete", "pod", *here, "-l", "app.kubernetes.io/component=controller", "--grace-period=0", "--force")

    def bound() -> int:
        found = lab.get("pvc", *here)["items"]
        return sum(claim["status"]["phase"] == "Bound" for claim in found)

    began = time.monotonic()
    lab.apply(compute.namespace, *(classes.claim(name, "10Mi") for name in names))
    until("some are bound", lambda: bound() > 10)
    lab.kubectl(*controller)
    until("all are bound", lambda: bound() == len(names), 240)
    print(f"100 claims bound after {time.monotonic() - began:.0f} s")
    assert len(classes.directories()) == len(before) + len(names)
    limits = classes.release.gluster("volume", "quota", classes.volume, "list")
    assert len(re.findall(r"^/claims/pvc-", limits, re.MULTILINE)) == len(names) + len(before)
    began = time.monotonic()
    lab.kubectl("delete", "pvc", *here, "--wait=false", *names)
    until("some are deleted", lambda: len(classes.volumes()) < 90)
    lab.kubectl(*controller)
    until("all are deleted", lambda: not classes.volumes(), 240)
    print(f"100 claims deleted after {time.monotonic() - began:.0f} s")
    assert classes.directories() == before, "nothing is left over, hidden or not"
    limits = classes.release.gluster("volume", "quota", classes.volume, "list")
    assert len(re.findall(r"^/claims/|N/A", limits, re.MULTILINE)) == len(before), limits


def test_a_claim_of_a_volume_that_has_gone_is_said_to_be_so(lab: Lab, classes: Classes, compute: Compute) -> None:
    lost = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": unique("lost")},
        "provisioner": lab.get("sc", classes.deletes)["provisioner"],
        "parameters": {"volume": "no-such-volume"},
    }
    lab.apply(compute.namespace, lost, classes.claim("lost", "1Gi", lost["metadata"]["name"]))
    compute.event("lost", "Volume no-such-volume does not exist")
    lab.kubectl("delete", "pvc", "lost", "-n", compute.namespace, "--timeout=60s")
    lab.kubectl("delete", "sc", lost["metadata"]["name"])
