"""What stands in the way of a plan, or is only worth a word: one class a kind.

Only data: plan.sentences has the words.
"""

from __future__ import annotations

from dataclasses import dataclass

from hooks.plan.differences import Awaited, Bricks, Names, Noted, Refused
from hooks.values.model import BrickSpec

# Peers


@dataclass(frozen=True, kw_only=True)
class WrongAddress(Refused):
    """`address` leads to the glusterd `found` (of the node `found_node`, "" where nobody knows it), not to `own`."""

    address: str
    own: str
    found: str
    found_node: str


@dataclass(frozen=True, kw_only=True)
class StateLost(Refused):
    """The pool or the record knows the node as `known`; its glusterd has the UUID `now`."""

    address: str
    known: str
    now: str


@dataclass(frozen=True, kw_only=True)
class UuidTwice(Refused):
    """Several nodes with peers or volumes have one UUID."""

    nodes: Names
    uuid: str


@dataclass(frozen=True, kw_only=True)
class ForeignPool(Refused):
    """The node's peer has `volumes` and `peers` that the pool of `reference` does not know."""

    address: str
    volumes: Names
    peers: Names
    reference: str


@dataclass(frozen=True, kw_only=True)
class PeerUnhealthy(Awaited):
    """A peer of the pool that is away or in another state than "Peer in Cluster", as `seen_by` reports."""

    uuid: str
    seen_by: str
    state: str


@dataclass(frozen=True, kw_only=True)
class PeerUnlisted(Noted):
    address: str


# Peers and bricks that are rebuilt


@dataclass(frozen=True, kw_only=True)
class IdentityTaken(Refused):
    """A rebuild is authorised, but the node's peer has `volumes` and `peers` that the pool does not know."""

    address: str
    uuid: str
    volumes: Names
    peers: Names


@dataclass(frozen=True, kw_only=True)
class VolumesPending(Awaited):
    """The node's peer has not taken over every volume yet."""


@dataclass(frozen=True, kw_only=True)
class BrickLostForGood(Refused):
    """As BrickLost, of a distributed volume."""

    brick: BrickSpec


@dataclass(frozen=True, kw_only=True)
class BrickLostInBrokenSet(Refused):
    """As BrickLost, while `offline` bricks of its set are."""

    brick: BrickSpec
    offline: Bricks


# What does not run


@dataclass(frozen=True, kw_only=True)
class BrickUnproven(Refused):
    """A brick is offline and its folder does not show the volume's id."""

    restart_may_fix = True
    brick: BrickSpec


# Volumes


@dataclass(frozen=True, kw_only=True)
class BrickDirectoryMissing(Refused):
    brick: BrickSpec
    directory: str


@dataclass(frozen=True, kw_only=True)
class BrickOnRootDisk(Refused):
    brick: BrickSpec
    directory: str


@dataclass(frozen=True, kw_only=True)
class FolderIsNone(Refused):
    """Where the brick's folder is to be lies something else."""

    brick: BrickSpec


@dataclass(frozen=True, kw_only=True)
class FolderOfVolume(Refused):
    """The folder is a brick of the volume `owner` ("" for one that the pool does not know) with `volume_id`."""

    brick: BrickSpec
    owner: str
    volume_id: str


@dataclass(frozen=True, kw_only=True)
class FolderNotEmpty(Refused):
    brick: BrickSpec


@dataclass(frozen=True, kw_only=True)
class TypeDiffers(Refused):
    """In gluster's words: `live` in the pool, `asked` in the values."""

    live: str
    asked: str


@dataclass(frozen=True, kw_only=True)
class ReplicaUnplaced(Refused):
    """The volume may become `asked`, but a set has no free brick on a further node."""

    asked: str


@dataclass(frozen=True, kw_only=True)
class BricksUnlisted(Refused):
    """Live bricks that the values no longer give."""

    bricks: Bricks


@dataclass(frozen=True, kw_only=True)
class TlsOff(Refused):
    """The volume is started without the TLS options that the values ask for."""


@dataclass(frozen=True, kw_only=True)
class BricksLeftOver(Noted):
    bricks: Bricks
    set_size: int


@dataclass(frozen=True, kw_only=True)
class SetsRegrouped(Noted):
    """The values in their present order would group the same bricks into other sets."""


@dataclass(frozen=True, kw_only=True)
class VolumeUnlisted(Noted):
    """The pool has a volume that the values do not list."""


# Volumes that are deleted


@dataclass(frozen=True, kw_only=True)
class VolumeGone(Noted):
    """A volume that is to be deleted is not in the pool."""


@dataclass(frozen=True, kw_only=True)
class DeletionOutOfReach(Refused):
    """Bricks of a volume that is to be deleted are on peers that are not in `nodes`."""

    bricks: Bricks


@dataclass(frozen=True, kw_only=True)
class FoldersNotOfVolume(Noted):
    """Folders of bricks of a volume that is to be deleted do not show its id."""

    bricks: Bricks


# Nodes that are drained


@dataclass(frozen=True, kw_only=True)
class DrainBlocked(Refused):
    """Bricks that can neither move nor leave with their set."""

    bricks: Bricks


@dataclass(frozen=True, kw_only=True)
class DrainHeld(Refused):
    """A volume that the values do not list has bricks on a drained node."""

    bricks: Bricks


@dataclass(frozen=True, kw_only=True)
class ForeignRemoval(Refused):
    """Bricks (host:path) are being taken out of the volume, which the values do not ask for."""

    places: Names


@dataclass(frozen=True, kw_only=True)
class OldCopyKept(Noted):
    bricks: Bricks


# What an upgrade would change besides the pool


@dataclass(frozen=True, kw_only=True)
class NetworkChanged(Refused):
    """The pool was made on the network `made`, the values ask for another one."""

    made: str
    asked: str


@dataclass(frozen=True, kw_only=True)
class StatePathChanged(Refused):
    """The state of the peers on `nodes` lies in `live`."""

    nodes: Names
    live: str
    asked: str


@dataclass(frozen=True, kw_only=True)
class TlsChanged(Refused):
    asked: bool


@dataclass(frozen=True, kw_only=True)
class NodeRemoved(Refused):
    """A node was taken out of `nodes`; its peer holds `bricks`, as "volume (path)", or is in the pool.

    Nobody knows where the pool is not `readable`.
    """

    bricks: Names
    readable: bool


@dataclass(frozen=True, kw_only=True)
class NodesPending(Noted):
    """Nodes on which no peer runs yet."""

    nodes: Names


# What a restart of a peer would take away


@dataclass(frozen=True, kw_only=True)
class SetUnavailable(Refused):
    """A set of the volume, of this `type`, has more bricks on the node than it can miss."""

    type: str


@dataclass(frozen=True, kw_only=True)
class QuorumLost(Refused):
    """Without the node `remaining` peers are there; the volume stops below `quorum`."""

    remaining: int
    quorum: int
