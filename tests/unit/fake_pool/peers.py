"""Commands on peers."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from tests.unit.fake_pool.bricks import may_lose
from tests.unit.fake_pool.model import FakeCluster, FakePeer
from tests.unit.fake_pool.xml import fail, ok

if TYPE_CHECKING:
    from tests.unit.fake_pool.pool import FakePool


def uuid_get(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
    return ok(f"<uuidGenerate><uuid>{peer.uuid}</uuid></uuidGenerate>")


def uuid_reset(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
    if len(peer.cluster.members) > 1 or peer.cluster.volumes:
        return fail(
            "trusted storage pool has been already formed. Please detach this peer from the pool and reset its uuid.",
            "0",
            "<uuidReset/>",
        )
    peer.uuid = str(uuid.uuid4())
    return ok("<uuidReset/>")


def peer_status(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
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
    return ok(f"<peerStatus>{rows}</peerStatus>" if rows else "<peerStatus/>")


def peer_probe(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
    target = next((p for p in pool.peers.values() if p.address == words[0]), None)
    if target is peer:
        return ok("<output>Probe on localhost not needed</output>", errno=1)
    if target is None or not target.answers:
        return fail("Probe returned with Transport endpoint is not connected", "107")
    if target in peer.cluster.members:
        for member in peer.cluster.members:
            names = member.names.setdefault(target.uuid, [])
            if member is not target and target.address not in names:
                names.append(target.address)
        return ok(f"<output>Host {words[0]} port 24007 already in peer list</output>", errno=2)
    if target.uuid == peer.uuid:
        return fail(f"Peer uuid (host {words[0]}) is same as local uuid", "5")
    if len(target.cluster.members) > 1 or target.cluster.volumes:
        return fail(f"{words[0]} is either already part of another cluster or having volumes configured", "3")
    for member in peer.cluster.members:
        member.names[target.uuid] = [target.address]
        # the prober is stored by the name that its address resolves to, until it is probed back
        target.names[member.uuid] = [member.address if member is not peer else f"{member.name}.example"]
    peer.cluster.members.append(target)
    target.cluster = peer.cluster
    return ok("<output>success</output>")


def peer_detach(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
    target = next((p for p in peer.cluster.members if p.address == words[0]), None)
    if target is None:
        return fail(f"{words[0]} is not part of cluster", "2")
    if target is peer:
        return fail(f"{words[0]} is localhost", "1")
    if any(b.host == target.address for volume in peer.cluster.volumes.values() for b in volume.bricks):
        text = f"Peer {words[0]} hosts one or more bricks. If the peer is in not recoverable state then use either "
        text += "replace-brick or remove-brick command with force to remove all bricks from the peer and attempt "
        return fail(f"{text}the peer detach again.", "3").replace(">-1<", ">1<")
    for volume in peer.cluster.volumes.values():
        may_lose(peer, volume)
    peer.cluster.members.remove(target)
    target.cluster = FakeCluster([target])
    target.names = {}
    for member in peer.cluster.members:
        member.names.pop(target.uuid, None)
    return ok("<output>success</output>")
