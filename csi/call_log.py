"""One log line for each gRPC call: what was called, for which volume and target, its result and the seconds it took."""

from __future__ import annotations

import json
import logging
import threading

import grpc
from google.protobuf.message import Message

from csi.csi_pb2 import NodeGetVolumeStatsResponse

log = logging.getLogger("csi")
POLLED = frozenset(
    {
        "Probe",
        "GetPluginInfo",
        "GetPluginCapabilities",
        "GetInfo",
        "ControllerGetCapabilities",
        "NodeGetCapabilities",
        "NodeGetVolumeStats",
    }
)
"""Calls that the kubelet and the sidecars repeat for as long as they run."""
MAX_LENGTH = 1024
"""Characters of a caller's text that are logged."""
MAX_REMEMBERED = 10_000
"""Results of polled calls that are remembered; pods come and go, so they have to be forgotten at some time."""


class CallLog:
    """The log of a server. A call of POLLED is logged only if it fails or if its result is not the one before."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._last: dict[tuple[str, str, str], tuple[grpc.StatusCode, str]] = {}

    def write(self, call: str, request: Message, result: tuple[grpc.StatusCode, str], seconds: float) -> None:
        """Log a call that has ended with a code and, unless all is well, a sentence.

        Nothing of the request is logged but the volume and the path: its other fields may be secret.
        """
        volume = str(getattr(request, "volume_id", "") or getattr(request, "name", ""))
        target = str(getattr(request, "target_path", "") or getattr(request, "volume_path", ""))
        code, sentence = result
        failed = code != grpc.StatusCode.OK
        if call in POLLED and not self._is_news((call, volume, target), result) and not failed:
            return
        words = [
            call,
            _field("volume", volume),
            _field("target", target),
            f"code={code.name}",
            f"seconds={seconds:.3f}",
        ]
        line = " ".join(filter(None, [*words, _field("message", sentence)]))
        log.log(logging.WARNING if failed else logging.INFO, "%s", line)

    def _is_news(self, call: tuple[str, str, str], result: tuple[grpc.StatusCode, str]) -> bool:
        with self._mutex:
            if len(self._last) >= MAX_REMEMBERED:
                self._last.clear()
            before = self._last.get(call)
            self._last[call] = result
            return before != result


def problem_in(answer: Message) -> str:
    """What an answer reports to be wrong though the call is done: a volume whose bricks are away. "" if nothing is."""
    condition = answer.volume_condition if isinstance(answer, NodeGetVolumeStatsResponse) else None
    return condition.message if condition and condition.abnormal else ""


def _field(name: str, text: str) -> str:
    """Quoted, so that no caller can write a line of its own."""
    return f"{name}={json.dumps(text[:MAX_LENGTH])}" if text else ""
