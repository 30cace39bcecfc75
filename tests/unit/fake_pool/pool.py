"""The pool itself: who is asked what, and what goes wrong on the way."""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Callable, Sequence

from hooks.gluster import scripts
from hooks.gluster.runner import ExecResult, OutcomeUnknown
from tests.unit.fake_pool import bricks, peers, volumes
from tests.unit.fake_pool.model import FakeCluster, FakePeer, UnknownCommand
from tests.unit.fake_pool.scripts import run_script, script_of
from tests.unit.fake_pool.xml import HEAD


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
        called = script_of(argv)
        self.execs.append((peer, stdin or (scripts.shown(*called) if called else shlex.join(argv[2:]))))
        if list(argv[2:]) == ["gluster", "--mode=script", "--xml"]:
            result = self.session(self.peers[peer], stdin.splitlines())
        elif called:
            result = run_script(self, self.peers[peer], *called, stdin)
        elif list(argv[2:4]) == ["test", "-e"]:
            result = ExecResult("", "", 0 if self.peers[peer].taking_over else 1)
        else:
            raise UnknownCommand(f"{argv}")
        if self.lose_connection(len(self.execs)):
            raise OutcomeUnknown("the connection was lost")
        return result

    def session(self, peer: FakePeer, commands: Sequence[str]) -> ExecResult:
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
