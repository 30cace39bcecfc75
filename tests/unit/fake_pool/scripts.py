"""The hook's scripts, by their names and arguments: what each does to the pool.

Those that work on a brick's folder are run, see folders.py. The others end processes or ask the network: the unit tests
of the scripts run them with stand-ins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from hooks.gluster import scripts
from hooks.gluster.runner import ExecResult
from tests.unit.fake_pool.folders import inspect_folders, on_folder
from tests.unit.fake_pool.model import FakePeer, UnknownCommand
from tests.unit.fake_pool.xml import HEAD, fail

if TYPE_CHECKING:
    from tests.unit.fake_pool.pool import FakePool

DONE = ExecResult("", "", 0)


def script_of(argv: Sequence[str]) -> tuple[str, list[str]] | None:
    """Name and arguments of the script that is run, None if `argv` runs none. A text under a wrong name is an error."""
    words = [*argv[2:]] if argv[0] == "timeout" else [*argv]
    if words[:2] != ["bash", "-c"]:
        return None
    name, arguments = words[3], words[4:]
    if words != scripts.argv(name, *arguments):
        raise UnknownCommand(f"This is not {name}: {words[2]}")
    return name, arguments


def run_script(pool: FakePool, peer: FakePeer, name: str, arguments: list[str], stdin: str) -> ExecResult:
    if name not in KNOWN:
        raise UnknownCommand(f"{name} {arguments}")
    return KNOWN[name](pool, peer, arguments, stdin.splitlines())


def _require_reachable(pool: FakePool, peer: FakePeer, arguments: list[str], commands: list[str]) -> ExecResult:
    port, *addresses = arguments
    assert port == "24007"
    answering = {other.address for other in pool.peers.values() if other.answers}
    if silent := [address for address in addresses if address not in answering]:
        return ExecResult("".join(f"{address}\n" for address in silent), "", 69)
    return pool.session(peer, commands)


def _host_info(pool: FakePool, peer: FakePeer, arguments: list[str], commands: list[str]) -> ExecResult:
    count, *rest = arguments
    command, rest = rest[: int(count)], rest[int(count) :]
    found = DONE
    if command:
        name, paths = script_of(command) or ("", [])
        assert name == "inspect-folders.sh", command
        found = inspect_folders(peer, paths)
    result = _require_reachable(pool, peer, rest, commands)
    return replace(result, stdout=f"{peer.address} \n{found.stdout}@{found.exit_code}\n{result.stdout}")


def _fail_fast(pool: FakePool, peer: FakePeer, arguments: list[str], commands: list[str]) -> ExecResult:
    failed, *volumes = arguments
    refused = {*failed.split(",")} - {""}
    out = ""
    for volume, command in zip(volumes, commands, strict=True):
        if volume in refused:
            out += HEAD + fail("not tried, as one before it failed", "0")
            continue
        result = pool.session(peer, [command])
        out += result.stdout
        if result.exit_code:
            return ExecResult(out, "", result.exit_code)
        if volume and "<opRet>0</opRet>" not in result.stdout:
            refused.add(volume)
    return ExecResult(out, "", 0)


def _at_addresses(pool: FakePool, peer: FakePeer, addresses: list[str], commands: list[str]) -> ExecResult:
    out = ""
    for address in addresses:
        other = next((p for p in pool.peers.values() if p.address == address), None)
        answer = pool.session(other, commands).stdout if other else "Connection failed."
        out += f"@ {address}\n{answer}\n"
    return ExecResult(out, "", 0)


def _checksums(pool: FakePool, peer: FakePeer, arguments: list[str], commands: list[str]) -> ExecResult:
    return ExecResult("".join(f"{name} 3 {222 if peer.odd else 111}\n" for name in peer.cluster.volumes), "", 0)


def _inspect_folders(pool: FakePool, peer: FakePeer, paths: list[str], commands: list[str]) -> ExecResult:
    return inspect_folders(peer, paths)


def _on_folder(name: str, pool: FakePool, peer: FakePeer, arguments: list[str], commands: list[str]) -> ExecResult:
    return on_folder(name, peer, *arguments)


def _set_aside(pool: FakePool, peer: FakePeer, volumes: list[str], commands: list[str]) -> ExecResult:
    """glusterd takes these volumes over from the others; that of which the copy differs must be among them."""
    if not volumes or any(volume not in peer.cluster.volumes for volume in volumes):
        raise UnknownCommand(f"set-aside-volumes.sh {volumes}")
    peer.odd = peer.odd and {*volumes} != {*peer.cluster.volumes}
    return DONE


def _stop_daemon(pool: FakePool, peer: FakePeer, arguments: list[str], commands: list[str]) -> ExecResult:
    peer.unserved = {*peer.cluster.volumes}
    return DONE


def _heal(pool: FakePool, peer: FakePeer, arguments: list[str], commands: list[str]) -> ExecResult:
    assert arguments, "it heals nothing"
    launched = "Launching heal operation to perform index self heal on volume {} has been successful \n"
    return ExecResult("".join(map(launched.format, arguments)), "", 0)


def _restart(pool: FakePool, peer: FakePeer, arguments: list[str], commands: list[str]) -> ExecResult:
    peer.taking_over = False
    return DONE


def _restore_identity(pool: FakePool, peer: FakePeer, arguments: list[str], commands: list[str]) -> ExecResult:
    """glusterd starts anew with this UUID: the peers that know it take it in."""
    own, version, *others = arguments
    assert version == "110000"
    known = {other.split(",")[0] for other in others}
    assert all(len(other.split(",")) > 1 for other in others), "a peer without a host"
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
    return DONE


KNOWN: dict[str, Callable[[FakePool, FakePeer, list[str], list[str]], ExecResult]] = {
    "require-reachable.sh": _require_reachable,
    "host-info.sh": _host_info,
    "fail-fast.sh": _fail_fast,
    "at-addresses.sh": _at_addresses,
    "checksums.sh": _checksums,
    "inspect-folders.sh": _inspect_folders,
    "remove-brick-folder.sh": partial(_on_folder, "remove-brick-folder.sh"),
    "remove-empty-brick-folder.sh": partial(_on_folder, "remove-empty-brick-folder.sh"),
    "check-no-files.sh": partial(_on_folder, "check-no-files.sh"),
    "clean-failed-create.sh": partial(_on_folder, "clean-failed-create.sh"),
    "set-aside-volumes.sh": _set_aside,
    "stop-self-heal-daemon.sh": _stop_daemon,
    "heal.sh": _heal,
    "restart-glusterd.sh": _restart,
    "restore-identity.sh": _restore_identity,
}
