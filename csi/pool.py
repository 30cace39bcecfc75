"""What the controller does in the pool: directories of volumes for claims, each with a quota.

All of it runs in a peer, by exec: only there can a quota be set, and a directory be made without a mount of one's own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hooks.gluster.runner import ExecResult, OutcomeUnknown, PeerUnavailable

log = logging.getLogger("csi")
FOLDER = "claims"
"""The folder of a volume in which the directories of its claims lie."""
EXEC_SECONDS = 100

Exec = Callable[[str, Sequence[str], float], ExecResult]

SCRIPT = Path(__file__).with_name("claims.sh").read_text()


class NoSuchClaim(Exception):
    """The volume has no directory of this name."""


class NotNow(Exception):
    """It could not be done, or nobody knows whether it was: all of it can be tried again. The message says why."""


@dataclass(frozen=True)
class Pool:
    """The peers of a release. `peers` gives the pods that are Ready, `run` executes a command in one of them."""

    peers: Callable[[], Sequence[str]]
    run: Exec

    def create(self, volume: str, name: str, size: int) -> int:
        """Make a directory that holds `size` bytes; the size in bytes that it has if it was there. Raises NotNow."""
        return int(self._do("create", volume, name, size).rsplit("size=", 1)[1])

    def expand(self, volume: str, name: str, size: int) -> int:
        """Let a directory hold at least `size` bytes; its size in bytes then. Raises NoSuchClaim, NotNow."""
        return int(self._do("expand", volume, name, size).rsplit("size=", 1)[1])

    def look(self, volume: str, name: str) -> None:
        """Raises NoSuchClaim when there is no such directory, NotNow."""
        self._do("look", volume, name)

    def delete(self, volume: str, name: str) -> None:
        """Remove a directory with all that is in it; none is fine. Raises NotNow."""
        try:
            self._do("delete", volume, name)
        except NoSuchClaim:
            log.info("The volume %s is not there any more, and neither is %s.", volume, name)

    def _do(self, what: str, volume: str, name: str, size: int = 0) -> str:
        problems = []
        for peer in self.peers():
            try:
                argv = ["bash", "-c", SCRIPT, "claims.sh", what, volume, name, str(size)]
                result = self.run(peer, argv, EXEC_SECONDS)
            except PeerUnavailable as error:
                problems.append(str(error))
                continue
            except OutcomeUnknown as error:
                raise NotNow(f"{what} {volume}/{FOLDER}/{name}: {error}") from error
            if result.exit_code in (3, 4):
                raise NoSuchClaim(
                    f"{volume}/{FOLDER}/{name} is not there: {result.stdout.strip() or 'no such directory'}"
                )
            if result.exit_code:
                said = " ".join((result.stdout + result.stderr).split())
                raise NotNow(f"{what} {volume}/{FOLDER}/{name} in the peer {peer}: {said or result.exit_code}")
            return result.stdout
        raise NotNow(f"No peer takes a command: {'; '.join(problems) or 'none is Ready'}.")
