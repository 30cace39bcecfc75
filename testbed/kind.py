"""The same cluster with kind, for machines with Docker.

Containers are called as kind calls them, gt-<id>-worker, -worker2 and on (it takes no names: kind's issue 2545); in
Kubernetes, and in all commands, the nodes are worker-1, worker-2 and on.
"""

import json
import subprocess
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import ClassVar

from testbed import build, docker, images, words
from testbed.config import SOURCE, cache_folder, cluster_id
from testbed.network import NETWORKS, networks, storage_address
from testbed.node import BRICKS
from testbed.progress import step
from testbed.shell import lock, run, wait_for

PREPARE = "/usr/local/bin/kind-node.sh"


@dataclass(frozen=True)
class Kind:
    provider: ClassVar = "kind"
    id: str
    image: str
    nodes: tuple[str, ...]
    brick_size: str
    addresses: dict[str, str]  # of the nodes, on the cluster network

    @property
    def name(self) -> str:
        return f"gt-{self.id}"

    @property
    def folder(self) -> Path:
        return cluster_folder(self.id)

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def storage_addresses(self) -> dict[str, str]:
        return {name: storage_address(number) for number, name in enumerate(self.nodes, start=1)}

    def lock(self) -> AbstractContextManager[None]:
        return lock(f"cluster-{self.id}")

    def is_up(self) -> bool:
        """Whether `up` got to its end and the control plane still runs."""
        return (self.folder / "up").exists() and f"{self.name}-control-plane" in self._on()

    def kubectl(self, *arguments: str, text: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        return run([build.kubectl(), f"--kubeconfig={self.kubeconfig}", *arguments], text=text, check=check)

    def ready(self, name: str) -> bool:
        """Whether the API says that the node is Ready. It goes on saying so for most of a minute after a crash."""
        path = '{.status.conditions[?(@.type=="Ready")].status}'
        return self.kubectl("get", "node", name, "-o", f"jsonpath={path}", check=False).stdout == "True"

    def command(self, name: str, command: Sequence[str]) -> list[str]:
        """The command as one that runs on the node."""
        return ["docker", "exec", "-i", self._running(name), *command]

    def run(self, name: str, command: Sequence[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command on a node."""
        return run(self.command(name, command), check=check)

    # Faults

    def crash(self, name: str, *, silent: bool = False) -> None:
        """The node ends at once, its disks stay. With `silent` its peers do not even see their connections close."""
        with self.lock():
            container = self._running(name)
            if silent:
                self._unplug(name, NETWORKS)
            run(["docker", "kill", container])

    def boot(self, name: str) -> None:
        """Start a node that is off, with its disks as they are, its addresses, and its cables plugged in."""
        with self.lock():
            container = self._container(name)
            words.require_off(name, container in self._on())
            # Docker gives a node that starts any free address, unless it is told anew which one. And it plugs in cables
            # in any order, of which kind takes the first one's address for the node's.
            self._unplug(name, NETWORKS)
            self._plug(name, ["cluster"])
            run(["docker", "start", container])
            self._plug(name, ["storage"])
            is_prepared = ["docker", "exec", container, "systemctl", "is-active", "--quiet", "kind-node"]
            hint = f"See `docker logs {container}`."
            wait_for(f"{name} to boot", lambda: not run(is_prepared, check=False).returncode, seconds=60, hint=hint)

    def cut(self, name: str, network: str = "storage") -> None:
        """Pull the node's cable to a network: storage, cluster or all."""
        with self.lock():
            self._running(name)
            self._unplug(name, networks(network))

    def mend(self, name: str, network: str = "all") -> None:
        """Plug it in again."""
        with self.lock():
            self._running(name)
            links = networks(network)
            self._plug(name, links)
            if "storage" in links:
                self.run(name, self._prepare(name))

    def blank(self, name: str, *, bricks: bool = False) -> None:
        """The node's GlusterFS state is lost, with `bricks` what is on its bricks as well."""
        with self.lock():
            container = self._container(name)
            is_on = container in self._on()
            if is_on:
                names = self.run(name, ["sh", "-c", "cat /proc/[0-9]*/comm"], check=False).stdout.split()
                words.require_no_peer(name, names)
            disks = [f"/mnt/{brick}" for brick in BRICKS] if is_on else ["/var/bricks"]  # made anew at the next boot
            find = ["/var/lib/glusterd", *(disks if bricks else []), "-mindepth", "1", "-delete"]
            if is_on:
                self.run(name, ["find", *find])
            else:
                image = docker.inspect(container)["Image"]
                run(["docker", "run", "--rm", "--volumes-from", container, "--entrypoint", "find", image, *find])

    def status(self) -> str:
        """A table for people."""
        running = self._on()
        rows = []
        for name in self.nodes:
            container = self._container(name)
            plugged = docker.plugged(container)
            cluster, storage = (
                f"{addresses[name]} {'' if self._network(link) in plugged else 'cut'}"
                for link, addresses in (("cluster", self.addresses), ("storage", self.storage_addresses))
            )
            rows.append((name, container in running, self.ready(name), cluster, storage))
        image = self.image.partition("@")[0]
        return words.table(f"cluster {self.id}: {image}, which kind knows as {self.name}", rows)

    # Images

    def load(self, names: Sequence[str] = ()) -> None:
        """Build the project's images of those names (all when none is named) and import them into the running nodes."""
        selected = images.select(names)
        for image in selected:
            with step(f"image {image.reference}", slow=True):
                run(["docker", "build", "-t", image.reference, "-f", image.dockerfile, image.context])
        references = [image.reference for image in selected]
        with step(f"{len(references)} images into the nodes", slow=True):
            nodes = ["--nodes", ",".join(self._on())]
            run(["kind", "load", "docker-image", *references, "--name", self.name, *nodes])

    # Nodes

    def prepare_node(self, name: str) -> None:
        """Bricks and storage network of a node that kind has made, now and at each boot."""
        container, unit = self._container(name), (SOURCE / "conf/kind-node.service").read_text()
        self._plug(name, ["storage"])
        run(["docker", "cp", SOURCE / "kind-node.sh", f"{container}:{PREPARE}"])
        write = ["docker", "exec", "-i", container, "tee", "/etc/systemd/system/kind-node.service"]
        run(write, text=Template(unit).substitute(command=" ".join(self._prepare(name))))
        run(["docker", "exec", container, "systemctl", "enable", "--now", "--quiet", "kind-node"])

    def _prepare(self, name: str) -> list[str]:
        subnet = docker.subnet(self._network("storage"))
        return ["/bin/bash", PREPARE, self.brick_size, subnet, self.storage_addresses[name]]

    def _container(self, name: str) -> str:
        return container_name(self.name, words.number(name, self.nodes))

    def _on(self) -> list[str]:
        """The containers of nodes that are on, the control plane's among them."""
        return docker.running(f"io.x-k8s.kind.cluster={self.name}")

    def _running(self, name: str) -> str:
        container = self._container(name)
        words.require_on(name, container in self._on())
        return container

    def _network(self, link: str) -> str:
        return f"{self.name}-{link}"

    def _plug(self, name: str, links: Sequence[str]) -> None:
        container = self._container(name)
        plugged = docker.plugged(container)
        for link in links:
            if self._network(link) not in plugged:
                address = ["--ip", self.addresses[name]] if link == "cluster" else []
                run(["docker", "network", "connect", *address, self._network(link), container])

    def _unplug(self, name: str, links: Sequence[str]) -> None:
        for link in links:
            run(["docker", "network", "disconnect", self._network(link), self._container(name)], check=False)


def container_name(cluster: str, number: int) -> str:
    """As kind calls the container of the cluster's worker of that number."""
    return f"{cluster}-worker{number if number > 1 else ''}"


def cluster_folder(cluster: str) -> Path:
    return cache_folder() / "clusters" / f"{cluster}-kind"


def load() -> Kind | None:
    """This checkout's cluster as `up` recorded it, whether it still runs or not."""
    file = cluster_folder(cluster_id()) / "cluster.json"
    if not file.exists():
        return None
    values = json.loads(file.read_text())
    return Kind(**{**values, "nodes": tuple(values["nodes"])})
