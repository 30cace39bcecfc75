"""A release of the chart on a real cluster; all through helm and kubectl, as a user would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from hooks.gluster.model import Process
from hooks.gluster.xml import parse_status
from testbed.config import patience
from tests.cluster.lab import CHART, ROOT, Lab, run, unique, until

MAINTENANCE: dict[str, Any] = {"enabled": True, "schedule": "0 0 1 1 *"}
"""A CronJob that is there and does not run by itself, see Release.maintain."""


@dataclass
class Release:
    """One release of the chart. `values` are laid over `defaults` by each install or upgrade."""

    lab: Lab
    namespace: str
    helm: str = "helm"
    name: str = "gluster"
    state: str = field(default_factory=lambda: f"/var/lib/glusterd-tests/{unique('state')}")

    def install(self, values: Mapping[str, Any], *flags: str) -> str:
        """`helm install`; returns what helm printed and the hook's report. Raises CommandFailed, without the report."""
        return self._helm("install", values, *flags)

    def start_peers(self, names: Sequence[str], **more: Any) -> None:
        """Running peers on these nodes that no hook has touched; `more` goes into each entry of `nodes`."""
        self.install({"nodes": nodes(names, **more)}, "--no-hooks")
        for node in names:
            self.wait_ready(node)

    def wait_ready(self, node: str) -> None:
        """Wait until Kubernetes calls the peer's pod on the node Ready; the pod must be there."""
        pod = f"pod/{self.fullname}-{node}-0"
        self.lab.kubectl("wait", "-n", self.namespace, "--for=condition=Ready", pod, "--timeout=90s")

    def upgrade(self, values: Mapping[str, Any], *flags: str) -> str:
        return self._helm("upgrade", values, *flags)

    def rollback(self, revision: str = "") -> str:
        """`helm rollback`, by default to the revision before."""
        return self._told(self._command("rollback", self.name, *([revision] if revision else []), "--timeout", "900s"))

    def revisions(self) -> dict[str, str]:
        """Status -> the last revision that has it, as `helm history` shows them."""
        found = json.loads(self._command("history", self.name, "-o", "json"))
        return {entry["status"]: str(entry["revision"]) for entry in found}

    def maintain(self) -> str:
        """Run maintenance once to its end; its log. Fails where it does not exit with 0."""
        name, here = unique("maintenance"), ("-n", self.namespace)
        self.lab.kubectl("create", "job", name, *here, f"--from=cronjob/{self.fullname}-maintenance")

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
        # A maintenance run that comes by in between would write the record, take the Lease and count as an exec.
        own = {"statePath": self.state, "maintenance": {"enabled": False}, **values}
        text = yaml.safe_dump({**own, "hooks": _patient(values.get("hooks", {}))})
        printed = self._command(verb, self.name, str(CHART), "-f", "-", "--timeout", "900s", *flags, stdin=text)
        return printed if "--no-hooks" in flags else self._told(printed)

    def _told(self, printed: str) -> str:
        """What helm printed, and the report that it has only a line of."""
        return f"{printed}\n{self.report()}"

    def _command(self, *args: str, stdin: str | None = None) -> str:
        return run(self.helm, *args, "--kubeconfig", self.lab.kubeconfig, "-n", self.namespace, stdin=stdin)

    def plan(self, values: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
        """`python -m hooks plan` as a user runs it on a laptop."""
        file = yaml.safe_dump({"statePath": self.state, **values})
        argv = [sys.executable, "-m", "hooks", "plan", "-f", "/dev/stdin", "-n", self.namespace]
        env = {**os.environ, "KUBECONFIG": self.lab.kubeconfig}
        return subprocess.run(
            argv, input=file, capture_output=True, text=True, cwd=ROOT, env=env, timeout=960 * patience(), check=False
        )

    def pods(self, component: str = "peer") -> list[dict[str, Any]]:
        """The release's pods of a component, as the API server shows them."""
        selector = f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component={component}"
        return list(self.lab.get("pods", "-n", self.namespace, "-l", selector)["items"])

    def peers(self) -> dict[str, str]:
        """Node -> name of its peer pod."""
        return {pod["spec"].get("nodeName", ""): pod["metadata"]["name"] for pod in self.pods()}

    def uids(self) -> dict[str, str]:
        """Peer pod -> its UID: another one means that it was restarted."""
        return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in self.pods()}

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
        return self.in_peer(node, "timeout", f"{100 * patience():.0f}", "gluster", "--mode=script", *command)

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


def _patient(hooks: Mapping[str, Any]) -> dict[str, Any]:
    """`values.hooks` with their time stretched by TESTBED_PATIENCE."""
    whole = {**yaml.safe_load((CHART / "values.yaml").read_text())["hooks"], **hooks}
    return {**hooks, "activeDeadlineSeconds": round(whole["activeDeadlineSeconds"] * patience())}


def nodes(names: Sequence[str], **more: Any) -> list[dict[str, Any]]:
    """`values.nodes` for these nodes; `more` goes into each entry."""
    return [{"name": name, **more} for name in names]


def helms() -> list[str]:
    """The Helm binaries that the tests are run with: Helm 4, Helm 3."""
    return [os.environ.get("HELM", "helm"), os.environ.get("HELM3", "helm3")]
