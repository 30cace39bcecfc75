"""Bringing a cluster up with kind and taking it down."""

import json
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from testbed import docker, host, kind
from testbed.config import ClusterError, cluster_id, versions
from testbed.kind import Kind
from testbed.network import NETWORKS
from testbed.progress import step
from testbed.shell import lock, remove_tree, run, wait_for


def is_usable() -> bool:
    if not shutil.which("docker") or not shutil.which("kind"):
        return False
    return not run(["docker", "info"], check=False).returncode


def up(nodes: int, kubernetes: str | None, brick_size: str) -> Kind:
    """`kubernetes` None: the node image of versions.toml. Of other versions there is what kind's makers built."""
    image = f"kindest/node:v{kubernetes}" if kubernetes else versions().kind_node
    with lock(f"cluster-{cluster_id()}"):
        existing = kind.load()
        if not existing or not existing.is_up():
            if _clear(cluster_id()):
                print("That was what an `up` that did not get to its end, or a restart of the machine, had left.")
            host.allow_watchers()
            return _start(nodes, image, brick_size)
    if (len(existing.nodes), existing.image) != (nodes, image):
        raise ClusterError(
            f"A cluster of {len(existing.nodes)} nodes of {existing.image} is running. For {nodes} nodes of {image} "
            "take it down first: python -m testbed down"
        )
    print(f"The cluster is up already: {nodes} nodes of {image}. Images that have changed are loaded.")
    existing.load()
    return existing


def _start(nodes: int, image: str, brick_size: str) -> Kind:
    identity, folder = cluster_id(), kind.cluster_folder(cluster_id())
    name = f"gt-{identity}"
    names = tuple(f"worker-{number}" for number in range(1, nodes + 1))
    folder.mkdir(parents=True)
    (folder / "kind.json").write_text(json.dumps(configuration(name, names), indent=2))
    with step(f"kind cluster {name} of {nodes} nodes, {image.partition('@')[0]}", slow=True):
        cluster_network = f"{name}-cluster"
        docker.create_network(cluster_network)
        run(["docker", "network", "create", f"{name}-storage"])
        # Ends with this process: else it would fail later and take away the next one's nodes, whose names are the same.
        create = ("setpriv", "--pdeathsig", "KILL", "kind", "create", "cluster", "--image", image)
        files = ("--config", folder / "kind.json", "--kubeconfig", folder / "kubeconfig")
        run([*create, *files], env={"KIND_EXPERIMENTAL_DOCKER_NETWORK": cluster_network})
        addresses = {
            node: docker.plugged(kind.container_name(name, number))[cluster_network]
            for number, node in enumerate(names, start=1)
        }
        cluster = Kind(identity, image, names, brick_size, addresses)
        with ThreadPoolExecutor(nodes) as pool:
            list(pool.map(cluster.prepare_node, names))
    (folder / "cluster.json").write_text(json.dumps(asdict(cluster), indent=2))
    cluster.load()
    _wait(cluster)
    (folder / "up").touch()
    return cluster


def configuration(name: str, nodes: Sequence[str]) -> dict[str, Any]:
    """What kind is to make: a control plane and these workers, which Kubernetes is to know by these names."""

    def worker(node: str) -> dict[str, Any]:
        patch = {"kind": "JoinConfiguration", "nodeRegistration": {"name": node}}
        return {"role": "worker", "labels": {"name": node}, "kubeadmConfigPatches": [json.dumps(patch)]}

    # There is nobody to elect, and on a busy machine a leader that is late in saying so would end.
    alone = {"extraArgs": [{"name": "leader-elect", "value": "false"}]}
    patch = {"kind": "ClusterConfiguration", "apiVersion": "kubeadm.k8s.io/v1beta4"}  # that of Kubernetes 1.36 and on
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": name,
        "kubeadmConfigPatches": [json.dumps({**patch, "controllerManager": alone, "scheduler": alone})],
        "nodes": [{"role": "control-plane"}, *map(worker, nodes)],
    }


def _wait(cluster: Kind) -> None:
    hint = f"See what `kind export logs --name {cluster.name}` writes."

    def resolves() -> bool:
        here = ("-n", "kube-system", "get", "deployment", "coredns", "-o", "jsonpath={.status.readyReplicas}")
        return cluster.kubectl(*here, check=False).stdout not in ("", "0")

    wait_for("the nodes to be Ready", lambda: all(map(cluster.ready, cluster.nodes)), seconds=180, hint=hint)
    wait_for("cluster DNS to be Ready", resolves, seconds=120, hint=hint)


def down() -> bool:
    """Take everything of this checkout's cluster away; whether there was anything."""
    with lock(f"cluster-{cluster_id()}"):
        return _clear(cluster_id())


def _clear(cluster: str) -> bool:
    """Goes by names, not by records, so it also clears what a killed `up` left. Whether there was anything."""
    name, folder = f"gt-{cluster}", kind.cluster_folder(cluster)
    if not folder.exists():
        return False
    with step("kind cluster taken down"):
        run(["kind", "delete", "cluster", "--name", name])
        for link in NETWORKS:
            run(["docker", "network", "rm", "--force", f"{name}-{link}"])
        remove_tree(folder)
    return True
