"""Commands on volumes as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.fake_pool.bricks import empty_bricks, take_folders
from tests.unit.fake_pool.model import FakeBrick, FakePeer, FakeVolume, UnknownCommand, host, split
from tests.unit.fake_pool.xml import fail, info, ok, space, tasks

if TYPE_CHECKING:
    from tests.unit.fake_pool.pool import FakePool

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


def volume_info(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
    # glusterd lists volumes by their names, whichever was made first.
    rows = "".join(info(peer, volume) for _, volume in sorted(peer.cluster.volumes.items()))
    return ok(f"<volInfo><volumes>{rows}<count>{len(peer.cluster.volumes)}</count></volumes></volInfo>")


def volume_status(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
    rows = ""
    for _, volume in sorted(peer.cluster.volumes.items()):
        if volume.started:
            nodes = "".join(
                f"<node><hostname>{b.host}</hostname><path>{b.path}</path>"
                f"<peerid>{host(peer, b.host).uuid}</peerid>"
                f"<status>{int(b.online)}</status><port>50000</port><ports><tcp>50000</tcp><rdma>N/A</rdma></ports>"
                f"<pid>7</pid>{space(host(peer, b.host)) if words == ['all', 'detail'] else ''}</node>"
                for b in volume.bricks
                if seen(peer, host(peer, b.host))
            )
            hosts = {b.host for b in volume.bricks} if volume.copies and not words else set()
            for member in peer.cluster.members:
                if member.address in hosts and seen(peer, member):
                    nodes += (
                        f"<node><hostname>Self-heal Daemon</hostname><path>{member.address}</path>"
                        f"<peerid>{member.uuid}</peerid><status>{int(volume.name not in member.unserved)}</status>"
                        "<port>N/A</port><ports><tcp>N/A</tcp><rdma>N/A</rdma></ports><pid>8</pid></node>"
                    )
            if volume.to_move and not words:
                empty_bricks(pool, peer, volume)
            nodes += "" if words else tasks(volume)
            rows += f"<volume><volName>{volume.name}</volName><nodeCount>9</nodeCount>{nodes}</volume>"
    return ok(f"<volStatus><volumes>{rows}</volumes></volStatus>")


def seen(peer: FakePeer, other: FakePeer) -> bool:
    """Whether `volume status` of one peer shows what runs on the other."""
    return other.answers and other.odd == peer.odd


def volume_create(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
    name, *rest = words
    counts = {"replica": 1, "arbiter": 0, "disperse": 0, "redundancy": 0}
    while rest and rest[0] in counts:
        counts[rest[0]] = int(rest[1])
        rest = rest[2:]
    if name in peer.cluster.volumes:
        return fail(f"Volume {name} already exists", "0")
    size = counts["disperse"] or counts["replica"]
    if len(rest) % size:
        return fail("Failed to create volume files", "30800")
    bricks = [
        FakeBrick(*split(brick), arbiter=bool(counts["arbiter"]) and i % size == size - 1)
        for i, brick in enumerate(rest)
    ]
    for brick in bricks:
        if not any(member.address == brick.host for member in peer.cluster.members):
            return fail(f"Host {brick.host} is not in 'Peer in Cluster' state", "30800")
    volume = FakeVolume(name, counts["replica"], counts["arbiter"], counts["disperse"], counts["redundancy"], bricks)
    if problem := take_folders(peer, volume, bricks):
        return problem
    volume.number_sets()
    peer.cluster.volumes[name] = volume
    return ok(f"<volCreate><volume><name>{name}</name><id>{volume.id}</id></volume></volCreate>")


def volume_get(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
    if words != ["all", "cluster.op-version"]:
        raise UnknownCommand(" ".join(words))
    option = "<Opt><Option>cluster.op-version</Option><Value>110000</Value></Opt>"
    return ok(f"<volGetopts><count>1</count>{option}</volGetopts>")


def volume_start(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
    volume = peer.cluster.volumes.get(words[0])
    if volume is None:
        return fail(f"Volume {words[0]} does not exist", "30800")
    if pool.locked:
        pool.locked -= 1
        return fail(f"Another transaction is in progress for {words[0]}. Please try again after some time.", "30802")
    if volume.started and words[1:] != ["force"]:
        return fail(f"Volume {volume.name} already started", "30800")
    volume.started = True
    for brick in volume.bricks:
        brick.online = True
        host(peer, brick.host).unserved.discard(volume.name)
    return ok(f"<volStart><volume><name>{volume.name}</name><id>{volume.id}</id></volume></volStart>")


def volume_stop(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
    volume = peer.cluster.volumes.get(words[0])
    if volume is None:
        return fail(f"Volume {words[0]} does not exist", "30800")
    if not volume.started:
        return fail(f"Volume {volume.name} is not in the started state", "30800")
    volume.started = False
    for brick in volume.bricks:
        brick.online = False
    return ok(f"<volStop><volume><name>{volume.name}</name><id>{volume.id}</id></volume></volStop>")


def volume_delete(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
    volume = peer.cluster.volumes.get(words[0])
    if volume is None:
        return fail(f"Volume {words[0]} does not exist", "30800")
    if volume.started:
        text = f"Volume {volume.name} has been started.Volume needs to be stopped before deletion."
        return fail(text, "30800")
    del peer.cluster.volumes[volume.name]
    return ok(f"<volDelete><volume><name>{volume.name}</name><id>{volume.id}</id></volume></volDelete>")


def volume_set(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
    name, *pairs = words
    tail = "<cliOp>volSet</cliOp><output>Set volume unsuccessful</output>"
    volume = peer.cluster.volumes.get(name)
    if volume is None:
        return fail(f"Volume {name} does not exist", "30800", tail)
    for key in pairs[::2]:
        if key not in KNOWN_OPTIONS:
            return fail(f"option : {key} does not exist\nDid you mean dht.force-readdirp?", "30800", tail)
    volume.options.update(zip(pairs[::2], pairs[1::2], strict=True))
    return ok("<cliOp>volSet</cliOp><output>Set volume successful</output>")


def volume_reset(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
    name, key = words
    if key not in KNOWN_OPTIONS:
        text = f"Option {key} does not exist\nDid you mean dht.force-readdirp?"
        return fail(text, "30800", f"<cliOp>volReset</cliOp><output>{text}</output>")
    peer.cluster.volumes[name].options.pop(key, None)
    return ok("<cliOp>volReset</cliOp><output>reset volume successful</output>")
