"""How `client` answers `node`: over a unix socket that only root may use, one JSON object a line in each direction.

Neither this nor what it imports needs gRPC: the client's pod is on every node, and gRPC would be 15 of its 34 MiB.
"""

from __future__ import annotations

import json
import logging
import os
import socketserver
from pathlib import Path

from csi.client import MountSupervisor
from csi.fuse import NotMounted, Spec

log = logging.getLogger("client")


def listen(path: Path, supervisor: MountSupervisor) -> socketserver.ThreadingUnixStreamServer:
    """A server at `path`, whose `serve_forever` answers for `supervisor`."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for line in self.rfile:
                self.wfile.write(json.dumps(_answer(supervisor, json.loads(line))).encode() + b"\n")

    path.unlink(missing_ok=True)
    before = os.umask(0o177)
    try:
        server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
    finally:
        os.umask(before)
    server.daemon_threads = True
    return server


def _answer(supervisor: MountSupervisor, request: object) -> dict[str, str]:
    try:
        match request:
            case {"mount": str(volume), "options": list(options)}:
                supervisor.mount(Spec(volume, tuple(options)))
            case {"release": str(key)}:
                supervisor.release(key)
            case _:
                return {
                    "error": f"The client's pod does not know the request {request}: bring both pods to one version."
                }
    except NotMounted as error:
        return {"error": str(error)}
    except OSError as error:
        log.exception("%s", request)
        return {"error": f"The client's pod on this node failed: {error}"}
    return {}
