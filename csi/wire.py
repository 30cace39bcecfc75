"""How `node` asks `client`: over a unix socket that only root may use, one JSON object a line each way."""

from __future__ import annotations

import json
import logging
import os
import socket
import socketserver
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc

from csi.client import Client
from csi.fuse import MOUNT_SECONDS, NotMounted, Spec
from csi.rpc import Failed

log = logging.getLogger("client")


def listen(path: Path, client: Client) -> socketserver.ThreadingUnixStreamServer:
    """The server at `path`; its `serve_forever` answers for `client`."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for line in self.rfile:
                self.wfile.write(json.dumps(_answer(client, json.loads(line))).encode() + b"\n")

    path.unlink(missing_ok=True)
    before = os.umask(0o177)
    try:
        server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
    finally:
        os.umask(before)
    server.daemon_threads = True
    return server


def _answer(client: Client, request: dict[str, Any]) -> dict[str, str]:
    try:
        if "mount" in request:
            client.mount(Spec(request["mount"], tuple(request["options"])))
        else:
            client.release(request["release"])
    except NotMounted as error:
        return {"error": str(error)}
    except OSError as error:
        log.exception("%s", request)
        return {"error": f"The client's pod on this node could not do it: {error}"}
    return {}


class Caller:
    """The Mounter of `node`: asks the client's pod at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def mount(self, volume: str, options: Sequence[str]) -> None:
        self._ask({"mount": volume, "options": [*options]}, MOUNT_SECONDS + 15)

    def release(self, key: str) -> None:
        self._ask({"release": key}, 15)

    def _ask(self, request: dict[str, Any], seconds: float) -> None:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(seconds)
                connection.connect(str(self._path))
                connection.sendall(json.dumps(request).encode() + b"\n")
                line = connection.makefile().readline()
        except OSError as error:
            words = f"The client's pod on this node does not answer ({error}); it is tried again."
            raise Failed(grpc.StatusCode.UNAVAILABLE, words) from error
        answer = json.loads(line) if line else {"error": "The client's pod on this node has just ended."}
        if "error" in answer:
            raise Failed(grpc.StatusCode.UNAVAILABLE, answer["error"])
