"""A release of the chart on a real cluster, and hands on its nodes; all through kubectl and helm, as a user would.

Any cluster with three worker nodes will do that has brick file systems at /mnt/brick1 and /mnt/brick2 on each. Every
release gets a state folder of its own on the nodes, and every volume a name of its own, so that nothing must be wiped.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hooks.pool import Process, parse_status

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "glusterfs"
STAMP = f"{int(time.time()):x}"
"""Part of every name that stays on the nodes, so that test runs do not meet."""
TEND: dict[str, Any] = {"enabled": True, "schedule": "0 0 1 1 *"}
"""A CronJob that is there and does not run by itself, see Release.tend."""
_numbers = itertools.count(1)


class CommandFailed(AssertionError):
    """A command exited non-zero; the message is what a user would see."""


def run(*argv: str, stdin: str | None = None, check: bool = True, timeout: float = 960) -> str:
    """Run a command on this machine and return its output, standard error included."""
    done = subprocess.run(
        argv, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False
    )
    if check and done.returncode:
        raise CommandFailed(f"$ {' '.join(argv)}\n{done.stdout}")
    return done.stdout


def unique(word: str) -> str:
    """A name that no other test and no earlier run has used."""
    return f"{word}-{STAMP}-{next(_numbers)}"


def until(what: str, probe: Callable[[], Any], seconds: float = 120) -> Any:
    """Ask `probe` until its answer is true; returns the answer. Fails with `what` and the last answer."""
    end = time.monotonic() + seconds
    while not (answer := probe()):
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}; last: {answer!r}"
        time.sleep(0.5)
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
            "readinessProbe": {"exec": {"command": ["cat", "/mounted"]}, "periodSeconds": 1},
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


@dataclass
class Release:
    """One release of the chart. `values` are laid over `defaults` by each install or upgrade."""

    lab: Lab
    namespace: str
    helm: str = "helm"
    name: str = "gluster"
    state: str = field(default_factory=lambda: f"/var/lib/glusterd-tests/{unique('state')}")

    def install(self, values: Mapping[str, Any], *flags: str) -> str:
        """`helm install`; returns what helm printed. Raises CommandFailed with the same."""
        return self._helm("install", values, *flags)

    def start_peers(self, names: Sequence[str], **more: Any) -> None:
        """Running peers on these nodes that no hook has touched; `more` goes into each entry of `nodes`."""
        self.install({"nodes": nodes(names, **more)}, "--no-hooks")
        for node in names:
            pod = f"pod/{self.fullname}-{node}-0"
            self.lab.kubectl("wait", "-n", self.namespace, "--for=condition=Ready", pod, "--timeout=90s")

    def upgrade(self, values: Mapping[str, Any], *flags: str) -> str:
        return self._helm("upgrade", values, *flags)

    def rollback(self, revision: str = "") -> str:
        """`helm rollback`, by default to the revision before."""
        return self._command("rollback", self.name, *([revision] if revision else []), "--timeout", "900s")

    def revisions(self) -> dict[str, str]:
        """Status -> the last revision that has it, as `helm history` shows them."""
        found = json.loads(self._command("history", self.name, "-o", "json"))
        return {entry["status"]: str(entry["revision"]) for entry in found}

    def tend(self) -> str:
        """Run one tend to its end; its log. Fails where it does not exit with 0."""
        name, here = unique("tend"), ("-n", self.namespace)
        self.lab.kubectl("create", "job", name, *here, f"--from=cronjob/{self.fullname}-tend")

        def ended() -> set[str]:
            status = self.lab.get("job", name, *here).get("status", {})
            return {c["type"] for c in status.get("conditions", [])} & {"Complete", "Failed"}

        how = until(f"the job {name} ends", ended)
        log = self.lab.kubectl("logs", *here, f"job/{name}")
        print(log)
        assert how == {"Complete"}, log
        return log

    def uninstall(self, *flags: str) -> None:
        """`helm uninstall`, until the last peer pod has left its node (its port and bricks are free)."""
        self._command("uninstall", self.name, "--wait", "--ignore-not-found", *flags)
        until("the peers have ended", lambda: not self.peers())

    def _helm(self, verb: str, values: Mapping[str, Any], *flags: str) -> str:
        # A tend that comes by in between would write the record, take the Lease and count as an exec.
        text = yaml.safe_dump({"statePath": self.state, "tend": {"enabled": False}, **values})
        return self._command(verb, self.name, str(CHART), "-f", "-", "--timeout", "900s", *flags, stdin=text)

    def _command(self, *args: str, stdin: str | None = None) -> str:
        return run(self.helm, *args, "--kubeconfig", self.lab.kubeconfig, "-n", self.namespace, stdin=stdin)

    def peers(self) -> dict[str, str]:
        """Node -> name of its peer pod."""
        selector = f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component=peer"
        pods = self.lab.get("pods", "-n", self.namespace, "-l", selector)["items"]
        return {pod["spec"].get("nodeName", ""): pod["metadata"]["name"] for pod in pods}

    def uids(self) -> dict[str, str]:
        """Peer pod -> its UID: another one means that it was restarted."""
        selector = f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component=peer"
        pods = self.lab.get("pods", "-n", self.namespace, "-l", selector)["items"]
        return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in pods}

    def report(self) -> str:
        """The hook's log, as `kubectl logs` shows it."""
        return self.lab.kubectl("logs", "-n", self.namespace, f"job/{self.fullname}-converge")

    def record(self) -> dict[str, str]:
        return dict(self.lab.get("configmap", f"{self.fullname}-report", "-n", self.namespace).get("data") or {})

    @property
    def fullname(self) -> str:
        return self.name

    @property
    def server(self) -> str:
        """Where clients find the peers: the name of the release's Service in the cluster's DNS."""
        return f"{self.fullname}.{self.namespace}.svc.cluster.local"

    def gluster(self, *command: str, node: str | None = None) -> str:
        """Run the gluster command line in a peer, by default in the first."""
        return self.in_peer(node, "timeout", "100", "gluster", "--mode=script", *command)

    def in_peer(self, node: str | None, *argv: str) -> str:
        peers = self.peers()
        pod = peers[node or min(peers)]
        return self.lab.kubectl("exec", "-n", self.namespace, pod, "-c", "glusterd", "--", *argv)

    def info(self, volume: str) -> dict[str, Any]:
        """`volume info` as a map, its bricks as a list."""
        lines = self.gluster("volume", "info", volume).splitlines()
        pairs = [line.split(": ", 1) for line in lines if ": " in line]
        bricks = [value.strip() for key, value in pairs if key.startswith("Brick") and key[5:].isdigit()]
        return {**dict(pairs), "bricks": bricks}

    def processes(self, volume: str, node: str | None = None) -> tuple[Process, ...]:
        """`volume status`; in gluster's table of words a long name breaks the line."""
        return parse_status(ET.fromstring(self.gluster("--xml", "volume", "status", volume, node=node)))

    def pending(self, *volumes: str, node: str | None = None) -> int:
        """How many entries are to be healed, each counted for every brick that knows of it."""
        texts = [self.gluster("volume", "heal", volume, "info", node=node) for volume in volumes]
        found = re.findall(r"^Number of entries: (.*)$", "\n".join(texts), re.MULTILINE)
        return sum(map(int, found))

    def sizes(self, volume: str, node: str) -> str:
        """Names and sizes in bytes of the files on the volume's brick on `node`."""
        return self.in_peer(node, "bash", "-c", f"cd /mnt/brick1/{volume}; stat -c '%n %s' *")

    def on(self, volume: str) -> list[str]:
        """The nodes of the volume's bricks, by the addresses that its bricks have."""
        hosts = [brick.split(":")[0] for brick in self.info(volume)["bricks"]]
        named: dict[str, str] = {}
        for node in self.lab.get("nodes")["items"]:
            named |= {address["address"]: node["metadata"]["name"] for address in node["status"]["addresses"]}
        return [named[host] for host in hosts]

    def uuids(self) -> dict[str, str]:
        """Node -> UUID out of each peer's own glusterd.info."""
        text = {node: self.in_peer(node, "cat", "/var/lib/glusterd/glusterd.info") for node in self.peers()}
        return {node: info.split("UUID=")[1].split()[0] for node, info in text.items()}


def nodes(names: Sequence[str], **more: Any) -> list[dict[str, Any]]:
    """`values.nodes` for these nodes; `more` goes into each entry."""
    return [{"name": name, **more} for name in names]


def helms() -> list[str]:
    """The Helm binaries that the tests are run with: Helm 4, Helm 3."""
    return [os.environ.get("HELM", "helm"), os.environ.get("HELM3", "helm3")]
