"""The live pool, read and never changed: who the peers are, what they see of each other, volumes and their bricks.

There are three ways to take a snapshot, and all give the same facts. A healthy pool costs two execs whatever its size;
only if the answers do not account for every node of the values, each peer is queried.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from hooks.gluster.folders import FREE, Folder, inspect, inspect_command, parse_inspection
from hooks.gluster.model import NO_STATUS, TAKING_OVER, Observed, Peer, Status
from hooks.gluster.runner import Runner
from hooks.gluster.session import GlusterError, PeersUnreachable, Reply, at_addresses, session, session_with_host_info
from hooks.gluster.xml import parse_peers, parse_rebalancing, parse_removing, parse_status, parse_uuid, parse_volumes
from hooks.values.model import BrickSpec, Values

T = TypeVar("T")
R = TypeVar("R")

_IDENTITY = ("system:: uuid get", "peer status")
_OWN_FACTS = (*_IDENTITY, "volume info")
_ALL_FACTS = (*_OWN_FACTS, "volume status")
"""Only one peer is queried for all of them: `volume status` locks each volume, and of three peers that are queried at
the same time every tenth replies "Another transaction is in progress" (measured)."""

PARALLEL = 16
"""Peers that are queried at the same time."""


@dataclass(frozen=True)
class _Query:
    """A peer, the commands to run there, and addresses at which a glusterd must take connections before that."""

    name: str
    address: str
    commands: tuple[str, ...] = _OWN_FACTS
    require_reachable: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Answer:
    """What one peer reports; `status` and `folders` if it was queried for them."""

    peer: Peer
    status: Status | None = None
    folders: Mapping[BrickSpec, Folder] = field(default_factory=dict)


def observe(runner: Runner, addresses: Mapping[str, str], values: Values) -> Observed:
    """Take a snapshot of the pool that the nodes of `addresses` (name -> storage address) form, in the way that suits.

    Raises PeerUnavailable, OutcomeUnknown or GlusterError when a peer cannot be read.
    """
    return (observe_through_two if values.host_network else observe_every_view)(runner, addresses)


def observe_through_two(runner: Runner, addresses: Mapping[str, str]) -> Observed:
    """A snapshot from the views of the first two peers. The first one tries the port of each other peer."""
    answers = side_by_side(partial(_ask, runner), _queries(addresses)[:2])
    peers = _recognise(addresses, [answer.peer for answer in answers])
    return _snapshot(runner, peers, answers) if peers else observe_each_peer(runner, addresses)


def observe_every_view(runner: Runner, addresses: Mapping[str, str]) -> Observed:
    """A snapshot from the views of all peers, which the first one queries, and so tries their ports.

    On the pod network a restarted peer sees all the others connected while some of them still call its old address
    (measured).
    """
    first, *others = _queries(addresses)
    viewed = _ask_through(runner, first.name, {query.name: query.address for query in others})
    answer = _ask(runner, replace(first, require_reachable=()))
    peers = _recognise(addresses, [answer.peer, *viewed])
    return _snapshot(runner, peers, [answer]) if peers else observe_each_peer(runner, addresses)


def observe_each_peer(runner: Runner, addresses: Mapping[str, str], bricks: Iterable[BrickSpec] = ()) -> Observed:
    """A snapshot from what each peer reports of itself, for a pool that is probably new: nothing has to fit together.

    Each peer looks into its folders of `bricks` in the same exec.
    """
    # A view that is older than the rest would not do: those that have answered before are queried again.
    folders = _by_node(bricks)
    answers = side_by_side(lambda query: _ask_host(runner, query, folders.get(query.name, [])), _queries(addresses))
    return _snapshot(runner, _with_address(runner, [answer.peer for answer in answers]), answers)


def _queries(addresses: Mapping[str, str]) -> list[_Query]:
    """One for each node; the first one is for all facts, and the others must be reachable from there."""
    (first, address), *others = addresses.items()
    require_reachable = tuple(address for _, address in others)
    return [_Query(first, address, _ALL_FACTS, require_reachable), *(_Query(*other) for other in others)]


def _snapshot(runner: Runner, peers: tuple[Peer, ...], answers: Sequence[_Answer]) -> Observed:
    reference = Observed(peers).reference_peer
    status = next((answer.status for answer in answers if answer.peer.name == reference.name), None)
    if status is None:
        (reply,) = session(runner, reference.name, ["volume status"])
        status = _status(reference, reply)
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
    pending: Container[str] = (),
    known: Mapping[BrickSpec, Folder] | None = None,
) -> Observed:
    """Add to a snapshot what is in the folders of `bricks` now, or as `known`: one exec a node, side by side.

    On nodes whose peers are `pending` nobody can look yet: their folders pass for free.
    """
    folders = dict(known or {})
    by_node = _by_node(brick for brick in bricks if brick not in folders)

    def inside(node: str) -> dict[BrickSpec, Folder]:
        return dict.fromkeys(by_node[node], FREE) if node in pending else inspect(runner, node, by_node[node])

    for found in side_by_side(inside, list(by_node)):
        folders |= found
    return replace(observed, folders=folders)


def query_each_peer(runner: Runner, observed: Observed, names: Collection[str]) -> Observed:
    """Add to a snapshot what the glusterds of these nodes report themselves, and the pool's op-version."""
    (reply,) = session(runner, observed.reference_peer.name, ["volume get all cluster.op-version"])
    version = _root(observed.reference_peer.name, reply).findtext("volGetopts/Opt/Value", "")

    def ask(peer: Peer) -> tuple[Peer, bool]:
        whole = _ask(runner, _Query(peer.name, peer.address)).peer if peer.volumes is None else peer
        taking_over = not runner.run(peer.name, ["timeout", "30", "test", "-e", TAKING_OVER]).exit_code
        return replace(whole, at_address=peer.at_address), taking_over

    answers = side_by_side(ask, [peer for peer in observed.peers if peer.name in names])
    whole = {peer.name: peer for peer, _ in answers}
    peers = tuple(whole.get(peer.name, peer) for peer in observed.peers)
    marked = frozenset(peer.name for peer, taking_over in answers if taking_over)
    return replace(observed, peers=peers, op_version=version, taking_over=marked)


def _by_node(bricks: Iterable[BrickSpec]) -> dict[str, list[BrickSpec]]:
    by_node: dict[str, list[BrickSpec]] = {}
    for brick in bricks:
        by_node.setdefault(brick.node, []).append(brick)
    return by_node


def side_by_side(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Do `work` for all items at the same time; results in the order of items. Raises the first error there was."""
    if len(items) < 2:
        return [work(item) for item in items]
    pool, wait = ThreadPoolExecutor(min(PARALLEL, len(items))), True
    try:
        return list(pool.map(work, items))
    except SystemExit:  # the hook must end now, in time to write its record; nobody waits for what still runs
        wait = False
        raise
    finally:
        pool.shutdown(wait, cancel_futures=not wait)


def _ask_through(runner: Runner, name: str, addresses: Mapping[str, str]) -> list[Peer]:
    """The peers of `addresses` as they answer to the one on `name`, without their volumes."""
    if not addresses:
        return []
    answers = at_addresses(runner, name, list(addresses.values()), _IDENTITY)
    if silent := [address for address in addresses.values() if answers[address] is None]:
        raise PeersUnreachable(name, silent)
    peers = []
    for other, address in addresses.items():
        uuid, views = (_root(other, reply) for reply in answers[address] or ())
        peers.append(Peer(other, address, parse_uuid(uuid), parse_peers(views)))
    return peers


def _with_address(runner: Runner, peers: Sequence[Peer]) -> tuple[Peer, ...]:
    """Complete `at_address`: if a peer's node does not have its address itself, another peer may answer there."""
    unsure = [peer.address for peer in peers if not peer.at_address]
    answers = at_addresses(runner, peers[0].name, unsure, _IDENTITY[:1]) if unsure else {}

    def at(address: str) -> str:
        replies = answers[address]
        return parse_uuid(_root(address, replies[0])) if replies else ""

    return tuple(peer if peer.at_address else replace(peer, at_address=at(peer.address)) for peer in peers)


def _ask(runner: Runner, query: _Query) -> _Answer:
    replies = session(runner, query.name, query.commands, query.require_reachable)
    return _answer(query, replies)


def _ask_host(runner: Runner, query: _Query, bricks: Sequence[BrickSpec]) -> _Answer:
    """What `_ask` does, in one exec with a look into the folders of `bricks`.

    If the address of the query is one of the node's own, then nobody else answers there.
    """
    look = inspect_command(bricks) if bricks else ()
    reply = session_with_host_info(runner, query.name, query.commands, query.require_reachable, look)
    answer = _answer(query, reply.replies)
    peer = replace(answer.peer, at_address=answer.peer.uuid if query.address in reply.addresses else "")
    return replace(answer, peer=peer, folders=parse_inspection(query.name, bricks, reply.result))


def _answer(query: _Query, replies: Sequence[Reply]) -> _Answer:
    uuid, views, volumes = (_root(query.name, reply) for reply in replies[:3])
    peer = Peer(query.name, query.address, parse_uuid(uuid), parse_peers(views), parse_volumes(volumes))
    return _Answer(peer, _status(peer, replies[3]) if query.commands == _ALL_FACTS else None)


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


def _recognise(addresses: Mapping[str, str], viewed: Sequence[Peer]) -> tuple[Peer, ...] | None:
    """All peers out of the views of some, or None if a node of the values is missing or the views do not agree."""
    first, *others = viewed
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
