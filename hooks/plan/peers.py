"""The peers' part of a plan: one pool out of all nodes of values, each under its own UUID and address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

from hooks.gluster.model import Observed, Peer, PeerView
from hooks.plan.model import Decision, Phase, Step
from hooks.text import joined, plural


def decide(observed: Observed, recorded: Mapping[str, str], rebuilt: Container[str] = ()) -> Decision:
    """Plan resets of cloned UUIDs and probes. `recorded` is each node's UUID of earlier runs.

    Nodes that are `rebuilt` have lost theirs and get it back: they are left out, and nothing is planned but that.
    """
    whole = replace(observed, peers=tuple(peer for peer in observed.peers if peer.name not in rebuilt))
    refusals = _wrong_addresses(whole, recorded) or [
        *_lost_state(whole, recorded),
        *_clones_in_use(whole.peers),
        *_foreign_pools(whole),
    ]
    if refusals:
        return Decision(refusals=tuple(refusals))
    if len(whole.peers) < len(observed.peers):
        ours = {peer.uuid for peer in whole.peers}
        return Decision(waits=tuple(text for uuid, text in _unhealthy(whole) if uuid in ours))
    resets = _resets(observed)
    probes = _probes(observed, {step.peer for step in resets})
    back = _probe_back(observed)
    return Decision(
        phases=(
            Phase("Give cloned peers a UUID of their own", tuple(resets), observe=True),
            Phase("Join the peers", tuple(probes), observe=not back),
            Phase("Make the first peer known by its address", tuple(back), observe=True),
        ),
        waits=tuple(text for _, text in _unhealthy(observed)),
        notes=tuple(_unlisted(observed)),
    )


def _views(observed: Observed) -> dict[str, PeerView]:
    """The pool's other members as the counting peer sees them, by UUID."""
    return {view.uuid: view for view in observed.reference_peer.views or ()}


def _in_pool(observed: Observed, peer: Peer) -> bool:
    return peer is observed.reference_peer or peer.uuid in _views(observed)


def _wrong_addresses(observed: Observed, recorded: Mapping[str, str]) -> list[str]:
    """An address that leads to another glusterd than the one in the node's pod must not be probed."""
    names = {peer.uuid: peer.name for peer in observed.peers} | {uuid: name for name, uuid in recorded.items()}
    refusals = []
    for peer in observed.peers:
        own, found = peer.uuid, peer.at_address
        if peer.views is None and peer.name in recorded:  # it was not asked itself: its UUID is the address's
            own, found = recorded[peer.name], peer.uuid
        if found not in ("", own):
            refusals.append(
                f"{peer.name}: its address {peer.address} leads to another glusterd "
                f"({names.get(found, 'none of these nodes')}, UUID {found}) than its own (UUID {own}). "
                "Correct `address`."
            )
    return refusals


def lost(observed: Observed, recorded: Mapping[str, str]) -> dict[str, str]:
    """Nodes with the UUID that the pool or the record knows them by, where their glusterd has another one now."""
    found = {}
    for peer in observed.peers:
        at_address = next((v for v in _views(observed).values() if peer.address in v.hostnames), None)
        known = at_address.uuid if at_address else recorded.get(peer.name, peer.uuid)
        if known == peer.uuid or (at_address is None and known not in observed.pool_uuids):
            continue
        found[peer.name] = known
    return found


def _lost_state(observed: Observed, recorded: Mapping[str, str]) -> list[str]:
    """Known name or address, other UUID: the node's state folder was lost or exchanged. It is not a new peer."""
    peers = {peer.name: peer for peer in observed.peers}
    return [
        f"{name} ({peers[name].address}) was in the pool as peer {known}, but its glusterd now is {peers[name].uuid}: "
        "its state folder was lost or exchanged. Bring the old state folder back, or have the peer rebuilt from the "
        "others: give its entry in `nodes` a `rebuild` word that it did not have before. Nothing was changed."
        for name, known in lost(observed, recorded).items()
    ]


def _clones_in_use(peers: Sequence[Peer]) -> list[str]:
    """Several peers with one UUID of which more than one has peers or volumes: which is the right one?"""
    refusals = []
    for uuid, count in Counter(peer.uuid for peer in peers).items():
        in_use = [peer.name for peer in peers if peer.uuid == uuid and not peer.alone]
        if count > 1 and len(in_use) > 1:
            refusals.append(
                f"{joined(in_use)} have the same UUID {uuid} and each has peers or volumes: a state folder was copied "
                f"from one node to the other. Empty the state folder of the copy and start its pod anew."
            )
    return refusals


def _foreign_pools(observed: Observed) -> list[str]:
    """Peers that belong to another pool, or have volumes of their own, cannot be probed (gluster: errno 3)."""
    return [
        f"{peer.name} ({peer.address}) already has {describe_membership(peer)} that the pool of "
        f"{observed.reference_peer.name} does not know. Two pools cannot be joined: empty its state folder if that "
        "pool is not needed any more, or take the node out of `nodes`."
        for peer in observed.peers
        if peer.views is not None and not peer.alone and not _in_pool(observed, peer)
    ]


def describe_membership(peer: Peer) -> str:
    """Volumes and peers that a peer knows, in words."""
    volumes = [volume.name for volume in peer.volumes or ()]
    peers = [view.hostnames[0] for view in peer.views or ()]
    parts = [f"the {plural(volumes, 'volume')} {joined(volumes)}"] if volumes else []
    parts += [f"the {plural(peers, 'peer')} {joined(peers)}"] if peers else []
    return " and ".join(parts)


def _resets(observed: Observed) -> list[Step]:
    """`uuid reset` works only on a peer without peers and volumes; one holder of each UUID keeps it."""
    steps = []
    holders = {observed.reference_peer.uuid: observed.reference_peer.name}
    for view in _views(observed).values():
        holders.setdefault(view.uuid, view.hostnames[0])
    for peer in observed.peers:
        holder = holders.setdefault(peer.uuid, peer.name)
        if holder != peer.name and peer.alone:
            steps.append(
                Step("system:: uuid reset", peer.name, why=f"{peer.name} is a clone of {holder}: UUID {peer.uuid}")
            )
    return steps


def _probes(observed: Observed, renewed: set[str]) -> list[Step]:
    member = observed.reference_peer
    views = _views(observed)
    steps = []
    for peer in observed.peers:
        if peer is member:
            continue
        if peer.name in renewed or peer.uuid not in views:
            steps.append(Step(f"peer probe {peer.address}", member.name))
        elif peer.address not in views[peer.uuid].hostnames:
            steps.append(Step(f"peer probe {peer.address}", member.name, why=f"{peer.name} gets its address as a name"))
    return steps


def _probe_back(observed: Observed) -> list[Step]:
    """The first peer is stored under whatever its probe came from; probed back it is known by its address too."""
    member = observed.reference_peer
    others = [peer for peer in observed.peers if peer is not member]
    prober = next((peer for peer in others if _lacks_address(peer, member)), None)
    if prober is None and others and not any(_in_pool(observed, peer) for peer in others):
        prober = others[0]
    if prober is None:
        return []
    return [Step(f"peer probe {member.address}", prober.name, why=f"{member.name} gets its address as a name")]


def _lacks_address(peer: Peer, member: Peer) -> bool:
    seen = next((view for view in peer.views or () if view.uuid == member.uuid), None)
    return seen is not None and member.address not in seen.hostnames


def _unhealthy(observed: Observed) -> list[tuple[str, str]]:
    """Every peer of the pool must be in state 3 and connected, as seen from every side: UUID and words of those not."""
    waits = []
    for peer in observed.peers:
        if not _in_pool(observed, peer):
            continue
        for view in peer.views or ():
            if not view.healthy:
                state = view.state_text if view.connected else f"{view.state_text}, disconnected"
                words = (
                    f"{observed.name_of(view.uuid)} is not a healthy peer as {peer.name} sees it ({state}). "
                    "Nothing is changed while a peer is away: bring it back first."
                )
                waits.append((view.uuid, words))
    return waits


def _unlisted(observed: Observed) -> list[str]:
    listed = {peer.uuid for peer in observed.peers}
    return [
        f"{view.hostnames[0]} is a peer of the pool but not in `nodes`: kept as it is."
        for view in _views(observed).values()
        if view.uuid not in listed
    ]
