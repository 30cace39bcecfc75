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

from csi.client import MountSupervisor
from csi.fuse import Fuse, read_servers
from csi.ipc import listen
from csi.mounts import Linux

if TYPE_CHECKING:
    from csi.node import NodeService

log = logging.getLogger("csi")
VERSION = os.environ.get("VERSION", "unknown")
SECURE_ACCESS = Path("/var/lib/glusterd/secure-access")
"""If this file exists, FUSE processes talk to glusterd over TLS."""
REPAIR_SECONDS = 10
"""How often mounts are repaired without a change of the mount table: for targets that could not be bound again."""


def client(options: argparse.Namespace) -> None:
    """Run the FUSE processes of the node's volumes, until a signal."""
    if options.pod_network:  # or the address of a pod that is gone is tried for minutes
        Path("/proc/sys/net/ipv4/tcp_syn_retries").write_text("2")
    if options.tls:
        SECURE_ACCESS.touch()
    kernel = Linux(options.scratch_dir)
    fuse = Fuse(options.driver, lambda: read_servers(options.servers), kernel)
    supervisor = MountSupervisor(options.plugin_dir, fuse, kernel)
    supervisor.restore()
    listener = listen(options.plugin_dir / "client.sock", supervisor)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    _wait_for_signal()
    listener.shutdown()
    supervisor.close()


def node(options: argparse.Namespace) -> None:
    """Answer the kubelet, until a signal."""
    from csi import csi_pb2, registration_pb2  # noqa: PLC0415
    from csi.identity import EndPoint, IdentityService, RegistrationService  # noqa: PLC0415
    from csi.mount_client import MountClient  # noqa: PLC0415
    from csi.node import NodeService, Place  # noqa: PLC0415
    from csi.rpc import server  # noqa: PLC0415

    kernel = Linux(options.scratch_dir)
    pods, registry = options.kubelet / "pods", options.kubelet / "plugins_registry"
    mounter = MountClient(options.plugin_dir / "client.sock")
    place = Place(options.node, str(options.plugin_dir), str(pods))
    service = NodeService(options.driver, place, kernel, mounter)
    services = csi_pb2.DESCRIPTOR.services_by_name
    identity = IdentityService(options.driver, VERSION, EndPoint.NODE)
    socket = options.plugin_dir / "csi.sock"
    serving = server(f"unix://{socket}", {services["Identity"]: identity, services["Node"]: service})
    registration = RegistrationService(options.driver, str(socket), options.scratch_dir / "registered")
    registrar = registration_pb2.DESCRIPTOR.services_by_name["Registration"]
    registering = server(f"unix://{registry / options.driver}.sock", {registrar: registration})
    threading.Thread(target=_follow_mounts, args=(kernel, service), daemon=True).start()
    _wait_for_signal()
    (registry / f"{options.driver}.sock").unlink(missing_ok=True)
    registering.stop(0)
    serving.stop(10).wait()


def controller(options: argparse.Namespace) -> None:
    """Make and delete directories for claims, until a signal (in the hooks' image)."""
    from csi import csi_pb2  # noqa: PLC0415
    from csi.claims import Claims  # noqa: PLC0415
    from csi.controller import ControllerService  # noqa: PLC0415
    from csi.identity import EndPoint, IdentityService  # noqa: PLC0415
    from csi.rpc import server  # noqa: PLC0415
    from hooks.kube.client import KubeClient  # noqa: PLC0415
    from hooks.kube.pods import ready_pods  # noqa: PLC0415
    from hooks.kube.release import Release  # noqa: PLC0415

    client = KubeClient(options.namespace)
    release = Release(client, options.release)
    claims = Claims(
        peers=lambda: ready_pods(release.pods()),
        run=lambda peer, argv, seconds: client.exec(peer, argv, "", seconds),
    )
    services = csi_pb2.DESCRIPTOR.services_by_name
    identity = IdentityService(options.driver, VERSION, EndPoint.CONTROLLER)
    made = {services["Identity"]: identity, services["Controller"]: ControllerService(claims)}
    serving = server(f"unix://{options.socket_dir / 'csi.sock'}", made)
    _wait_for_signal()
    serving.stop(10).wait()


def _follow_mounts(kernel: Linux, service: NodeService) -> None:
    for _ in kernel.changes(REPAIR_SECONDS):
        try:
            service.repair()
            service.release_unused()
        except Exception:  # the thread must go on
            log.exception("The mounts could not be repaired; the next change of the mount table tries again.")


def _wait_for_signal() -> None:
    signalled = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: signalled.set())
    signal.signal(signal.SIGINT, lambda *_: signalled.set())
    signalled.wait()


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m csi", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(run: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
        command = commands.add_parser(run.__name__, help=run.__doc__)
        command.set_defaults(run=run)
        command.add_argument("--driver", required=True, help="the driver's name in this cluster")
        return command

    plugin_dir = "the driver's directory below the kubelet's `plugins`"
    scratch_dir = "a directory of this pod alone"
    command = add(client)
    command.add_argument("--plugin-dir", type=Path, required=True, help=plugin_dir)
    command.add_argument("--scratch-dir", type=Path, required=True, help=scratch_dir)
    command.add_argument("--servers", type=Path, required=True, help="a file with the peers' addresses, one a line")
    command.add_argument(
        "--pod-network", action="store_true", help="the pod has a network of its own, as the peers have"
    )
    command.add_argument("--tls", action="store_true", help="the pool has TLS; certificates are in /tls")
    command = add(node)
    command.add_argument("--plugin-dir", type=Path, required=True, help=plugin_dir)
    command.add_argument("--scratch-dir", type=Path, required=True, help=scratch_dir)
    command.add_argument("--node", required=True, help="the name of the Kubernetes node")
    command.add_argument("--kubelet", type=Path, required=True, help="the kubelet's root directory")
    command = add(controller)
    command.add_argument("--socket-dir", type=Path, required=True, help="where the sidecars look for csi.sock")
    command.add_argument("--namespace", required=True, help="where the peers are")
    command.add_argument("--release", required=True, help="the Helm release they are of")
    return top


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stderr)
    chosen = parser().parse_args()
    chosen.run(chosen)
