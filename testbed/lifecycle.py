"""Bringing a native cluster up and taking it down."""

import hashlib
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from string import Template

from testbed import build, cgroups, controlplane, golden, host, images, native, network, node, pki, rootfs
from testbed.config import SOURCE, ClusterError, cluster_id, patience
from testbed.machine import spawn
from testbed.native import Native
from testbed.progress import step
from testbed.shell import lock, remove_tree, run, wait_for

# One DNS question for kubernetes.default.svc.cluster.local, asked on a node as a pod would: over the service's address.
ASK_DNS = f"""
import socket, sys
name = b"".join(bytes([len(part)]) + part for part in b"kubernetes.default.svc.cluster.local".split(b"."))
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.settimeout(float(sys.argv[1]))
asker.sendto(b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0" + name + b"\\0\\0\\1\\0\\1", ({network.DNS_SERVICE!r}, 53))
sys.exit(socket.inet_aton({network.API_SERVICE!r}) not in asker.recv(512))
"""


def up(nodes: int, kubernetes: str, brick_size: str) -> Native:
    with lock(f"cluster-{cluster_id()}"):
        existing = native.load()
        if not existing or not existing.is_up():
            if _clear(cluster_id()):
                print("That was what an `up` that did not get to its end, or a restart of the machine, had left.")
            cgroups.check()
            host.prepare()
            archives = _prepare(kubernetes)
            with step(f"cluster of {nodes} nodes, Kubernetes {kubernetes}", slow=True):
                return _start(nodes, kubernetes, brick_size, archives)
    if (len(existing.nodes), existing.kubernetes) != (nodes, kubernetes):
        raise ClusterError(
            f"A cluster of {len(existing.nodes)} nodes with Kubernetes {existing.kubernetes} is running. "
            f"For {nodes} nodes with {kubernetes} take it down first: python -m testbed down"
        )
    print(f"The cluster is up already: {nodes} nodes, Kubernetes {kubernetes}. Images that have changed are loaded.")
    existing.load()
    return existing


def _prepare(kubernetes: str) -> list[Path]:
    """Build what is missing; the images. Compiling takes the processors, Debian trees mostly wait for the network."""

    def programs() -> None:
        build.kubernetes(kubernetes)
        build.coredns()

    def trees() -> list[Path]:
        rootfs.machine_tree()
        return [images.archive(image) for image in images.select([])]

    with ThreadPoolExecutor(3) as pool:
        compiled, tools, project = pool.submit(programs), pool.submit(build.kubectl), pool.submit(trees)
        compiled.result()
        build.link_tools(tools.result(), tools.result().with_name("helm"))
        return [*project.result(), images.archive(images.pause_image())]


def _start(nodes: int, kubernetes: str, brick_size: str, archives: list[Path]) -> Native:
    names = tuple(f"worker-{number}" for number in range(1, nodes + 1))
    cluster = Native(cluster_id(), kubernetes, names, _free_port(cluster_id()), brick_size)
    native.save(cluster)
    cluster.record_images(archives)
    _link_programs(cluster)
    pki.create(cluster.folder / "pki", names, cluster.port)
    network.create_fabric(cluster.fabric, nodes)
    namespace, api = network.path(cluster.fabric), ("127.0.0.1", "6443")
    relay: list[str | Path] = [sys.executable, "-I", SOURCE / "relay.py", str(cluster.port), namespace, *api]
    spawn(cgroups.create(f"{cluster.prefix}relay").joined_by(relay), cluster.folder / "relay.log")
    files = controlplane.files(cluster.folder / "pki", cluster.addresses)
    cluster.control_plane.start(files, controlplane.services(), cluster.programs)

    golden.install(archives, [cluster.machine(name).folder / "disk/containerd" for name in names])
    for name in names:
        node.make_bricks(cluster.machine(name).folder / "bricks", brick_size)
    # All nodes at once keep the API server of a slow machine from being ready within the 30 s that it gives itself.
    _wait_for_control_plane(cluster)
    with ThreadPoolExecutor(nodes) as pool:
        list(pool.map(cluster.start_node, names))
    _wait_for_nodes(cluster)
    (cluster.folder / "up").touch()
    return cluster


def _link_programs(cluster: Native) -> None:
    """What machines see as /opt/kubernetes: linked, so that a later build of another version changes nothing here."""
    cluster.programs.mkdir()
    for source in (*build.kubernetes(cluster.kubernetes).iterdir(), build.coredns() / "coredns"):
        (cluster.programs / source.name).hardlink_to(source)


def _wait_for_control_plane(cluster: Native) -> None:
    logs = _logs(cluster, "control-plane")

    def answers() -> bool:
        return cluster.kubectl("get", "--raw=/readyz", check=False).stdout == "ok"

    def applied() -> bool:
        return cluster.kubectl("apply", "-f", "-", text=manifest, check=False).returncode == 0

    values = {"dns": network.DNS_SERVICE, "control_plane": network.CONTROL_PLANE}
    manifest = Template((SOURCE / "conf/cluster.yaml").read_text()).substitute(values)
    wait_for("the API server", answers, seconds=90, hint=logs)
    wait_for("the cluster's own objects", applied, seconds=30, hint=logs)


def _wait_for_nodes(cluster: Native) -> None:
    logs = _logs(cluster, "*")

    def resolves() -> bool:
        ask = ["python3", "-c", ASK_DNS, str(patience())]
        return all(not cluster.run(name, ask, check=False).returncode for name in cluster.nodes)

    wait_for("the nodes to be Ready", lambda: all(map(cluster.ready, cluster.nodes)), seconds=90, hint=logs)
    wait_for("cluster DNS to answer on every node", resolves, seconds=60, hint=logs)


def _logs(cluster: Native, machine: str) -> str:
    return f"The logs are {cluster.folder}/machines/{machine}/disk/log/*.log."


def _free_port(cluster: str) -> int:
    """The same port each time if it can be had, another one for each checkout."""
    first = 20000 + int(hashlib.sha256(cluster.encode()).hexdigest(), 16) % 10000
    for port in range(first, first + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ClusterError(f"The ports 127.0.0.1:{first} to {first + 99} are all taken. Set TESTBED_ID to another word.")


def down() -> bool:
    """Take everything of this checkout's cluster away; whether there was anything."""
    host.require_root()
    with lock(f"cluster-{cluster_id()}"):
        return _clear(cluster_id())


def _clear(cluster: str) -> bool:
    """Goes by names, not by records, so it also clears what a killed `up` left."""
    prefix, folder = f"gt-{cluster}-", native.cluster_folder(cluster)
    groups, namespaces = cgroups.find(prefix), network.find(prefix)
    if not groups and not namespaces and not folder.exists():
        return False
    with step("cluster taken down"):
        for group in groups.values():
            group.kill()
            group.remove()
        cgroups.tidy()
        for namespace in namespaces:
            network.remove(namespace)
        for device in _loop_devices(folder):
            run(["losetup", "-d", device], check=False)
        wait_for("its loop devices to go", lambda: not _loop_devices(folder), seconds=10, hint="See `losetup -l`.")
        remove_tree(folder)
    return True


def _loop_devices(folder: Path) -> list[str]:
    found = []
    for file in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            backing = file.read_text()
        except OSError:  # gone meanwhile
            continue
        if backing.startswith(f"{folder}/"):
            found.append(f"/dev/{file.parent.parent.name}")
    return found
