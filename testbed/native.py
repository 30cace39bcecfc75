"""The native cluster: where its parts are and what can be done to its nodes. lifecycle.py brings it up and down."""

import json
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from testbed import build, golden, images, network, node, words
from testbed.config import cache_folder, cluster_id
from testbed.machine import Machine
from testbed.shell import lock, run, wait_for


@dataclass(frozen=True)
class Native:
    provider: ClassVar = "native"
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
    def programs(self) -> Path:
        return self.folder / "programs"

    @property
    def addresses(self) -> dict[str, str]:
        return {name: network.node_address(number) for number, name in enumerate(self.nodes, start=1)}

    @property
    def storage_addresses(self) -> dict[str, str]:
        return {name: network.storage_address(number) for number, name in enumerate(self.nodes, start=1)}

    @property
    def control_plane(self) -> Machine:
        name = "control-plane"
        return Machine(name, f"{self.prefix}{name}", self.fabric, self.folder / "machines" / name)

    def machine(self, name: str) -> Machine:
        self._number(name)
        return Machine(name, f"{self.prefix}{name}", f"{self.prefix}{name}", self.folder / "machines" / name)

    def lock(self) -> AbstractContextManager[None]:
        return lock(f"cluster-{self.id}")

    def is_up(self) -> bool:
        """Whether `up` got to its end and nothing took the cluster away since."""
        return (self.folder / "up").exists() and self.control_plane.init() is not None

    def kubectl(self, *arguments: str, text: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        return run([build.kubectl(), f"--kubeconfig={self.kubeconfig}", *arguments], text=text, check=check)

    def ready(self, name: str) -> bool:
        """Whether the API says that the node is Ready. It goes on saying so for most of a minute after a crash."""
        path = '{.status.conditions[?(@.type=="Ready")].status}'
        return self.kubectl("get", "node", name, "-o", f"jsonpath={path}", check=False).stdout == "True"

    def command(self, name: str, command: Sequence[str]) -> list[str]:
        """The command as one that runs on the node."""
        return self.machine(name).inside(command)

    def run(self, name: str, command: Sequence[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command on a node, in its namespaces and control groups."""
        return run(self.command(name, command), check=check)

    # Faults

    def crash(self, name: str, *, silent: bool = False) -> None:
        """The node ends at once, its disks stay. Its peers see their connections close; with `silent` they see nothing,
        as when the power goes: the cables come out first."""
        with self.lock():
            machine = self._running(name)
            if silent:
                self._cables(name, "all", plugged=False)
            machine.stop()
            network.remove_node(self.fabric, machine.namespace, self._number(name))

    def boot(self, name: str) -> None:
        """Start a node that is off, with its disks as they are and its cables plugged in."""
        with self.lock():
            words.require_off(name, self.machine(name).init() is not None)
            self.start_node(name)
            self._import(name, self._images())

    def cut(self, name: str, networks: str = "storage") -> None:
        """Pull the node's cable to a network: storage, cluster or all."""
        with self.lock():
            self._running(name)
            self._cables(name, networks, plugged=False)

    def mend(self, name: str, networks: str = "all") -> None:
        """Plug it in again."""
        with self.lock():
            self._running(name)
            self._cables(name, networks, plugged=True)

    def blank(self, name: str, *, bricks: bool = False) -> None:
        """The node's GlusterFS state is lost, with `bricks` what is on its bricks as well."""
        with self.lock():
            machine = self.machine(name)
            words.require_no_peer(name, machine.programs())
            run(["find", machine.folder / "disk/glusterd", "-mindepth", "1", "-delete"])
            if bricks and machine.init():
                self.run(name, ["find", *(f"/mnt/{brick}" for brick in node.BRICKS), "-mindepth", "1", "-delete"])
            elif bricks:
                node.make_bricks(machine.folder / "bricks", self.brick_size)

    def status(self) -> str:
        """A table for people."""
        rows = []
        for name in self.nodes:
            cluster, storage = (
                f"{addresses[name]} {'' if network.plugged(self.fabric, link, self._number(name)) else 'cut'}"
                for link, addresses in (("cluster", self.addresses), ("storage", self.storage_addresses))
            )
            rows.append((name, self.machine(name).init() is not None, self.ready(name), cluster, storage))
        return words.table(f"cluster {self.id}: Kubernetes {self.kubernetes}, https://127.0.0.1:{self.port}", rows)

    # Images

    def load(self, names: Sequence[str] = ()) -> None:
        """Build the project's images of those names (all when none is named) and import them where they are new.

        A node that is off gets them when it boots.
        """
        with self.lock():
            archives = [images.archive(image) for image in images.select(names)]
            new = {archive.parent: archive for archive in [*self._images(), *archives]}
            self.record_images(list(new.values()))
            running = [name for name in self.nodes if self.machine(name).init()]
            with ThreadPoolExecutor(len(self.nodes)) as pool:
                list(pool.map(partial(self._import, archives=archives), running))

    def record_images(self, archives: Sequence[Path]) -> None:
        """What every node is to have: one archive a line."""
        (self.folder / "images").write_text("".join(f"{archive}\n" for archive in archives))

    def _images(self) -> list[Path]:
        return [Path(line) for line in (self.folder / "images").read_text().splitlines()]

    def _import(self, name: str, archives: Sequence[Path]) -> None:
        root = self.machine(name).folder / "disk/containerd"
        imported = golden.recorded(root)
        new = [archive for archive in archives if str(archive) not in imported]
        if new:
            answers = partial(self.run, name, ["ctr", "version"], check=False)
            hint = f"See {self.machine(name).folder}/disk/log/containerd.log."
            wait_for(f"containerd of {name}", lambda: not answers().returncode, seconds=30, hint=hint)
        for archive in new:
            command = self.command(name, ["ctr", "--namespace", "k8s.io", "images", "import", "--local", "-"])
            run(["sh", "-c", 'exec "$@" < "$0"', archive, *command])
            imported = [line for line in imported if Path(line).parent != archive.parent] + [str(archive)]
            golden.record(root, [Path(line) for line in imported])

    def start_node(self, name: str) -> None:
        machine, number = self.machine(name), self._number(name)
        network.create_node(self.fabric, machine.namespace, number, len(self.nodes))
        files = node.files(name, number, self.folder / "pki", self.addresses)
        machine.start(files, node.services(name, number), self.programs)

    def _running(self, name: str) -> Machine:
        machine = self.machine(name)
        words.require_on(name, machine.init() is not None)
        return machine

    def _number(self, name: str) -> int:
        return words.number(name, self.nodes)

    def _cables(self, name: str, networks: str, *, plugged: bool) -> None:
        for link in network.networks(networks):
            network.set_cable(self.fabric, link, self._number(name), plugged=plugged)


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
