"""An in-memory trusted pool behind the Runner seam: argv in, XML out, and an error on any command it does not know.

tests/unit/test_fake_pool.py holds its answers against captured ones of a real pool (tests/data/gluster-11.1).
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from xml.sax.saxutils import escape

from hooks.runner import ExecResult, OutcomeUnknown

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
KNOWN_OPTIONS = {
    "performance.cache-size",
    "network.ping-timeout",
    "performance.client-io-threads",
    "cluster.favorite-child-policy",
    "auth.allow",
    "nfs.disable",
    "performance.nl-cache",
    "client.ssl",
    "server.ssl",
}


@dataclass
class FakeBrick:
    host: str
    path: str
    arbiter: bool
    online: bool = False


@dataclass
class FakeVolume:
    name: str
    replica: int
    arbiter: int
    disperse: int
    redundancy: int
    bricks: list[FakeBrick]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: bool = False
    healing: int = 0
    rebalance: int | None = None
    premature: int = 0
    """How many looks at the heal show 0 before it has begun, as seen after a brick was replaced."""
    split: list[str] = field(default_factory=list)
    removing: list[FakeBrick] = field(default_factory=list)
    to_move: int = 0
    options: dict[str, str] = field(default_factory=lambda: {"nfs.disable": "on", "transport.address-family": "inet"})


@dataclass
class FakeCluster:
    """What the members of one trusted pool share."""

    members: list[FakePeer] = field(default_factory=list)
    volumes: dict[str, FakeVolume] = field(default_factory=dict)


@dataclass
class FakePeer:
    name: str
    address: str
    uuid: str
    cluster: FakeCluster
    answers: bool = True
    full: bool = False
    taking_over: bool = False
    odd: bool = False
    """Its configuration differs from the other peers' at the same version."""
    free: int = 60
    """GiB of 100 that are free on the file system of its bricks."""
    folders: dict[str, dict[str, object]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    """Names under which this peer knows the others, by UUID."""

    def folder(self, path: str) -> dict[str, object]:
        root = {"device": 1, "root": [2, 2]}
        return self.folders.setdefault(path, {"kind": "absent", "id": "", "data": "no", **root})


class UnknownCommand(AssertionError):
    """The fake was asked something that it cannot answer honestly."""


class FakePool:
    """A Runner. `execs` keeps what was run where; `lose_connection` says after which exec, by its number from 1, the
    answer is lost though the command had its effect; `locked` is how many starts another transaction will refuse,
    `failing` how many rebalances will fail."""

    def __init__(self, *names: str, net: str = "10.0.0."):
        self.peers: dict[str, FakePeer] = {}
        for number, name in enumerate(names, start=1):
            self.add(name, f"{net}{number}")
        self.execs: list[tuple[str, str]] = []
        self.commands: list[str] = []
        self.lose_connection: Callable[[int], bool] = lambda number: False
        self.locked = 0
        self.failing = 0
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
        peer.folders, peer.full = lost.folders, lost.full
        lost.answers = False
        for volume in lost.cluster.volumes.values():
            for brick in volume.bricks:
                if brick.host == lost.address:
                    brick.online = False
                    volume.healing = max(volume.healing, 2) if volume.disperse or volume.replica > 1 else 0
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
            silent = [a for a in argv[6:] if not any(p.address == a and p.answers for p in self.peers.values())]
            away = ExecResult(f"away: {' '.join(silent)}\n", "", 0)
            result = away if silent else self._session(self.peers[peer], stdin.splitlines())
            if argv[4].startswith("hostname -I\n"):
                result = replace(result, stdout=f"{self.peers[peer].address} \n{result.stdout}")
        elif list(argv[2:4]) == ["bash", "-c"] and "coproc gluster" in argv[4]:
            result = self._bound_session(self.peers[peer], stdin.splitlines(), set(argv[6:]))
        elif list(argv[2:4]) == ["test", "-e"]:
            result = ExecResult("", "", 0 if self.peers[peer].taking_over else 1)
        elif list(argv[2:4]) == ["sh", "-c"] and "cd /var/lib/glusterd/vols ||" in argv[4]:
            names = self.peers[peer].cluster.volumes
            checksum = 222 if self.peers[peer].odd else 111
            result = ExecResult("".join(f"{name} 3 {checksum}\n" for name in names), "", 0)
        elif list(argv[2:4]) == ["sh", "-c"] and len(argv) == 5:
            result = self._shell(self.peers[peer], argv[4])
        elif list(argv[2:4]) == ["sh", "-c"]:
            paths = list(argv[6:])
            lines = [json.dumps(self.peers[peer].folder(path)) for path in paths]
            result = ExecResult("\n".join(lines) + "\n", "", 0)
        else:
            raise UnknownCommand(f"{argv}")
        if self.lose_connection(len(self.execs)):
            raise OutcomeUnknown("the connection was lost")
        return result

    def _at_addresses(self, commands: Sequence[str], addresses: Sequence[str]) -> ExecResult:
        out = ""
        for address in addresses:
            peer = next((p for p in self.peers.values() if p.address == address), None)
            said = self._session(peer, commands).stdout if peer else "Connection failed."
            out += f"@ {address}\n{said}\n"
        return ExecResult(out, "", 0)

    def _shell(self, peer: FakePeer, command: str) -> ExecResult:
        if command.startswith("gluster --mode=script volume heal "):
            return ExecResult(
                "Launching heal operation to perform index self heal on volume has been successful\n", "", 0
            )
        if command.startswith("cd /var/lib/glusterd && mkdir -p removed && for volume in ") and " kill " in command:
            peer.odd = False
            return ExecResult("", "", 0)
        if command.startswith("for pid in $(grep -lz '^shd/' "):
            return ExecResult("", "", 0)
        if command.startswith("left=$(find "):
            found = peer.folder(command.split()[1])["data"] == "yes"
            return ExecResult("", "a file has not been moved.\n" if found else "", int(found))
        if "getfattr " in command and " && rm -rf " in command:
            path = command.rsplit(maxsplit=1)[-1]
            folder = peer.folder(path)
            if command.startswith(f'[ -z "$(find {path} ') and folder["data"] == "yes":
                return ExecResult("", "", 1)
            if not folder["id"] or f"=0x{folder['id']} " not in command:
                return ExecResult("", "", 1)
            folder.update(kind="absent", id="", data="no")
            return ExecResult("", "", 0)
        if command.startswith("rm /var/lib/glusterd/taking-over && sync && kill "):
            peer.taking_over = False
            return ExecResult("", "", 0)
        if command.startswith("cd /var/lib/glusterd && touch "):
            return self._new_identity(peer, command)
        path = command.split()[1]
        if "setfattr -x trusted.glusterfs.volume-id" not in command or not command.endswith(f"rmdir {path}"):
            raise UnknownCommand(command)
        folder = peer.folder(path)
        folder["id"] = ""
        if folder["data"] == "yes":
            return ExecResult("", f"rmdir: failed to remove '{path}': Directory not empty\n", 1)
        folder["kind"] = "absent"
        return ExecResult("", "", 0)

    def _new_identity(self, peer: FakePeer, command: str) -> ExecResult:
        """Other identity files are written and glusterd starts anew: the peers that know this UUID take it in."""
        written = {file: text for text, file in re.findall(r"printf '(.*?)' > (\S+)", command)}
        info = written["glusterd.info.new"]
        own = info.removeprefix("UUID=").split("\\n")[0]
        known = {file.removeprefix("peers/") for file in written if file.startswith("peers/")}
        if not info.endswith("operating-version=110000\\n") or "kill" not in command:
            raise UnknownCommand(command)
        cluster = next(p.cluster for p in self.peers.values() if p.uuid in known)
        (lost,) = (member for member in cluster.members if member.uuid == own)
        assert known == {member.uuid for member in cluster.members} - {own}, "it must know every other peer"
        cluster.members[cluster.members.index(lost)] = peer
        peer.cluster, peer.uuid, peer.taking_over = cluster, own, True
        for volume in cluster.volumes.values():
            for brick in volume.bricks:
                folder = peer.folder(brick.path)
                if brick.host == peer.address and volume.started and folder["id"] == volume.id.replace("-", ""):
                    brick.online = True
        return ExecResult("", "", 0)

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
                out += HEAD + _fail("not tried, as one before it failed", "0")
                continue
            result = self._session(peer, [command])
            out += result.stdout
            if result.exit_code:
                return ExecResult(out, "", result.exit_code)
            if "<opRet>0</opRet>" not in result.stdout:
                failed = {*failed, volume}
        return ExecResult(out, "", 0)

    # -- commands -----------------------------------------------------------------------------------------------

    def uuid_get(self, peer: FakePeer, words: list[str]) -> str:
        return _ok(f"<uuidGenerate><uuid>{peer.uuid}</uuid></uuidGenerate>")

    def uuid_reset(self, peer: FakePeer, words: list[str]) -> str:
        if len(peer.cluster.members) > 1 or peer.cluster.volumes:
            return _fail(
                "trusted storage pool has been already formed. Please detach this peer from the pool and reset "
                "its uuid.",
                "0",
                "<uuidReset/>",
            )
        peer.uuid = str(uuid.uuid4())
        return _ok("<uuidReset/>")

    def peer_status(self, peer: FakePeer, words: list[str]) -> str:
        rows = ""
        for other in peer.cluster.members:
            if other is peer:
                continue
            names = peer.names.get(other.uuid) or [other.address]
            state = "<state>6</state><stateStr>Peer Rejected</stateStr>"
            if other.odd == peer.odd:
                state = "<state>3</state><stateStr>Peer in Cluster</stateStr>"
            listed = "".join(f"<hostname>{name}</hostname>" for name in names)
            rows += (
                f"<peer><uuid>{other.uuid}</uuid><hostname>{names[0]}</hostname><hostnames>{listed}</hostnames>"
                f"<connected>{int(other.answers)}</connected>{state}</peer>"
            )
        return _ok(f"<peerStatus>{rows}</peerStatus>" if rows else "<peerStatus/>")

    def peer_probe(self, peer: FakePeer, words: list[str]) -> str:
        target = next((p for p in self.peers.values() if p.address == words[0]), None)
        if target is peer:
            return _ok("<output>Probe on localhost not needed</output>", errno=1)
        if target is None or not target.answers:
            return _fail("Probe returned with Transport endpoint is not connected", "107")
        if target in peer.cluster.members:
            for member in peer.cluster.members:
                names = member.names.setdefault(target.uuid, [])
                if member is not target and target.address not in names:
                    names.append(target.address)
            return _ok(f"<output>Host {words[0]} port 24007 already in peer list</output>", errno=2)
        if target.uuid == peer.uuid:
            return _fail(f"Peer uuid (host {words[0]}) is same as local uuid", "5")
        if len(target.cluster.members) > 1 or target.cluster.volumes:
            return _fail(f"{words[0]} is either already part of another cluster or having volumes configured", "3")
        for member in peer.cluster.members:
            member.names[target.uuid] = [target.address]
            # the prober is stored by the name that its address resolves to, until it is probed back
            target.names[member.uuid] = [member.address if member is not peer else f"{member.name}.example"]
        peer.cluster.members.append(target)
        target.cluster = peer.cluster
        return _ok("<output>success</output>")

    def volume_info(self, peer: FakePeer, words: list[str]) -> str:
        rows = "".join(_info(peer, volume) for volume in peer.cluster.volumes.values())
        return _ok(f"<volInfo><volumes>{rows}<count>{len(peer.cluster.volumes)}</count></volumes></volInfo>")

    def volume_status(self, peer: FakePeer, words: list[str]) -> str:
        rows = ""
        for volume in peer.cluster.volumes.values():
            if volume.started:
                nodes = "".join(
                    f"<node><hostname>{b.host}</hostname><path>{b.path}</path>"
                    f"<peerid>{_host(peer, b.host).uuid}</peerid>"
                    f"<status>{int(b.online)}</status><port>50000</port><ports><tcp>50000</tcp><rdma>N/A</rdma></ports>"
                    f"<pid>7</pid>{_space(_host(peer, b.host)) if words == ['all', 'detail'] else ''}</node>"
                    for b in volume.bricks
                    if _host(peer, b.host).answers and _host(peer, b.host).odd == peer.odd
                )
                tasks = "" if words else _tasks(volume)
                rows += f"<volume><volName>{volume.name}</volName><nodeCount>9</nodeCount>{nodes}{tasks}</volume>"
        return _ok(f"<volStatus><volumes>{rows}</volumes></volStatus>")

    def volume_create(self, peer: FakePeer, words: list[str]) -> str:
        name, *rest = words
        counts = {"replica": 1, "arbiter": 0, "disperse": 0, "redundancy": 0}
        while rest and rest[0] in counts:
            counts[rest[0]] = int(rest[1])
            rest = rest[2:]
        if name in peer.cluster.volumes:
            return _fail(f"Volume {name} already exists", "0")
        size = counts["disperse"] or counts["replica"]
        if len(rest) % size:
            return _fail("Failed to create volume files", "30800")
        bricks = [
            FakeBrick(*_split(brick), arbiter=bool(counts["arbiter"]) and i % size == size - 1)
            for i, brick in enumerate(rest)
        ]
        for brick in bricks:
            if not any(member.address == brick.host for member in peer.cluster.members):
                return _fail(f"Host {brick.host} is not in 'Peer in Cluster' state", "30800")
        volume = FakeVolume(
            name, counts["replica"], counts["arbiter"], counts["disperse"], counts["redundancy"], bricks
        )
        if problem := self._take_folders(peer, volume, bricks):
            return problem
        peer.cluster.volumes[name] = volume
        return _ok(f"<volCreate><volume><name>{name}</name><id>{volume.id}</id></volume></volCreate>")

    def _take_folders(self, peer: FakePeer, volume: FakeVolume, bricks: Sequence[FakeBrick]) -> str:
        """Mark the bricks' folders; a failure leaves those marked that passed before it, as the real one does."""
        for brick in bricks:
            folder = _host(peer, brick.host).folder(brick.path)
            if folder["id"]:
                return _fail(f"{brick.path} is already part of a volume", "30800")
            if _host(peer, brick.host).full:
                text = f"Failed to create brick directory for brick {brick.host}:{brick.path}. "
                return _fail(f"{text}Reason : No space left on device ", "30800")
            folder.update(kind="filled", id=volume.id.replace("-", ""))
        return ""

    def volume_add_brick(self, peer: FakePeer, words: list[str]) -> str:
        volume = peer.cluster.volumes[words[0]]
        rest = words[1:]
        replica, arbiter = volume.replica, volume.arbiter
        while rest[0] in ("replica", "arbiter"):
            if rest[0] == "replica":
                replica = int(rest[1])
            else:
                arbiter = int(rest[1])
            rest = rest[2:]
        size = volume.disperse or volume.replica
        widening = replica != volume.replica
        if len(rest) % size and not widening:
            text = f"Incorrect number of bricks supplied {len(rest)} with count {size}"
            return _fail(text, "0", f"<cliOp>volAddBrick</cliOp><output>{text}</output>")
        new = [FakeBrick(*_split(b), arbiter=widening and bool(arbiter), online=volume.started) for b in rest]
        if problem := self._take_folders(peer, volume, new):
            return problem
        if widening:
            sets = [volume.bricks[i : i + size] for i in range(0, len(volume.bricks), size)]
            assert len(sets) == len(new), "one new brick a set"
            volume.bricks = [brick for old, brick in zip(sets, new, strict=True) for brick in (*old, brick)]
            volume.healing = 2
        else:
            for index, brick in enumerate(new):
                brick.arbiter = bool(volume.arbiter) and index % size == size - 1
            volume.bricks += new
        volume.replica, volume.arbiter = replica, arbiter
        return _ok("<cliOp>volAddBrick</cliOp><output>Add Brick successful</output>")

    def volume_replace_brick(self, peer: FakePeer, words: list[str]) -> str:
        name, old, new, *how = words
        volume = peer.cluster.volumes[name]
        if how != ["commit", "force"]:
            raise UnknownCommand(" ".join(words))
        if not volume.disperse and volume.replica == 1:
            text = "replace-brick is not permitted on distribute only volumes. Please use add-brick and remove-brick "
            return _fail(f"{text}operations instead.", "0")
        brick = next((brick for brick in volume.bricks if f"{brick.host}:{brick.path}" == old), None)
        if brick is None:
            return _fail(f"Incorrect source brick {old} for volume {name}", "0")
        _may_lose(volume)
        fresh = FakeBrick(*_split(new), arbiter=brick.arbiter, online=volume.started)
        if problem := self._take_folders(peer, volume, [fresh]):
            return problem
        volume.bricks[volume.bricks.index(brick)] = fresh
        volume.healing, volume.premature = 4, 1
        return _ok("", says="replace-brick commit force operation successful")

    def volume_remove_brick(self, peer: FakePeer, words: list[str]) -> str:
        name, *places, verb = words
        volume = peer.cluster.volumes[name]
        bricks = [brick for brick in volume.bricks if f"{brick.host}:{brick.path}" in places]
        if len(bricks) != len(places):
            return _fail(f"Incorrect brick {places[0]} for volume {name}", "0", "<volRemoveBrick/>")
        head = "<task-id>047a07af-4711-4469-87c8-7d5c8acb4900</task-id>"
        if verb == "start":
            size = volume.disperse or volume.replica
            at = {volume.bricks.index(brick) // size for brick in bricks}
            assert len(at) * size == len(bricks) < len(volume.bricks), "whole sets leave, and not all"
            assert not volume.removing, "one task of a volume at a time"
            assert not volume.rebalance, "one task of a volume at a time"
            volume.removing, volume.to_move = bricks, 2
            return _ok(f"<volRemoveBrick>{head}</volRemoveBrick>", says="Remove Brick start successful")
        if not volume.removing:
            text = f"remove-brick not started for volume {name}."
            return _fail(text, "30800", "<volRemoveBrick/>")
        if verb == "stop":
            volume.removing = []
            return _ok(f"<volRemoveBrick>{head}</volRemoveBrick>")
        if verb == "commit":
            assert not volume.to_move, "the data of bricks that leave is not moved yet"
            _may_lose(volume)
            volume.bricks = [brick for brick in volume.bricks if brick not in volume.removing]
            volume.removing = []
            return _ok(f"<volRemoveBrick>{head}</volRemoveBrick>", says="Remove Brick commit successful")
        if verb != "status":
            raise UnknownCommand(" ".join(words))
        volume.to_move = max(0, volume.to_move - 1)
        if not volume.to_move:
            for brick in volume.removing:
                folder = _host(peer, brick.host).folder(brick.path)
                stays = next(b for b in volume.bricks if b not in volume.removing)
                if folder["data"] == "yes":
                    _host(peer, stays.host).folder(stays.path)["data"] = "yes"
                folder["data"] = "no"
            volume.healing = 0
        state = "<status>3</status><statusStr>completed</statusStr>"
        if volume.to_move:
            state = "<status>1</status><statusStr>in progress</statusStr>"
        counts = "<files>1</files><size>9</size><lookups>3</lookups><failures>0</failures><skipped>0</skipped>"
        row = f"{counts}{state}<runtime>0.00</runtime>"
        node = f"<node><nodeName>localhost</nodeName><id>{peer.uuid}</id>{row}</node>"
        tail = f"<nodeCount>1</nodeCount>{node}<aggregate>{row}</aggregate>"
        return _ok(f"<volRemoveBrick>{head}{tail}</volRemoveBrick>")

    def peer_detach(self, peer: FakePeer, words: list[str]) -> str:
        target = next((p for p in peer.cluster.members if p.address == words[0]), None)
        if target is None:
            return _fail(f"{words[0]} is not part of cluster", "2")
        if target is peer:
            return _fail(f"{words[0]} is localhost", "1")
        if any(b.host == target.address for volume in peer.cluster.volumes.values() for b in volume.bricks):
            text = f"Peer {words[0]} hosts one or more bricks. If the peer is in not recoverable state then use either "
            text += "replace-brick or remove-brick command with force to remove all bricks from the peer and attempt "
            return _fail(f"{text}the peer detach again.", "3").replace(">-1<", ">1<")
        for volume in peer.cluster.volumes.values():
            _may_lose(volume)
        peer.cluster.members.remove(target)
        target.cluster = FakeCluster([target])
        target.names = {}
        for member in peer.cluster.members:
            member.names.pop(target.uuid, None)
        return _ok("<output>success</output>")

    def volume_rebalance(self, peer: FakePeer, words: list[str]) -> str:
        volume = peer.cluster.volumes[words[0]]
        head = "<task-id>8216d3bc-d58f-4a07-9037-c6d2f99e7a1e</task-id>"
        if words[1] == "start":
            volume.rebalance = 2
            self.rebalanced.append(volume.name)
            return _ok(f"<volRebalance>{head}<op>1</op></volRebalance>")
        if volume.rebalance is None:
            text = f"Rebalance not started for volume {volume.name}."
            return _fail(text, "30800", f"<cliOp>volRebalance</cliOp><output>{text}</output>")
        volume.rebalance = max(0, volume.rebalance - 1)
        state = "<status>3</status><statusStr>completed</statusStr>"
        if not volume.rebalance and self.failing:
            self.failing -= 1
            state = "<status>4</status><statusStr>failed</statusStr>"
        if volume.rebalance:
            state = "<status>1</status><statusStr>in progress</statusStr>"
        counts = "<files>1</files><size>9</size><lookups>3</lookups><failures>0</failures><skipped>0</skipped>"
        row = f"{counts}{state}<runtime>0.00</runtime>"
        node = f"<node><nodeName>localhost</nodeName><id>{peer.uuid}</id>{row}</node>"
        tail = f"<nodeCount>1</nodeCount>{node}<aggregate>{row}</aggregate>"
        return _ok(f"<volRebalance>{head}<op>3</op>{tail}</volRebalance>")

    def volume_heal(self, peer: FakePeer, words: list[str]) -> str:
        if words[1:] not in (["info", "summary"], ["info", "split-brain"]):
            raise UnknownCommand(" ".join(words))
        volume = peer.cluster.volumes[words[0]]
        if words[2] == "split-brain":
            files = "".join(f'<file gfid="x">{name}</file>' for name in volume.split)
            count = f"<status>Connected</status><numberOfEntries>{len(volume.split)}</numberOfEntries>"
            rows = "".join(f"<brick><name>{b.host}:{b.path}</name>{files}{count}</brick>" for b in volume.bricks)
            return _ok(f"<healInfo><bricks>{rows}</bricks></healInfo>")
        volume.premature, early = max(0, volume.premature - 1), volume.premature
        if volume.healing and not early and all(brick.online for brick in volume.bricks):
            volume.healing -= 1
            self._fill(peer, volume)
        n = 0 if early else volume.healing
        rows = "".join(
            f'<brick hostUuid="{_host(peer, b.host).uuid}"><name>{b.host}:{b.path}</name>'
            f"<status>{'Connected' if b.online else 'Transport endpoint is not connected'}</status>"
            f"<totalNumberOfEntries>{n if b.online else '-'}</totalNumberOfEntries>"
            f"<numberOfEntriesInHealPending>{n}</numberOfEntriesInHealPending>"
            f"<numberOfEntriesInSplitBrain>{len(volume.split)}</numberOfEntriesInSplitBrain>"
            "<numberOfEntriesPossiblyHealing>0</numberOfEntriesPossiblyHealing></brick>"
            for b in volume.bricks
        )
        return _ok(f"<healInfo><bricks>{rows}</bricks></healInfo>")

    def _fill(self, peer: FakePeer, volume: FakeVolume) -> None:
        """What is healed has its files on every brick of the set."""
        size = volume.disperse or volume.replica
        for start in range(0, len(volume.bricks), size) if not volume.healing else ():
            folders = [_host(peer, b.host).folder(b.path) for b in volume.bricks[start : start + size]]
            if any(folder["data"] == "yes" for folder in folders):
                for folder in folders:
                    folder["data"] = "yes"

    def volume_get(self, peer: FakePeer, words: list[str]) -> str:
        if words != ["all", "cluster.op-version"]:
            raise UnknownCommand(" ".join(words))
        option = "<Opt><Option>cluster.op-version</Option><Value>110000</Value></Opt>"
        return _ok(f"<volGetopts><count>1</count>{option}</volGetopts>")

    def volume_reset_brick(self, peer: FakePeer, words: list[str]) -> str:
        name, old, new, *how = words
        if old != new or how != ["commit", "force"]:
            raise UnknownCommand(" ".join(words))
        volume = peer.cluster.volumes[name]
        brick = next((brick for brick in volume.bricks if f"{brick.host}:{brick.path}" == old), None)
        if brick is None:
            return _fail(f"Incorrect source brick {old} for volume {name}", "0")
        if _host(peer, brick.host).taking_over:
            text = "When destination brick is new, please use gluster volume replace-brick <volname> <src-brick> "
            return _fail(f"Pre Validation failed on {brick.host}. {text}<dst-brick> commit force", "0")
        folder = _host(peer, brick.host).folder(brick.path)
        folder.update(kind="filled", id=volume.id.replace("-", ""))
        brick.online, volume.healing = True, 3
        return _ok("", says="reset-brick commit force operation successful")

    def volume_start(self, peer: FakePeer, words: list[str]) -> str:
        volume = peer.cluster.volumes.get(words[0])
        if volume is None:
            return _fail(f"Volume {words[0]} does not exist", "30800")
        if self.locked:
            self.locked -= 1
            return _fail(
                f"Another transaction is in progress for {words[0]}. Please try again after some time.", "30802"
            )
        if volume.started and words[1:] != ["force"]:
            return _fail(f"Volume {volume.name} already started", "30800")
        volume.started = True
        for brick in volume.bricks:
            brick.online = True
        return _ok(f"<volStart><volume><name>{volume.name}</name><id>{volume.id}</id></volume></volStart>")

    def volume_stop(self, peer: FakePeer, words: list[str]) -> str:
        volume = peer.cluster.volumes.get(words[0])
        if volume is None:
            return _fail(f"Volume {words[0]} does not exist", "30800")
        if not volume.started:
            return _fail(f"Volume {volume.name} is not in the started state", "30800")
        volume.started = False
        for brick in volume.bricks:
            brick.online = False
        return _ok(f"<volStop><volume><name>{volume.name}</name><id>{volume.id}</id></volume></volStop>")

    def volume_delete(self, peer: FakePeer, words: list[str]) -> str:
        volume = peer.cluster.volumes.get(words[0])
        if volume is None:
            return _fail(f"Volume {words[0]} does not exist", "30800")
        if volume.started:
            text = f"Volume {volume.name} has been started.Volume needs to be stopped before deletion."
            return _fail(text, "30800")
        del peer.cluster.volumes[volume.name]
        return _ok(f"<volDelete><volume><name>{volume.name}</name><id>{volume.id}</id></volume></volDelete>")

    def volume_set(self, peer: FakePeer, words: list[str]) -> str:
        name, *pairs = words
        tail = "<cliOp>volSet</cliOp><output>Set volume unsuccessful</output>"
        volume = peer.cluster.volumes.get(name)
        if volume is None:
            return _fail(f"Volume {name} does not exist", "30800", tail)
        for key in pairs[::2]:
            if key not in KNOWN_OPTIONS:
                return _fail(f"option : {key} does not exist\nDid you mean dht.force-readdirp?", "30800", tail)
        volume.options.update(zip(pairs[::2], pairs[1::2], strict=True))
        return _ok("<cliOp>volSet</cliOp><output>Set volume successful</output>")

    def volume_reset(self, peer: FakePeer, words: list[str]) -> str:
        name, key = words
        if key not in KNOWN_OPTIONS:
            text = f"Option {key} does not exist\nDid you mean dht.force-readdirp?"
            return _fail(text, "30800", f"<cliOp>volReset</cliOp><output>{text}</output>")
        peer.cluster.volumes[name].options.pop(key, None)
        return _ok("<cliOp>volReset</cliOp><output>reset volume successful</output>")


_HANDLERS: dict[str, Callable[[FakePool, FakePeer, list[str]], str]] = {
    "system:: uuid get": FakePool.uuid_get,
    "system:: uuid reset": FakePool.uuid_reset,
    "peer status": FakePool.peer_status,
    "peer probe": FakePool.peer_probe,
    "volume info": FakePool.volume_info,
    "volume status": FakePool.volume_status,
    "volume create": FakePool.volume_create,
    "volume get": FakePool.volume_get,
    "volume reset-brick": FakePool.volume_reset_brick,
    "volume start": FakePool.volume_start,
    "volume stop": FakePool.volume_stop,
    "volume delete": FakePool.volume_delete,
    "volume add-brick": FakePool.volume_add_brick,
    "volume replace-brick": FakePool.volume_replace_brick,
    "volume remove-brick": FakePool.volume_remove_brick,
    "peer detach": FakePool.peer_detach,
    "volume rebalance": FakePool.volume_rebalance,
    "volume heal": FakePool.volume_heal,
    "volume set": FakePool.volume_set,
    "volume reset": FakePool.volume_reset,
}


def _tasks(volume: FakeVolume) -> str:
    if not volume.removing:
        return "<tasks/>"
    bricks = "".join(f"<brick>{brick.host}:{brick.path}</brick>" for brick in volume.removing)
    status = f"<status>{1 if volume.to_move else 3}</status>"
    return f"<tasks><task><type>Remove brick</type>{status}<params>{bricks}</params></task></tasks>"


def _may_lose(volume: FakeVolume) -> None:
    """A brick or a peer may go only while everything is whole."""
    assert not volume.healing, f"{volume.name} loses a brick with {volume.healing} entries to heal"
    assert not volume.started or all(brick.online for brick in volume.bricks), f"{volume.name} is not whole"


def _split(brick: str) -> tuple[str, str]:
    host, path = brick.split(":/", 1)
    return host, "/" + path


def _host(peer: FakePeer, address: str) -> FakePeer:
    return next(member for member in peer.cluster.members if member.address == address)


def _space(peer: FakePeer) -> str:
    inodes = "<blockSize>4096</blockSize><inodesTotal>9</inodesTotal><inodesFree>8</inodesFree>"
    return f"<sizeTotal>{100 * 2**30}</sizeTotal><sizeFree>{peer.free * 2**30}</sizeFree>{inodes}"


def _info(peer: FakePeer, volume: FakeVolume) -> str:
    bricks = "".join(
        f'<brick uuid="{_host(peer, b.host).uuid}">{b.host}:{b.path}<name>{b.host}:{b.path}</name>'
        f"<hostUuid>{_host(peer, b.host).uuid}</hostUuid><isArbiter>{int(b.arbiter)}</isArbiter></brick>"
        for b in volume.bricks
    )
    options = "".join(f"<option><name>{k}</name><value>{v}</value></option>" for k, v in volume.options.items())
    size = volume.disperse or volume.replica
    kind = 4 if volume.disperse else 2 if volume.replica > 1 else 0
    return (
        f"<volume><name>{volume.name}</name><id>{volume.id}</id><status>{int(volume.started)}</status>"
        f"<statusStr>{'Started' if volume.started else 'Created'}</statusStr><snapshotCount>0</snapshotCount>"
        f"<brickCount>{len(volume.bricks)}</brickCount><distCount>{len(volume.bricks) // size}</distCount>"
        f"<replicaCount>{volume.replica}</replicaCount><arbiterCount>{volume.arbiter}</arbiterCount>"
        f"<disperseCount>{volume.disperse}</disperseCount><redundancyCount>{volume.redundancy}</redundancyCount>"
        f"<type>{kind}</type><typeStr>{['Distribute', '', 'Replicate', '', 'Disperse'][kind]}</typeStr>"
        f"<transport>0</transport><bricks>{bricks}</bricks><optCount>{len(volume.options)}</optCount>"
        f"<options>{options}</options></volume>"
    )


def _ok(body: str, errno: int = 0, says: str = "") -> str:
    text = f"<opErrstr>{says}</opErrstr>" if says else "<opErrstr/>"
    return f"<cliOutput><opRet>0</opRet><opErrno>{errno}</opErrno>{text}{body}</cliOutput>"


def _fail(message: str, errno: str, tail: str = "") -> str:
    text = f"<opErrstr>{escape(message)}</opErrstr>"
    return f"<cliOutput><opRet>-1</opRet><opErrno>{errno}</opErrno>{text}{tail}</cliOutput>"
