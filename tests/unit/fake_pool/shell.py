"""What the hook does in a peer's shell, not through gluster."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooks.gluster.runner import ExecResult
from tests.unit.fake_pool.model import FakePeer, UnknownCommand

if TYPE_CHECKING:
    from tests.unit.fake_pool.pool import FakePool


def run_shell(pool: FakePool, peer: FakePeer, command: str) -> ExecResult:
    if command.startswith("gluster --mode=script volume heal "):
        return ExecResult("Launching heal operation to perform index self heal on volume has been successful\n", "", 0)
    if command.startswith("cd /var/lib/glusterd && mkdir -p removed && for volume in ") and " kill " in command:
        peer.odd = False
        return ExecResult("", "", 0)
    if command.startswith("for pid in $(grep -lz '^shd/' "):
        peer.unserved = {*peer.cluster.volumes}
        return ExecResult("", "", 0)
    if "getfattr " in command and " && rm -rf " in command:
        path = command.rsplit(maxsplit=1)[-1]
        folder = peer.folder(path)
        if command.startswith(f"left=$(find {path} ") and peer.has_files(path):
            return ExecResult("", "", 1)
        if not folder["id"] or f"=0x{folder['id']} " not in command:
            return ExecResult("", "", 1)
        peer.empty(path)
        return ExecResult("", "", 0)
    if command.startswith("left=$(find "):
        found = peer.has_files(command.split()[1])
        return ExecResult("", "a file has not been moved.\n" if found else "", int(found))
    if command.startswith("rm /var/lib/glusterd/taking-over && sync && kill "):
        peer.taking_over = False
        return ExecResult("", "", 0)
    if command.startswith("cd /var/lib/glusterd && touch "):
        return _new_identity(pool, peer, command)
    path = command.split()[1]
    if "setfattr -x trusted.glusterfs.volume-id" not in command or not command.endswith(f"rmdir {path}"):
        raise UnknownCommand(command)
    folder = peer.folder(path)
    folder["id"] = ""
    if peer.has_files(path):
        return ExecResult("", f"rmdir: failed to remove '{path}': Directory not empty\n", 1)
    folder["kind"] = "absent"
    return ExecResult("", "", 0)


def _new_identity(pool: FakePool, peer: FakePeer, command: str) -> ExecResult:
    """Other identity files are written and glusterd starts anew: the peers that know this UUID take it in."""
    written = {file: text for text, file in re.findall(r"printf '(.*?)' > (\S+)", command)}
    info = written["glusterd.info.new"]
    own = info.removeprefix("UUID=").split("\\n")[0]
    known = {file.removeprefix("peers/") for file in written if file.startswith("peers/")}
    if not info.endswith("operating-version=110000\\n") or "kill" not in command:
        raise UnknownCommand(command)
    cluster = next(p.cluster for p in pool.peers.values() if p.uuid in known)
    (lost,) = (member for member in cluster.members if member.uuid == own)
    assert known == {member.uuid for member in cluster.members} - {own}, "it must know every other peer"
    cluster.members[cluster.members.index(lost)] = peer
    peer.cluster, peer.uuid, peer.taking_over = cluster, own, True
    for volume in cluster.volumes.values():
        for brick in volume.bricks:
            folder = peer.folder(brick.path)
            if brick.host == peer.address and volume.started and folder["id"] == volume.hex_id:
                brick.online = True
    return ExecResult("", "", 0)
