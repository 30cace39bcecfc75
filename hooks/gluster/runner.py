"""The one seam between the hook's logic and a peer: run a command there, get its output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class ExecResult:
    """What a finished command left: its output and its exit code (124 when `timeout` ended it)."""

    stdout: str
    stderr: str
    exit_code: int


class OutcomeUnknown(Exception):
    """The connection was lost or time ran out in mid-command: it may or may not have taken effect.

    The right answer is to observe the pool again, never to repeat the command blindly.
    """


class PeerUnavailable(Exception):
    """The peer cannot be used: its pod refuses the command or its glusterd does not answer. Nothing was done."""


class Runner(Protocol):
    """Runs a command in a peer's container."""

    def run(self, peer: str, argv: Sequence[str], stdin: str = "", timeout: float = 60) -> ExecResult:
        """Run `argv` in the container of `peer` (a node's name in values) and wait for it, `timeout` seconds at most.

        Raises OutcomeUnknown when the connection broke after the command was sent, PeerUnavailable when it never was.
        """
