"""Compute pods that use claims, and what nodes have mounted for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import yaml

from tests.cluster.lab import CHART, Lab, script_pod, unique, until
from tests.cluster.release import Release


def driver_of(release: Release) -> str:
    """The name of the release's driver."""
    wanted = {"meta.helm.sh/release-name": release.name, "meta.helm.sh/release-namespace": release.namespace}
    found = [o["metadata"] for o in release.lab.get("csidrivers")["items"]]
    (name,) = [o["name"] for o in found if wanted.items() <= o.get("annotations", {}).items()]
    return str(name)


def pod(node: str | None, claim: str, script: str = "exec sleep infinity", **more: Any) -> dict[str, Any]:
    """A pod with `claim` at /data that runs a shell script; `more` is laid over its spec.

    `propagation`, `read_only` and `sub_path` are those of the mount.
    """
    mount: dict[str, Any] = {"name": "data", "mountPath": "/data"}
    for key, name in (("propagation", "mountPropagation"), ("read_only", "readOnly"), ("sub_path", "subPath")):
        if key in more:
            mount[name] = more.pop(key)
    spec = {
        "tolerations": [{"operator": "Exists"}],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
        **({"nodeSelector": {"kubernetes.io/hostname": node}} if node else {}),
        **more,
    }
    return script_pod("pod", script, {"volumeMounts": [mount]}, **spec)


@dataclass(frozen=True)
class Compute:
    """A namespace whose pods use claims."""

    lab: Lab
    namespace: str

    @contextmanager
    def running(self, manifest: Mapping[str, Any]) -> Iterator[str]:
        """The pod's name, while it is Ready; it is gone afterwards, mounts and all."""
        name = str(manifest["metadata"]["name"])
        self.lab.apply(self.namespace, manifest)
        try:
            self.wait(f"pod/{name}")
            yield name
        finally:
            self.lab.kubectl("delete", "pod", name, "-n", self.namespace, "--wait=true", "--timeout=90s")

    def wait(self, what: str, condition: str = "Ready", seconds: int = 90) -> None:
        self.lab.kubectl("wait", "-n", self.namespace, f"--for=condition={condition}", what, f"--timeout={seconds}s")

    def sh(self, name: str, script: str) -> str:
        """Run a shell script in a pod."""
        return self.lab.kubectl("exec", "-n", self.namespace, name, "--", "bash", "-ec", script)

    def event(self, name: str, words: str) -> None:
        """Wait until an event of the pod says `words`."""

        def said() -> bool:
            selector = f"involvedObject.name={name}"
            events = self.lab.get("events", "-n", self.namespace, "--field-selector", selector)["items"]
            return any(words in event["message"] for event in events)

        until(f"an event of {name} says {words}", said, 60)


def raw_volume(release: Release, handle: str, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A PersistentVolume of the driver written by hand and its claim; `more` goes into the volume's spec."""
    source = {"csi": {"driver": driver_of(release), "volumeHandle": handle}}
    return volume_by_hand(release.namespace, {**source, **more})


def volume_by_hand(namespace: str, source: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A PersistentVolume and the claim in `namespace` that is bound to it; `source` goes into the volume's spec."""
    name = unique("raw")
    size = {"storage": "1Gi"}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": size,
            "accessModes": ["ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "",
            "claimRef": {"namespace": namespace, "name": name},
            **source,
        },
    }
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "storageClassName": "",
            "volumeName": name,
            "resources": {"requests": size},
        },
    }
    return volume, claim


def driver_pods(release: Release, component: str) -> dict[str, str]:
    """Node -> name of its pod of a DaemonSet of the driver, `client` or `csi`."""
    alive = [found for found in release.pods(component) if "deletionTimestamp" not in found["metadata"]]
    return {found["spec"]["nodeName"]: found["metadata"]["name"] for found in alive if found["spec"].get("nodeName")}


@contextmanager
def looking_at_nodes(release: Release) -> Iterator[Callable[[], dict[str, list[str]]]]:
    """Yields a way to see, by node, the FUSE mounts of the release's driver and what lies in the driver's folder."""
    driver = driver_of(release)
    folder = f"{yaml.safe_load((CHART / 'values.yaml').read_text())['csi']['kubeletPath']}/plugins/{driver}"
    script = f"grep {driver}: /proc/self/mountinfo | cut -d' ' -f4,5; cd {folder}; find mounts specs -mindepth 1"
    compute, eyes = Compute(release.lab, release.namespace), {}
    for node in release.lab.workers[:3]:
        manifest = pod(node, "")
        main = manifest["spec"]["containers"][0]
        main["volumeMounts"] = [{"name": "lib", "mountPath": "/var/lib", "mountPropagation": "HostToContainer"}]
        manifest["spec"]["volumes"] = [{"name": "lib", "hostPath": {"path": "/var/lib"}}]
        eyes[node] = manifest["metadata"]["name"]
        release.lab.apply(release.namespace, manifest)
    for name in eyes.values():
        compute.wait(f"pod/{name}")
    yield lambda: {node: sorted(compute.sh(name, f"{script} || true").splitlines()) for node, name in eyes.items()}
    release.lab.kubectl("delete", "pod", "-n", release.namespace, "--wait=true", *eyes.values())
