"""The same cluster with kind, for machines with Docker. Written by its documentation; it has not been run yet.

Nodes are called as kind calls them, <cluster>-worker, -worker2, -worker3 (it takes no names: kind's issue 2545); their
label `name` is worker-1, worker-2, worker-3.
"""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from testbed import images
from testbed.config import SOURCE, ClusterError, cache_folder, cluster_id
from testbed.network import networks, storage_address
from testbed.progress import step
from testbed.shell import remove_tree, run

NODES = 3


@dataclass(frozen=True)
class Kind:
    id: str

    @property
    def name(self) -> str:
        return f"gt-{self.id}"

    @property
    def folder(self) -> Path:
        return cache_folder() / "clusters" / f"{self.id}-kind"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(f"{self.name}-worker{number if number > 1 else ''}" for number in range(1, NODES + 1))

    @property
    def storage_network(self) -> str:
        return f"{self.name}-storage"

    @property
    def storage_addresses(self) -> dict[str, str]:
        return {name: storage_address(number) for number, name in enumerate(self.nodes, start=1)}

    def command(self, name: str, command: Sequence[str]) -> list[str]:
        self._check(name)
        return ["docker", "exec", "-i", name, *command]

    def run(self, name: str, command: Sequence[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
        return run(self.command(name, command), check=check)

    def crash(self, name: str, *, silent: bool = False) -> None:
        if silent:
            self.cut(name, "all")
        self._check(name)
        run(["docker", "kill", name])

    def boot(self, name: str) -> None:
        self._check(name)
        run(["docker", "start", name])
        self.mend(name)

    def cut(self, name: str, network: str = "storage") -> None:
        self._check(name)
        for link in networks(network):
            run(["docker", "network", "disconnect", self._docker_network(link), name])

    def mend(self, name: str, network: str = "all") -> None:
        self._check(name)
        for link in networks(network):
            address = ["--ip", self.storage_addresses[name]] if link == "storage" else []
            run(["docker", "network", "connect", *address, self._docker_network(link), name], check=False)

    def blank(self, name: str, *, bricks: bool = False) -> None:
        folders = ["/var/lib/glusterd", *(["/mnt/brick1", "/mnt/brick2"] if bricks else [])]
        self.run(name, ["find", *folders, "-mindepth", "1", "-delete"])

    def load(self, names: Sequence[str] = ()) -> None:
        for image in images.select(names):
            with step(f"image {image.reference}", slow=True):
                run(["docker", "build", "-t", image.reference, "-f", image.dockerfile, image.context])
                run(["kind", "load", "docker-image", image.reference, "--name", self.name])

    def status(self) -> str:
        return run(["docker", "ps", "-a", "--filter", f"label=io.x-k8s.kind.cluster={self.name}"]).stdout.rstrip()

    def _check(self, name: str) -> None:
        if name not in self.nodes:
            raise ClusterError(f"There is no node {name!r}. The nodes are: {', '.join(self.nodes)}.")

    def _docker_network(self, network: str) -> str:
        return self.storage_network if network == "storage" else "kind"


def is_usable() -> bool:
    if not shutil.which("docker") or not shutil.which("kind"):
        return False
    return not run(["docker", "info"], check=False).returncode


def load() -> Kind | None:
    cluster = Kind(cluster_id())
    return cluster if cluster.kubeconfig.exists() else None


def up(nodes: int, kubernetes: str | None) -> Kind:
    """`kubernetes` picks one of kind's node images; kind's default when it is None."""
    if nodes != NODES:
        raise ClusterError(f"--nodes {nodes}: with kind there are always {NODES} nodes, by kind.yaml.")
    cluster = Kind(cluster_id())
    if load():
        print("The cluster is up already. Images that have changed are loaded.")
        cluster.load()
        return cluster
    for number in range(1, NODES + 1):
        for brick in ("brick1", "brick2"):
            (cluster.folder / f"bricks/{number}/{brick}").mkdir(parents=True, exist_ok=True)
    config = cluster.folder / "kind.yaml"
    values = {"name": cluster.name, "folder": str(cluster.folder)}
    config.write_text(Template((SOURCE / "kind.yaml").read_text()).substitute(values))
    draft = cluster.folder / "kubeconfig.draft"
    image = ["--image", f"kindest/node:v{kubernetes}"] if kubernetes else []
    with step(f"kind cluster {cluster.name}", slow=True):
        run(["kind", "create", "cluster", "--config", config, "--kubeconfig", draft, "--wait", "180s", *image])
        run(["docker", "network", "create", "--subnet", "192.168.58.0/24", cluster.storage_network])
        for name in cluster.nodes:
            cluster.mend(name, "storage")
            cluster.run(name, ["mkdir", "-p", "/var/lib/glusterd"])
    cluster.load()
    draft.rename(cluster.kubeconfig)
    return cluster


def down() -> bool:
    cluster = Kind(cluster_id())
    if not cluster.folder.exists():
        return False
    with step("kind cluster taken down"):
        run(["kind", "delete", "cluster", "--name", cluster.name])
        run(["docker", "network", "rm", cluster.storage_network], check=False)
        # The bricks' files belong to root: they were written by containers.
        mount = ["-v", f"{cluster.folder.parent}:/clusters"]
        reference = images.select(["glusterfs"])[0].reference
        remove = ["--entrypoint", "rm", reference, "-rf", f"/clusters/{cluster.folder.name}"]
        run(["docker", "run", "--rm", *mount, *remove], check=False)
        remove_tree(cluster.folder)
    return True
