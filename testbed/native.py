"""The native cluster as an object: where its parts are, what can be done to its nodes. lifecycle.py brings it up and down."""

import json
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from testbed import controlplane, golden, network, node
from testbed.build import coredns, kubernetes
from testbed.config import TestbedError, cache_folder, cluster_id
from testbed.machine import Machine
from testbed.shell import lock, run, step, wait_for


@dataclass(frozen=True)
class Native:
    id: str
    kubernetes: str
    nodes: tuple[str, ...]
    port: int
    brick_size: str

    @property
    def prefix(self) -> str:
        return f"gt-{self.id}-"

    @property
    def folder(self) -> Path:
        return cluster_folder(self.id)

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "pki/admin.kubeconfig"

    @property
    def fabric(self) -> str:
        return f"{self.prefix}fabric"

    @property
    def addresses(self) -> dict[str, str]:
        return {name: network.node_address(number) for number, name in enumerate(self.nodes, start=1)}

    @property
    def storage_addresses(self) -> dict[str, str]:
        return {name: network.storage_address(number) for number, name in enumerate(self.nodes, start=1)}

    def number(self, name: str) -> int:
        if name not in self.nodes:
            raise TestbedError(f"There is no node {name!r}. The nodes are: {', '.join(self.nodes)}.")
        return self.nodes.index(name) + 1

    def machine(self, name: str) -> Machine:
        self.number(name)
        return Machine(name, self.prefix + name, self.prefix + name, self.folder / "machines" / name)

    def control_plane(self) -> Machine:
        return Machine("control-plane", f"{self.prefix}control-plane", self.fabric, self.folder / "machines/control-plane")

    def programs(self) -> Path:
        return self.folder / "programs"

    # What tests and people use.

    def run(self, name: str, command: Sequence[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command on a node."""
        return self.machine(name).run(command, check=check)

    def kubectl(self, *arguments: str, check: bool = True, text: str = "") -> subprocess.CompletedProcess[str]:
        program = cache_folder() / "bin/kubectl"
        return run([program, f"--kubeconfig={self.kubeconfig}", *arguments], check=check, text=text)

    def load(self, archives: Sequence[Path]) -> None:
        """Import images into every node that is on. One that is off gets them when it boots."""
        running = [name for name in self.nodes if self.machine(name).init()]
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(partial(self._import, archives=archives), running))

    def _import(self, name: str, archives: Sequence[Path]) -> None:
        machine = self.machine(name)
        root = machine.folder / "disk/containerd"
        imported = golden.recorded(root)
        for archive in archives:
            if str(archive) not in imported:
                command = machine.inside(["ctr", "--namespace", "k8s.io", "images", "import", "--local", "-"])
                run(["sh", "-c", 'exec "$@" < "$0"', archive, *command])
        same = {archive.parent for archive in archives}
        golden.record(root, [*(Path(line) for line in imported if Path(line).parent not in same), *archives])

    def start_node(self, name: str) -> None:
        machine, number = self.machine(name), self.number(name)
        network.create_node(self.fabric, machine.namespace, number, len(self.nodes))
        files = node.files(name, number, self.folder / "pki", self.addresses)
        machine.start(files, node.services(name, number), self.programs())

    def ready(self, name: str) -> bool:
        """Whether the node's Ready condition is true."""
        path = '{.status.conditions[?(@.type=="Ready")].status}'
        return self.kubectl("get", "node", name, "-o", f"jsonpath={path}", check=False).stdout == "True"


def cluster_folder(cluster: str) -> Path:
    return cache_folder() / "clusters" / cluster


def save(cluster: Native) -> None:
    cluster.folder.mkdir(parents=True, exist_ok=True)
    (cluster.folder / "cluster.json").write_text(json.dumps(asdict(cluster), indent=2))


def load() -> Native | None:
    """This checkout's cluster as `up` recorded it, whether it still runs or not."""
    file = cluster_folder(cluster_id()) / "cluster.json"
    if not file.exists():
        return None
    values = json.loads(file.read_text())
    return Native(**{**values, "nodes": tuple(values["nodes"])})
