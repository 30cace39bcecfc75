"""A real cluster, and hands on its nodes; all through kubectl, as a user would.

Any cluster with three worker nodes will do that has brick file systems at /mnt/brick1 and /mnt/brick2 on each. Every
release gets a state folder of its own on the nodes, and every volume a name of its own, so that nothing must be wiped.
"""

from __future__ import annotations

import itertools
import json
import math
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from testbed.config import patience

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "glusterfs"
STAMP = f"{int(time.time()):x}"
"""Part of every name that stays on the nodes, so that test runs do not meet."""
_numbers = itertools.count(1)


class CommandFailed(AssertionError):
    """A command exited non-zero; the message is what a user would see."""


def run(*argv: str, stdin: str | None = None, check: bool = True, timeout: float = 960) -> str:
    """Run a command on this machine and return its output, standard error included.

    TESTBED_PATIENCE stretches `timeout` and what the command itself is given as `--timeout`, in seconds (90s).
    """
    words = re.sub(
        r"(?<=\0--timeout[=\0])(\d+)s(?=\0)", lambda match: f"{int(match[1]) * patience():.0f}s", "\0".join([*argv, ""])
    ).split("\0")[:-1]
    done = subprocess.run(
        words,
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout * patience(),
        check=False,
    )
    if check and done.returncode:
        raise CommandFailed(f"$ {' '.join(words)}\n{done.stdout}")
    return done.stdout


def unique(word: str) -> str:
    """A name that no other test and no earlier run has used."""
    return f"{word}-{STAMP}-{next(_numbers)}"


def until(what: str, probe: Callable[[], Any], seconds: float = 120) -> Any:
    """Ask `probe` until its answer is true; returns the answer. Fails with `what` and the last answer.

    `seconds` are stretched by TESTBED_PATIENCE.
    """
    seconds *= patience()
    end = time.monotonic() + seconds
    while not (answer := probe()):
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}; last: {answer!r}"
        time.sleep(1)  # each look is a kubectl, which costs a tenth of a second of a processor
    return answer


@dataclass(frozen=True)
class Lab:
    """The cluster: kubectl with one kubeconfig, its worker nodes and their addresses."""

    kubeconfig: str

    def kubectl(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        return run("kubectl", "--kubeconfig", self.kubeconfig, *args, stdin=stdin, check=check)

    def follow(self, *args: str) -> Iterator[str]:
        """The lines that a kubectl command prints, as they come; it is ended when the caller has read enough."""
        argv = ["kubectl", "--kubeconfig", self.kubeconfig, *args]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            try:
                yield from process.stdout
            finally:
                process.terminate()

    def get(self, *args: str) -> Any:
        return json.loads(self.kubectl("get", *args, "-o", "json"))

    def apply(self, namespace: str, *objects: Mapping[str, Any]) -> None:
        self.kubectl("apply", "-n", namespace, "-f", "-", stdin=yaml.safe_dump_all(objects))

    @property
    def workers(self) -> list[str]:
        nodes = self.get("nodes")["items"]
        plain = [n for n in nodes if "node-role.kubernetes.io/control-plane" not in n["metadata"]["labels"]]
        return sorted(node["metadata"]["name"] for node in plain)

    def address(self, node: str) -> str:
        """The node's own address."""
        addresses = self.get("node", node)["status"]["addresses"]
        return next(str(a["address"]) for a in addresses if a["type"] == "InternalIP")

    @contextmanager
    def namespace(self) -> Iterator[str]:
        """A namespace that may hold privileged pods; removed afterwards with all that is in it."""
        name = unique("gluster-test")
        labels = {"pod-security.kubernetes.io/enforce": "privileged"}
        self.kubectl(
            "create",
            "-f",
            "-",
            stdin=yaml.safe_dump(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
            ),
        )
        try:
            yield name
        finally:
            self.kubectl("delete", "namespace", name, "--wait=true", "--timeout=120s")

    def on_node(self, namespace: str, node: str, script: str) -> str:
        """Run a shell script on a node as root, in a pod that sees the node's /mnt and /var/lib; returns its output."""
        mounts = [{"name": part.strip("/").replace("/", "-"), "path": part} for part in ("/mnt", "/var/lib")]
        container = {
            "securityContext": {"privileged": True},
            "volumeMounts": [
                {"name": m["name"], "mountPath": m["path"], "mountPropagation": "HostToContainer"} for m in mounts
            ],
        }
        pod = script_pod(
            "hands",
            script,
            container,
            nodeName=node,
            restartPolicy="Never",
            hostNetwork=True,
            tolerations=[{"operator": "Exists"}],
            volumes=[{"name": m["name"], "hostPath": {"path": m["path"]}} for m in mounts],
        )
        name = pod["metadata"]["name"]
        self.apply(namespace, pod)
        phase = until(
            f"{name} on {node} ends",
            lambda: (p := self.get("pod", name, "-n", namespace)["status"]["phase"]) in ("Succeeded", "Failed") and p,
        )
        output = self.kubectl("logs", name, "-n", namespace)
        self.kubectl("delete", "pod", name, "-n", namespace, "--wait=false")
        assert phase == "Succeeded", f"on {node}:\n{script}\n{output}"
        return output

    @contextmanager
    def hosts_state(self, namespace: str) -> Iterator[str]:
        """The state folder that the test bed can blank; empty before and after, as are no other tests' folders."""
        wipe = "find /var/lib/glusterd -mindepth 1 -delete 2>/dev/null || true"
        for node in self.workers:
            self.on_node(namespace, node, wipe)
        try:
            yield "/var/lib/glusterd"
        finally:
            for node in self.workers:
                self.on_node(namespace, node, wipe)

    @contextmanager
    def mounted(
        self, namespace: str, node: str, server: str, *volumes: str, host_network: bool = True
    ) -> Iterator[Callable[[str], str]]:
        """A pod on `node` that has `volumes` mounted by FUSE below /data; yields a way to run shell scripts in it."""
        mounts = [f"mkdir -p /data/{v} && mount -t glusterfs {server}:/{v} /data/{v}" for v in volumes]
        secure = "[ ! -e /tls/glusterfs.pem ] || touch /var/lib/glusterd/secure-access"
        script = "\n".join([secure, *mounts, "touch /mounted", "exec sleep infinity"])
        container = {
            "securityContext": {"privileged": True},
            "volumeMounts": [{"name": "tls", "mountPath": "/tls"}],
            "startupProbe": {
                "exec": {"command": ["cat", "/mounted"]},
                "periodSeconds": 1,
                "failureThreshold": math.ceil(90 * patience()),
            },
        }
        dns = "ClusterFirstWithHostNet" if host_network else "ClusterFirst"
        network = {"hostNetwork": host_network, "dnsPolicy": dns}
        pod = script_pod("client", script, container, nodeName=node, volumes=[certificate()], **network)
        name = pod["metadata"]["name"]
        self.apply(namespace, pod)
        self.kubectl("wait", "-n", namespace, "--for=condition=Ready", f"pod/{name}", "--timeout=90s")
        try:
            yield lambda script: self.kubectl("exec", "-n", namespace, name, "--", "bash", "-ec", script)
        finally:
            self.kubectl("delete", "pod", name, "-n", namespace, "--wait=true", "--timeout=60s")


def script_pod(word: str, script: str, container: Mapping[str, Any], **spec: Any) -> dict[str, Any]:
    """A pod of the peers' image that runs a shell script; `container` and `spec` are laid over its own."""
    own = {
        "name": word,
        "image": peer_image(),
        "imagePullPolicy": "IfNotPresent",
        "command": ["tini", "--", "bash", "-ec", script],
    }
    whole = {"terminationGracePeriodSeconds": 0, "containers": [{**own, **container}], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": unique(word)}, "spec": whole}


def certificate() -> dict[str, Any]:
    """A pod's volume with the certificate of the release in its namespace; empty where that has none."""
    files = [("tls.crt", "glusterfs.pem"), ("tls.key", "glusterfs.key"), ("ca.crt", "glusterfs.ca")]
    items = [{"key": key, "path": path} for key, path in files]
    return {"name": "tls", "secret": {"secretName": "gluster-tls", "optional": True, "items": items}}


def fill(shell: Callable[[str], str], volumes: Sequence[str], files: int, size: int) -> str:
    """Write `files` of `size` random bytes into each volume below /data; returns the checksums of all files there."""
    make = f"for i in $(seq {files}); do head -c {size} /dev/urandom > /data/$v/f$i; done"
    return shell(f"for v in {' '.join(volumes)}; do {make}; done; cd /data; sha256sum */f*")


def peer_image() -> str:
    """The peer's image as the chart's defaults name it."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    image = yaml.safe_load((CHART / "values.yaml").read_text())["image"]
    return f"{image['registry']}/{image['repository']}:{chart['appVersion']}"
