"""Claims: directories of volumes, each with a quota. What the controller does in the trusted pool.

All of it runs in a peer, by exec: only there can a quota be set, and the controller needs no mount of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hooks.gluster.runner import ExecResult, OutcomeUnknown, PeerUnavailable

log = logging.getLogger("csi")
CLAIMS_DIR = "claims"
"""The directory of a volume that holds those of its claims."""
EXEC_SECONDS = 100

Exec = Callable[[str, Sequence[str], float], ExecResult]

SCRIPT = Path(__file__).with_name("claims.sh").read_text()


class NoSuchClaim(Exception):
    """The volume has no directory of this name."""


class Unavailable(Exception):
    """It failed, or its outcome is unknown. It can be tried again as a whole; the message gives the reason."""


@dataclass(frozen=True)
class Claims:
    """The peers of a release. `peers` gives the pods that are Ready, `run` executes a command in one of them."""

    peers: Callable[[], Sequence[str]]
    run: Exec

    def create(self, volume: str, name: str, size: int) -> int:
        """Make a directory for `size` bytes unless it exists; returns its size in bytes. Raises Unavailable."""
        return int(self._do("create", volume, name, size).rsplit("size=", 1)[1])

    def expand(self, volume: str, name: str, size: int) -> int:
        """Make it at least `size` bytes large; returns its size in bytes. Raises NoSuchClaim, Unavailable."""
        return int(self._do("expand", volume, name, size).rsplit("size=", 1)[1])

    def check(self, volume: str, name: str) -> None:
        """Raises NoSuchClaim if the directory does not exist, Unavailable."""
        self._do("check", volume, name)

    def delete(self, volume: str, name: str) -> None:
        """Remove a directory, if it exists, with all that is in it. Raises Unavailable."""
        try:
            self._do("delete", volume, name)
        except NoSuchClaim:
            log.info("The volume %s is gone, and its claim %s with it.", volume, name)

    def _do(self, action: str, volume: str, name: str, size: int = 0) -> str:
        problems = []
        for peer in self.peers():
            try:
                argv = ["bash", "-c", SCRIPT, "claims.sh", action, volume, name, str(size)]
                result = self.run(peer, argv, EXEC_SECONDS)
            except PeerUnavailable as error:
                problems.append(str(error))
                continue
            except OutcomeUnknown as error:
                raise Unavailable(f"{action} {volume}/{CLAIMS_DIR}/{name}: {error}") from error
            if result.exit_code in (3, 4):
                raise NoSuchClaim(
                    f"{volume}/{CLAIMS_DIR}/{name} does not exist: {result.stdout.strip() or 'no such directory'}"
                )
            if result.exit_code:
                output = " ".join((result.stdout + result.stderr).split()) or f"exit code {result.exit_code}"
                raise Unavailable(f"{action} {volume}/{CLAIMS_DIR}/{name} in the peer {peer}: {output}")
            return result.stdout
        raise Unavailable(f"No peer accepts a command: {'; '.join(problems) or 'none is Ready'}.")
