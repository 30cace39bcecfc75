"""The pool itself: who is asked what, and what goes wrong on the way."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

from hooks.gluster.runner import ExecResult, OutcomeUnknown
from tests.unit.fake_pool import bricks, peers, volumes
from tests.unit.fake_pool.model import FakeCluster, FakePeer, UnknownCommand
from tests.unit.fake_pool.shell import run_shell
from tests.unit.fake_pool.xml import HEAD, fail


class FakePool:
    """A Runner. `execs` keeps what was run where; `lose_connection` says after which exec, by its number from 1, the
    answer is lost though the command had its effect; `locked` is how many starts another transaction will refuse,
    `failing` how many rebalances will fail, `stubborn` how many files the next ones will leave where they are."""

    def __init__(self, *names: str, net: str = "10.0.0."):
        self.peers: dict[str, FakePeer] = {}
        for number, name in enumerate(names, start=1):
            self.add(name, f"{net}{number}")
        self.execs: list[tuple[str, str]] = []
        self.commands: list[str] = []
        self.lose_connection: Callable[[int], bool] = lambda number: False
        self.locked = 0
        self.failing = 0
        self.stubborn = 0
        self.rebalanced: list[str] = []

    def add(self, name: str, address: str) -> FakePeer:
        cluster = FakeCluster()
        peer = self.peers[name] = FakePeer(name, address, str(uuid.uuid4()), cluster)
        cluster.members.append(peer)
        return peer

    def blank(self, name: str) -> FakePeer:
        """The peer's state folder is lost: it comes back with another UUID and knows nobody; the others miss it."""
        lost = self.peers[name]
        peer = self.add(name, lost.address)
        peer.folders, peer.files, peer.full = lost.folders, lost.files, lost.full
        lost.answers = False
        for volume in lost.cluster.volumes.values():
            for brick in volume.bricks:
                if brick.host == lost.address:
                    brick.online = False
                    volume.healing = max(volume.healing, 2) if volume.copies else 0
        return peer

    @property
    def addresses(self) -> dict[str, str]:
        return {peer.name: peer.address for peer in self.peers.values()}

    def run(self, peer: str, argv: Sequence[str], stdin: str = "", timeout: float = 60) -> ExecResult:
        self.execs.append((peer, stdin or argv[2]))
        if list(argv[2:]) == ["gluster", "--mode=script", "--xml"]:
            result = self._session(self.peers[peer], stdin.splitlines())
        elif list(argv[2:4]) == ["bash", "-c"] and "--remote-host" in argv[4]:
            result = self._at_addresses(argv[6].splitlines(), argv[7:])
        elif list(argv[2:4]) == ["bash", "-c"] and "/dev/tcp/" in argv[4]:
            introduces = "hostname -I" in argv[4]
            look, reach = (argv[7:][: int(argv[6])], argv[7:][int(argv[6]) :]) if introduces else ([], argv[6:])
            silent = [a for a in reach if not any(p.address == a and p.answers for p in self.peers.values())]
            away = ExecResult(f"away: {' '.join(silent)}\n", "", 0)
            result = away if silent else self._session(self.peers[peer], stdin.splitlines())
            if introduces:
                folders = self._folders(self.peers[peer], look[4:])
                result = replace(result, stdout=f"{self.peers[peer].address} \n{folders}@0\n{result.stdout}")
        elif list(argv[2:4]) == ["bash", "-c"] and "coproc gluster" in argv[4]:
            result = self._bound_session(self.peers[peer], stdin.splitlines(), set(argv[6:]))
        elif list(argv[2:4]) == ["test", "-e"]:
            result = ExecResult("", "", 0 if self.peers[peer].taking_over else 1)
        elif list(argv[2:4]) == ["sh", "-c"] and "cd /var/lib/glusterd/vols ||" in argv[4]:
            names = self.peers[peer].cluster.volumes
            checksum = 222 if self.peers[peer].odd else 111
            result = ExecResult("".join(f"{name} 3 {checksum}\n" for name in names), "", 0)
        elif list(argv[2:4]) == ["sh", "-c"] and len(argv) == 5:
            result = run_shell(self, self.peers[peer], argv[4])
        elif list(argv[2:4]) == ["sh", "-c"]:
            result = ExecResult(self._folders(self.peers[peer], argv[6:]), "", 0)
        else:
            raise UnknownCommand(f"{argv}")
        if self.lose_connection(len(self.execs)):
            raise OutcomeUnknown("the connection was lost")
        return result

    def _folders(self, peer: FakePeer, paths: Sequence[str]) -> str:
        data = {path: "yes" if peer.has_files(path) else "no" for path in paths}
        return "".join(json.dumps({**peer.folder(path), "data": data[path]}) + "\n" for path in paths)

    def _at_addresses(self, commands: Sequence[str], addresses: Sequence[str]) -> ExecResult:
        out = ""
        for address in addresses:
            peer = next((p for p in self.peers.values() if p.address == address), None)
            said = self._session(peer, commands).stdout if peer else "Connection failed."
            out += f"@ {address}\n{said}\n"
        return ExecResult(out, "", 0)

    def _session(self, peer: FakePeer, commands: Sequence[str]) -> ExecResult:
        if not peer.answers:
            return ExecResult("Connection failed. Please check if gluster daemon is operational.\n", "", 1)
        documents = []
        for command in commands:
            self.commands.append(command)
            words = command.split()
            for length in (3, 2):
                if handler := _HANDLERS.get(" ".join(words[:length])):
                    documents.append(HEAD + handler(self, peer, words[length:]))
                    break
            else:
                raise UnknownCommand(command)
        return ExecResult("\n".join(documents) + "\n", "Welcome to gluster prompt, type 'help' ...\n", 0)

    def _bound_session(self, peer: FakePeer, commands: Sequence[str], failed: set[str]) -> ExecResult:
        """Each command for itself; those for a volume that had one refused are not tried."""
        out = ""
        for command in commands:
            volume = command.split()[2]
            if volume in failed:
                out += HEAD + fail("not tried, as one before it failed", "0")
                continue
            result = self._session(peer, [command])
            out += result.stdout
            if result.exit_code:
                return ExecResult(out, "", result.exit_code)
            if "<opRet>0</opRet>" not in result.stdout:
                failed = {*failed, volume}
        return ExecResult(out, "", 0)


_HANDLERS: dict[str, Callable[[FakePool, FakePeer, list[str]], str]] = {
    "system:: uuid get": peers.uuid_get,
    "system:: uuid reset": peers.uuid_reset,
    "peer status": peers.peer_status,
    "peer probe": peers.peer_probe,
    "volume info": volumes.volume_info,
    "volume status": volumes.volume_status,
    "volume create": volumes.volume_create,
    "volume get": volumes.volume_get,
    "volume reset-brick": bricks.volume_reset_brick,
    "volume start": volumes.volume_start,
    "volume stop": volumes.volume_stop,
    "volume delete": volumes.volume_delete,
    "volume add-brick": bricks.volume_add_brick,
    "volume replace-brick": bricks.volume_replace_brick,
    "volume remove-brick": bricks.volume_remove_brick,
    "peer detach": peers.peer_detach,
    "volume rebalance": bricks.volume_rebalance,
    "volume heal": bricks.volume_heal,
    "volume set": volumes.volume_set,
    "volume reset": volumes.volume_reset,
}
