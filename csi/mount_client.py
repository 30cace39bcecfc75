"""How `node` asks `client` for mounts, see ipc."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from csi.fuse import MOUNT_SECONDS
from csi.rpc import Code, Failed


class MountClient:
    """The Mounter of `node`: the client's pod, which listens at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def mount(self, volume: str, options: Sequence[str]) -> None:
        self._ask({"mount": volume, "options": [*options]}, MOUNT_SECONDS + 15)

    def release(self, key: str) -> None:
        self._ask({"release": key}, 15)

    def _ask(self, request: Mapping[str, str | list[str]], seconds: float) -> None:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(seconds)
                connection.connect(str(self._path))
                connection.sendall(json.dumps(request).encode() + b"\n")
                line = connection.makefile().readline()
        except OSError as error:
            message = f"The client's pod on this node does not answer ({error}); the kubelet tries again."
            raise Failed(Code.UNAVAILABLE, message) from error
        answer = json.loads(line) if line else {"error": "The client's pod on this node has just ended."}
        if "error" in answer:
            raise Failed(Code.UNAVAILABLE, answer["error"])
