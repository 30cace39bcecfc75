"""`python -m csi client`, `node` or `controller`: the driver's programs. Paths are the same in pods and on nodes."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from csi.client import Client
from csi.fuse import Fuse, read_servers
from csi.mounts import Linux
from csi.wire import listen

if TYPE_CHECKING:
    from csi.node import Node as NodeService

log = logging.getLogger("csi")
VERSION = os.environ.get("VERSION", "unknown")
SECURE_ACCESS = Path("/var/lib/glusterd/secure-access")
"""Where this file is, FUSE processes ask glusterd for volumes over TLS."""
REPAIR_SECONDS = 10
"""How often a mount that could not be bound anew is tried again; without one, changes of the mount table set it off."""


def client(options: argparse.Namespace) -> None:
    """Hold the FUSE processes until told to end."""
    if options.pod_network:  # the address of a pod that is gone must not be tried for minutes
        Path("/proc/sys/net/ipv4/tcp_syn_retries").write_text("2")
    if options.tls:
        SECURE_ACCESS.touch()
    kernel = Linux(options.stage)
    held = Client(options.folder, Fuse(options.driver, lambda: read_servers(options.servers), kernel), kernel)
    held.restore()
    wire = listen(options.folder / "client.sock", held)
    threading.Thread(target=wire.serve_forever, daemon=True).start()
    _until_told()
    wire.shutdown()
    held.close()


def node(options: argparse.Namespace) -> None:
    """Answer the kubelet until told to end."""
    from csi import csi_pb2, registration_pb2  # noqa: PLC0415
    from csi.caller import Caller  # noqa: PLC0415
    from csi.identity import Identity, Registration  # noqa: PLC0415
    from csi.node import Node  # noqa: PLC0415
    from csi.rpc import server  # noqa: PLC0415

    kernel = Linux(options.stage)
    pods, registry = options.kubelet / "pods", options.kubelet / "plugins_registry"
    caller = Caller(options.folder / "client.sock")
    target = Node(options.driver, options.node, str(options.folder), str(pods), kernel, caller)
    services = csi_pb2.DESCRIPTOR.services_by_name
    identity = Identity(options.driver, VERSION, controller=False)
    socket = options.folder / "csi.sock"
    serving = server(f"unix://{socket}", {services["Identity"]: identity, services["Node"]: target})
    registration = Registration(options.driver, str(socket), options.stage / "registered")
    registrar = registration_pb2.DESCRIPTOR.services_by_name["Registration"]
    registering = server(f"unix://{registry / options.driver}.sock", {registrar: registration})
    threading.Thread(target=_follow, args=(kernel, target), daemon=True).start()
    _until_told()
    (registry / f"{options.driver}.sock").unlink(missing_ok=True)
    registering.stop(0)
    serving.stop(10).wait()


def controller(options: argparse.Namespace) -> None:
    """Make and delete directories for claims until told to end (in the hooks' image)."""
    from csi import csi_pb2  # noqa: PLC0415
    from csi.controller import Controller  # noqa: PLC0415
    from csi.identity import Identity  # noqa: PLC0415
    from csi.pool import Pool  # noqa: PLC0415
    from csi.rpc import server  # noqa: PLC0415
    from hooks.kube.client import KubeClient  # noqa: PLC0415
    from hooks.kube.pods import ready_pods  # noqa: PLC0415
    from hooks.kube.release import Release  # noqa: PLC0415

    client = KubeClient(options.namespace)
    release = Release(client, options.release)
    pool = Pool(lambda: ready_pods(release.pods()), lambda peer, argv, seconds: client.exec(peer, argv, "", seconds))
    services = csi_pb2.DESCRIPTOR.services_by_name
    identity = Identity(options.driver, VERSION, controller=True)
    made = {services["Identity"]: identity, services["Controller"]: Controller(pool)}
    serving = server(f"unix://{options.stage / 'csi.sock'}", made)
    _until_told()
    serving.stop(10).wait()


def _follow(kernel: Linux, target: NodeService) -> None:
    for _ in kernel.changes(REPAIR_SECONDS):
        try:
            target.repair()
            target.tidy()
        except Exception:  # a thread that ended would repair nothing any more
            log.exception("The mounts could not be looked through.")


def _until_told() -> None:
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    signal.signal(signal.SIGINT, lambda *_: told.set())
    told.wait()


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m csi", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(run: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
        command = commands.add_parser(run.__name__, help=run.__doc__)
        command.set_defaults(run=run)
        command.add_argument("--driver", required=True, help="the driver's name in this cluster")
        command.add_argument("--stage", type=Path, required=True, help="a folder of this pod alone")
        return command

    plugin = "its folder below the kubelet's plugins"
    command = add(client)
    command.add_argument("--folder", type=Path, required=True, help=plugin)
    command.add_argument("--servers", type=Path, required=True, help="a file of servers, one a line")
    command.add_argument(
        "--pod-network", action="store_true", help="the pod has a network of its own, as the peers have"
    )
    command.add_argument("--tls", action="store_true", help="the pool has TLS; certificates are in /tls")
    command = add(node)
    command.add_argument("--folder", type=Path, required=True, help=plugin)
    command.add_argument("--node", required=True, help="the name of the Kubernetes node")
    command.add_argument("--kubelet", type=Path, required=True, help="the kubelet's folder")
    command = add(controller)
    command.add_argument("--namespace", required=True, help="where the peers are")
    command.add_argument("--release", required=True, help="the Helm release they are of")
    return top


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stderr)
    chosen = parser().parse_args()
    chosen.run(chosen)
