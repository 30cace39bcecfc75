"""Values, the pool's snapshot and the hook's state, joined once: what every part of a plan is decided by."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from hooks.gluster.model import Brick, Observed, Peer, PeerView, Volume
from hooks.plan.bricks import BrickDiff, brick_diff, live_bricks
from hooks.plan.state import HookState
from hooks.values.model import BrickSpec, Values, VolumeSpec


@dataclass(frozen=True)
class Case:
    """`restarting` nodes get a changed pod: their folders cannot be judged before it runs."""

    values: Values
    pool: Observed
    state: HookState
    restarting: frozenset[str] = frozenset()

    @cached_property
    def specs(self) -> Mapping[str, VolumeSpec]:
        """The volumes that the values list, by name."""
        return {spec.name: spec for spec in self.values.volumes}

    @cached_property
    def volumes(self) -> Mapping[str, Volume]:
        """The pool's volumes, by name."""
        return {volume.name: volume for volume in self.pool.volumes}

    @cached_property
    def volumes_by_id(self) -> Mapping[str, Volume]:
        return {volume.id: volume for volume in self.pool.volumes}

    @cached_property
    def addresses(self) -> Mapping[str, str]:
        """The nodes' addresses, by name."""
        return {peer.name: peer.address for peer in self.pool.peers}

    @cached_property
    def views(self) -> Mapping[str, PeerView]:
        """The pool's other members as the reference peer sees them, by UUID."""
        return {view.uuid: view for view in self.pool.reference_peer.views or ()}

    @cached_property
    def live(self) -> Mapping[str, tuple[BrickSpec, ...]]:
        """The bricks of the pool's volumes under their nodes' names, by volume."""
        return {volume.name: live_bricks(volume, self.pool) for volume in self.pool.volumes}

    @cached_property
    def brick_diffs(self) -> Mapping[str, BrickDiff]:
        """What the volumes that the values list lack in bricks, by name."""
        return {spec.name: self._brick_diff(spec) for spec in self.values.volumes}

    def _brick_diff(self, spec: VolumeSpec) -> BrickDiff:
        if (volume := self.volumes.get(spec.name)) is None:
            return BrickDiff(new_sets=spec.bricks, left_over=spec.left_over)
        return brick_diff(spec, self.live[spec.name], volume.set_size, self.values.drained)

    def without_peers(self, names: Container[str]) -> Case:
        """The same as if these nodes were not there."""
        peers = tuple(peer for peer in self.pool.peers if peer.name not in names)
        return replace(self, pool=replace(self.pool, peers=peers))

    def running(self) -> Iterator[Volume]:
        """The started volumes that the values list."""
        return (volume for volume in self.pool.volumes if volume.started and volume.name in self.specs)

    def in_pool(self, peer: Peer) -> bool:
        return peer is self.pool.reference_peer or peer.uuid in self.views

    def brick_of(self, brick: Brick) -> BrickSpec:
        """A live brick under its node's name."""
        return BrickSpec(self.pool.name_of(brick.peer), brick.path)

    @cached_property
    def rebuild_words(self) -> Mapping[str, str]:
        """Nodes whose `rebuild` word was not used yet, with it."""
        return unused_rebuild_words(self.values, self.state)

    @cached_property
    def lost_uuids(self) -> Mapping[str, str]:
        """Nodes with the UUID that the pool or the record knows, where their glusterd has another one now."""
        found = {}
        for peer in self.pool.peers:
            at_address = next((view for view in self.views.values() if peer.address in view.hostnames), None)
            known = at_address.uuid if at_address else self.state.uuids.get(peer.name, peer.uuid)
            if known != peer.uuid and (at_address or known in self.pool.pool_uuids):
                found[peer.name] = known
        return found

    @cached_property
    def uuids_to_restore(self) -> Mapping[str, str]:
        """Nodes that must get the UUID they had in the pool: it is lost, or glusterd ended before all was written."""
        found = {name: uuid for name, uuid in self.lost_uuids.items() if name in self.rebuild_words}
        for peer in self.pool.peers:
            begun = peer.name in self.rebuild_words and peer.name in self.state.rebuilding
            asked = peer.views is not None and peer is not self.pool.reference_peer
            known = {peer.uuid, *(view.uuid for view in peer.views or ())}
            if begun and asked and self.pool.pool_uuids - known:
                found.setdefault(peer.name, peer.uuid)
        return found

    def members_but(self, uuid: str) -> dict[str, tuple[str, ...]]:
        """The pool's members but for `uuid`, with the names by which they are known."""
        reference = self.pool.reference_peer
        members = {reference.uuid: (reference.address,)} | {u: view.hostnames for u, view in self.views.items()}
        return {other: names for other, names in members.items() if other != uuid}


def unused_rebuild_words(values: Values, state: HookState) -> dict[str, str]:
    """Nodes whose `rebuild` word was not used yet, with it."""
    return {n.name: n.rebuild for n in values.nodes if n.rebuild and n.rebuild not in state.rebuilt.get(n.name, ())}
