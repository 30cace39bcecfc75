"""One pool out of all nodes of values, each peer under its own UUID and address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from hooks.gluster.model import Peer
from hooks.plan.case import Case
from hooks.plan.differences import Difference, PeerMissing, PeerUnnamed, ReferenceUnnamed, UuidCloned
from hooks.plan.model import Gluster, Phase
from hooks.plan.obstacles import ForeignPool, PeerUnhealthy, PeerUnlisted, StateLost, UuidTwice, WrongAddress


def differences(case: Case) -> Iterator[Difference]:
    """What keeps the nodes' peers from being one pool.

    Peers that get their UUID back are skipped; while there are any, nothing is asked for that needs all of them.
    """
    rebuilt = case.uuids_to_restore
    others = case.without_peers(rebuilt) if rebuilt else case
    obstacles: list[Difference] = [*_wrong_addresses(others)] or [
        *_lost_states(others),
        *_uuids_twice(others),
        *_foreign_pools(others),
    ]
    yield from obstacles
    if obstacles:
        return
    if rebuilt:
        uuids = {peer.uuid for peer in others.pool.peers}
        yield from (away for away in _unhealthy(others) if away.uuid in uuids)
        return
    yield from _unhealthy(case)
    clones = list(_clones(case))
    yield from clones
    yield from _probes(case, {clone.node for clone in clones})
    yield from _reference_unnamed(case)
    yield from _unlisted(case)


def phases(found: Iterable[Difference]) -> tuple[Phase, ...]:
    resets, probes, back = [], [], []
    for difference in found:
        match difference:
            case UuidCloned(node=node, holder=holder, uuid=uuid):
                why = f"{node} is a clone of {holder}: UUID {uuid}"
                resets.append(Gluster(("system::", "uuid", "reset"), node, why=why))
            case PeerMissing(address=address, by=by):
                probes.append(Gluster(("peer", "probe", address), by))
            case PeerUnnamed(node=node, address=address, by=by):
                probes.append(Gluster(("peer", "probe", address), by, why=f"{node} gets its address as a name"))
            case ReferenceUnnamed(node=node, address=address, by=by):
                back.append(Gluster(("peer", "probe", address), by, why=f"{node} gets its address as a name"))
    return (
        Phase("Give cloned peers a UUID of their own", tuple(resets), observe=True),
        Phase("Join the peers", tuple(probes), observe=not back),
        Phase("Make the first peer known by its address", tuple(back), observe=True),
    )


def foreign_volumes(peer: Peer) -> tuple[str, ...]:
    return tuple(volume.name for volume in peer.volumes or ())


def foreign_peers(peer: Peer) -> tuple[str, ...]:
    return tuple(view.hostnames[0] for view in peer.views or ())


def _wrong_addresses(case: Case) -> Iterator[WrongAddress]:
    """An address that leads to another glusterd than the one in the node's pod must not be probed."""
    recorded = case.state.uuids
    names = {peer.uuid: peer.name for peer in case.pool.peers} | {uuid: name for name, uuid in recorded.items()}
    for peer in case.pool.peers:
        own, found = peer.uuid, peer.at_address
        if peer.views is None and peer.name in recorded:  # it was not asked itself: its UUID is the address's
            own, found = recorded[peer.name], peer.uuid
        if found not in ("", own):
            yield WrongAddress(
                node=peer.name, address=peer.address, own=own, found=found, found_node=names.get(found, "")
            )


def _lost_states(case: Case) -> Iterator[StateLost]:
    """Known name or address, other UUID: the node's state folder was lost or exchanged. It is not a new peer."""
    for peer in case.pool.peers:
        if known := case.lost_uuids.get(peer.name):
            yield StateLost(node=peer.name, address=peer.address, known=known, now=peer.uuid)


def _uuids_twice(case: Case) -> Iterator[UuidTwice]:
    """Several peers with one UUID of which more than one has peers or volumes: which is the right one?"""
    for uuid in Counter(peer.uuid for peer in case.pool.peers):
        in_use = tuple(peer.name for peer in case.pool.peers if peer.uuid == uuid and not peer.alone)
        if len(in_use) > 1:
            yield UuidTwice(node=in_use[0], nodes=in_use, uuid=uuid)


def _foreign_pools(case: Case) -> Iterator[ForeignPool]:
    """Peers that belong to another pool, or have volumes of their own, cannot be probed (gluster: errno 3)."""
    for peer in case.pool.peers:
        if peer.views is not None and not peer.alone and not case.in_pool(peer):
            yield ForeignPool(
                node=peer.name,
                address=peer.address,
                volumes=foreign_volumes(peer),
                peers=foreign_peers(peer),
                reference=case.pool.reference_peer.name,
            )


def _unhealthy(case: Case) -> Iterator[PeerUnhealthy]:
    """Every peer of the pool must be in state 3 and connected, as seen from every side."""
    for peer in case.pool.peers:
        for view in (peer.views or ()) if case.in_pool(peer) else ():
            if not view.healthy:
                state = view.state_text if view.connected else f"{view.state_text}, disconnected"
                name = case.pool.name_of(view.uuid)
                yield PeerUnhealthy(node=name, uuid=view.uuid, seen_by=peer.name, state=state)


def _clones(case: Case) -> Iterator[UuidCloned]:
    """`uuid reset` works only on a peer without peers and volumes; one holder of each UUID keeps it."""
    holders = {case.pool.reference_peer.uuid: case.pool.reference_peer.name}
    for view in case.views.values():
        holders.setdefault(view.uuid, view.hostnames[0])
    for peer in case.pool.peers:
        holder = holders.setdefault(peer.uuid, peer.name)
        if holder != peer.name and peer.alone:
            yield UuidCloned(node=peer.name, holder=holder, uuid=peer.uuid)


def _probes(case: Case, renewed: set[str]) -> Iterator[Difference]:
    by = case.pool.reference_peer
    for peer in case.pool.peers:
        if peer is by:
            continue
        if peer.name in renewed or peer.uuid not in case.views:
            yield PeerMissing(node=peer.name, address=peer.address, by=by.name)
        elif peer.address not in case.views[peer.uuid].hostnames:
            yield PeerUnnamed(node=peer.name, address=peer.address, by=by.name)


def _reference_unnamed(case: Case) -> Iterator[ReferenceUnnamed]:
    """The first peer is stored under whatever its probe came from; probed back it is known by its address too."""
    reference = case.pool.reference_peer
    others = [peer for peer in case.pool.peers if peer is not reference]
    by = next((peer for peer in others if _lacks_address(peer, reference)), None)
    if by is None and others and not any(case.in_pool(peer) for peer in others):
        by = others[0]
    if by is not None:
        yield ReferenceUnnamed(node=reference.name, address=reference.address, by=by.name)


def _lacks_address(peer: Peer, reference: Peer) -> bool:
    seen = next((view for view in peer.views or () if view.uuid == reference.uuid), None)
    return seen is not None and reference.address not in seen.hostnames


def _unlisted(case: Case) -> Iterator[PeerUnlisted]:
    listed = {peer.uuid for peer in case.pool.peers}
    for view in case.views.values():
        if view.uuid not in listed:
            yield PeerUnlisted(address=view.hostnames[0])
