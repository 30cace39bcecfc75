"""The live pool, read and never changed: who the peers are, what they see of each other, volumes and their bricks.

A healthy pool costs two execs whatever its size: one peer tries the port of each other one and is asked for everything,
a second one for its view of the first. On the pod network the other exec asks each peer for its view, through the
first. Only when these do not account for every node of values are all asked, side by side.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeVar

from hooks.gluster.folders import FREE, Folder, inspect, inspect_command, parse_inspection
from hooks.gluster.model import NO_STATUS, TAKING_OVER, Observed, Peer, Status
from hooks.gluster.runner import Runner
from hooks.gluster.session import GlusterError, PeersUnreachable, Reply, at_addresses, session, session_with_host_info
from hooks.gluster.xml import parse_peers, parse_rebalancing, parse_removing, parse_status, parse_uuid, parse_volumes
from hooks.values.model import BrickSpec

T = TypeVar("T")
R = TypeVar("R")

_IDENTITY_COMMANDS = ("system:: uuid get", "peer status")
AT_ONCE = 16
"""Peers that are asked at the same time."""


@dataclass(frozen=True)
class _Answer:
    """What one peer says; `status` and `folders` where it was asked for them."""

    peer: Peer
    status: Status | None = None
    folders: Mapping[BrickSpec, Folder] = field(default_factory=dict)


def observe(
    runner: Runner,
    addresses: Mapping[str, str],
    query_all_peers: bool = False,
    new: bool = False,
    bricks: Iterable[BrickSpec] = (),
) -> Observed:
    """Take a snapshot of the pool that the nodes of `addresses` (name -> storage address) form, or are to form.

    With `query_all_peers` each peer is asked: on the pod network a restarted one sees all the others connected while
    some of them still call its old address (measured). Where the pool is probably `new`, all is asked at once, and who
    is asked for all looks into the folders of `bricks` in the same exec. Raises PeerUnavailable, OutcomeUnknown or
    GlusterError when a peer cannot be read.
    """
    names = list(addresses)
    others_addresses = [] if query_all_peers else [addresses[other] for other in names[1:]]
    folders = _by_node(bricks)

    def ask(name: str, host_info: bool = False) -> _Answer:
        first = name == names[0]
        looked_at = folders.get(name, []) if host_info else None
        return _ask(runner, name, addresses[name], first, others_addresses if first else (), looked_at)

    peers = None
    if not new:
        others = _ask_from(runner, names[0], {name: addresses[name] for name in names[1:]}) if query_all_peers else []
        answers = side_by_side(ask, names[:1] if query_all_peers else names[:2])
        peers = _recognise(addresses, [*(answer.peer for answer in answers), *others])
    if peers is None:
        # A view that is older than the rest would not do: those who have answered are asked again.
        answers = side_by_side(lambda name: ask(name, host_info=True), names)
        peers = _with_address(runner, [answer.peer for answer in answers])
    member = Observed(peers).reference_peer
    status = next((answer.status for answer in answers if answer.peer.name == member.name), None)
    if status is None:
        (reply,) = session(runner, member.name, ["volume status"])
        status = _status(member, reply)
    return Observed(peers, status, {brick: at for answer in answers for brick, at in answer.folders.items()})


def add_pending_nodes(observed: Observed, addresses: Mapping[str, str], recorded: Mapping[str, str]) -> Observed:
    """Add nodes of `addresses` that have no peer yet, as empty ones, under their `recorded` UUID if there is one."""
    present = {peer.name: peer for peer in observed.peers}
    peers = (
        present.get(name) or Peer(name, address, recorded.get(name, f"<{name}>"), (), ())
        for name, address in addresses.items()
    )
    return replace(observed, peers=tuple(peers))


def with_folders(
    runner: Runner,
    observed: Observed,
    bricks: Iterable[BrickSpec],
    coming: Container[str] = (),
    known: Mapping[BrickSpec, Folder] | None = None,
) -> Observed:
    """Add to a snapshot what is in the folders of `bricks` now, or as `known`: one exec a node, side by side.

    On nodes that are `coming` nobody can look yet: their folders pass for free.
    """
    folders = dict(known or {})
    by_node = _by_node(brick for brick in bricks if brick not in folders)

    def inside(node: str) -> dict[BrickSpec, Folder]:
        return dict.fromkeys(by_node[node], FREE) if node in coming else inspect(runner, node, by_node[node])

    for found in side_by_side(inside, list(by_node)):
        folders |= found
    return replace(observed, folders=folders)


def query_each_peer(runner: Runner, observed: Observed, names: Collection[str]) -> Observed:
    """Add to a snapshot what the glusterds of these nodes say themselves, and the pool's op-version."""
    (reply,) = session(runner, observed.reference_peer.name, ["volume get all cluster.op-version"])
    version = _root(observed.reference_peer.name, reply).findtext("volGetopts/Opt/Value", "")

    def ask(peer: Peer) -> tuple[Peer, bool]:
        asked = _ask(runner, peer.name, peer.address).peer if peer.volumes is None else peer
        marked = not runner.run(peer.name, ["timeout", "30", "test", "-e", TAKING_OVER]).exit_code
        return replace(asked, at_address=peer.at_address), marked

    told = side_by_side(ask, [peer for peer in observed.peers if peer.name in names])
    own = {peer.name: peer for peer, _ in told}
    peers = tuple(own.get(peer.name, peer) for peer in observed.peers)
    marked = {peer.name for peer, marked in told if marked}
    return replace(observed, peers=peers, op_version=version, taking_over=frozenset(marked))


def _by_node(bricks: Iterable[BrickSpec]) -> dict[str, list[BrickSpec]]:
    by_node: dict[str, list[BrickSpec]] = {}
    for brick in bricks:
        by_node.setdefault(brick.node, []).append(brick)
    return by_node


def side_by_side(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Do `work` for all items at the same time; results in the order of items. Raises the first error there was."""
    if len(items) < 2:
        return [work(item) for item in items]
    pool, wait = ThreadPoolExecutor(min(AT_ONCE, len(items))), True
    try:
        return list(pool.map(work, items))
    except SystemExit:  # the hook is to end at once: it has to write its record while what runs goes on for nobody
        wait = False
        raise
    finally:
        pool.shutdown(wait, cancel_futures=not wait)


def _ask_from(runner: Runner, name: str, addresses: Mapping[str, str]) -> list[Peer]:
    """The peers of `addresses` as they answer to the one on `name`, without their volumes; this too tries each port."""
    if not addresses:
        return []
    answers = at_addresses(runner, name, list(addresses.values()), _IDENTITY_COMMANDS)
    if silent := [address for address in addresses.values() if answers[address] is None]:
        raise PeersUnreachable(name, silent)
    peers = []
    for other, address in addresses.items():
        uuid, views = (_root(other, reply) for reply in answers[address] or ())
        peers.append(Peer(other, address, parse_uuid(uuid), parse_peers(views)))
    return peers


def _with_address(runner: Runner, peers: Sequence[Peer]) -> tuple[Peer, ...]:
    """Where a peer's node does not have its address itself, look who answers there: maybe another."""
    unsure = [peer.address for peer in peers if not peer.at_address]
    answers = at_addresses(runner, peers[0].name, unsure, _IDENTITY_COMMANDS[:1]) if unsure else {}

    def at(address: str) -> str:
        replies = answers[address]
        return parse_uuid(_root(address, replies[0])) if replies else ""

    return tuple(peer if peer.at_address else replace(peer, at_address=at(peer.address)) for peer in peers)


def _ask(
    runner: Runner,
    name: str,
    address: str,
    status: bool = False,
    require_reachable: Sequence[str] = (),
    host_info: Sequence[BrickSpec] | None = None,
) -> _Answer:
    """Ask a peer for itself, and for `volume status` where that is wanted.

    Only one peer is asked for that: it locks each volume, and of three that ask at the same time every tenth is told
    "Another transaction is in progress" (measured). Where it is to `host_info` itself it also says whether
    `address` is one of its node's own (then nobody else answers there) and looks into the folders of these bricks.
    """
    commands = [*_IDENTITY_COMMANDS, "volume info", *(["volume status"] if status else [])]
    own: Container[str] = ()
    folders: Mapping[BrickSpec, Folder] = {}
    if host_info is None:
        replies = session(runner, name, commands, require_reachable)
    else:
        look = inspect_command(host_info) if host_info else ()
        reply = session_with_host_info(runner, name, commands, require_reachable, look)
        own, replies = reply.addresses, reply.replies
        folders = parse_inspection(name, host_info, reply.result)
    uuid, views, volumes = (_root(name, reply) for reply in replies[:3])
    at_address = parse_uuid(uuid) if address in own else ""
    peer = Peer(name, address, parse_uuid(uuid), parse_peers(views), parse_volumes(volumes), at_address)
    return _Answer(peer, _status(peer, replies[3]) if status else None, folders)


def _root(name: str, reply: Reply) -> ET.Element:
    if (answer := reply.answer) is None:
        raise GlusterError(name, reply)
    return answer


def _status(peer: Peer, status: Reply) -> Status:
    if (answer := status.answer) is not None:
        return Status(parse_status(answer), parse_rebalancing(answer), parse_removing(answer))
    if any(volume.started for volume in peer.volumes or ()):
        raise GlusterError(peer.name, status)
    return NO_STATUS


def _recognise(addresses: Mapping[str, str], asked: Sequence[Peer]) -> tuple[Peer, ...] | None:
    """All peers out of the views of the first two, or None where a node of values is missing or anything is amiss."""
    first, *others = asked
    if len(first.views or ()) != len(addresses) - 1:
        return None
    peers = [first]
    for name in list(addresses)[1:]:
        view = next((v for v in first.views or () if addresses[name] in v.hostnames), None)
        if view is None or not view.healthy:
            return None
        peers.append(next((p for p in others if p.name == name), Peer(name, addresses[name], view.uuid)))
        if peers[-1].uuid != view.uuid:
            return None
    for other in others:
        back = next((v for v in other.views or () if v.uuid == first.uuid), None)
        if back is None or first.address not in back.hostnames or not all(v.healthy for v in other.views or ()):
            return None
    return tuple(peers) if len({peer.uuid for peer in peers}) == len(peers) else None
