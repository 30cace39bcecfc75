"""What differs between the values, the pool and the hook's state, and is put right by steps: one class a kind.

Only data. Each area's module (peers, volumes, ...) finds its kinds and makes steps of them. What stands in the way of
steps is in plan.obstacles.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from hooks.values.model import BrickSpec

Bricks = tuple[BrickSpec, ...]
Names = tuple[str, ...]


class Answer(Enum):
    """STEPS: it is put right. REFUSE: nothing is done until somebody else does. WAIT: it may pass by itself."""

    STEPS = "steps"
    REFUSE = "refusal"
    WAIT = "wait"
    NOTE = "note"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """`node` and `volume` are those that it is about, "" where it is about none."""

    answer: ClassVar[Answer] = Answer.STEPS
    restart_may_fix: ClassVar[bool] = False
    node: str = ""
    volume: str = ""

    @property
    def kind(self) -> str:
        """The name of the kind, for programs: it does not change when a sentence does."""
        return type(self).__name__


@dataclass(frozen=True, kw_only=True)
class Refused(Difference):
    answer = Answer.REFUSE


@dataclass(frozen=True, kw_only=True)
class Awaited(Difference):
    answer = Answer.WAIT


@dataclass(frozen=True, kw_only=True)
class Noted(Difference):
    answer = Answer.NOTE


# Peers


@dataclass(frozen=True, kw_only=True)
class UuidCloned(Difference):
    """A peer without pool and volumes has the UUID of `holder`."""

    holder: str
    uuid: str


@dataclass(frozen=True, kw_only=True)
class PeerMissing(Difference):
    """The pool lacks the node's peer; `by` is the node that probes it."""

    address: str
    by: str


@dataclass(frozen=True, kw_only=True)
class PeerUnnamed(Difference):
    """The pool knows the peer, but not under its address."""

    address: str
    by: str


@dataclass(frozen=True, kw_only=True)
class ReferenceUnnamed(Difference):
    """The first peer, which is stored under whatever its probe came from, is not known under its address."""

    address: str
    by: str


# Peers and bricks that are rebuilt


@dataclass(frozen=True, kw_only=True)
class IdentityLost(Difference):
    """A rebuild of the node is authorised: it gets `uuid` back. `others` are (UUID, host names) of the other peers."""

    uuid: str
    op_version: str
    others: tuple[tuple[str, Names], ...]


@dataclass(frozen=True, kw_only=True)
class RestartPending(Difference):
    """The node's glusterd has its identity back and must start once more before its lost bricks can be reset."""


@dataclass(frozen=True, kw_only=True)
class BrickLost(Difference):
    """The folder of a brick is gone, the disk is there, and a rebuild is authorised; the peer on `by` resets it."""

    brick: BrickSpec
    address: str
    by: str


# What does not run


@dataclass(frozen=True, kw_only=True)
class BrickOffline(Difference):
    brick: BrickSpec


@dataclass(frozen=True, kw_only=True)
class DaemonOffline(Difference):
    """A daemon such as "Self-heal Daemon" does not serve the volume on the node."""

    daemon: str


@dataclass(frozen=True, kw_only=True)
class DaemonLostVolume(Difference):
    """The node's self-heal daemon does not serve all of `volumes`, which may all be started."""

    volumes: Names


# Volumes


@dataclass(frozen=True, kw_only=True)
class FailedCreate(Difference):
    """The folder is what a failed create or add-brick of ours left."""

    brick: BrickSpec


@dataclass(frozen=True, kw_only=True)
class VolumeMissing(Difference):
    """`type_words` are the arguments of `volume create`, `places` its bricks as host:path."""

    type_words: Names
    places: Names


@dataclass(frozen=True, kw_only=True)
class OptionUnlisted(Difference):
    """An option that the hook set before and the values no longer list."""

    option: str


@dataclass(frozen=True, kw_only=True)
class OptionDiffers(Difference):
    """`live` is None where the option is not set."""

    option: str
    live: str | None
    asked: str


@dataclass(frozen=True, kw_only=True)
class VolumeStopped(Difference):
    pass


@dataclass(frozen=True, kw_only=True)
class ReplicasMissing(Difference):
    """One brick more for each set; `by` is the peer that adds them."""

    type_words: Names
    places: Names
    by: str


@dataclass(frozen=True, kw_only=True)
class HealPending(Difference):
    """The volume got or gets copies that must be filled."""


@dataclass(frozen=True, kw_only=True)
class SetsMissing(Difference):
    places: Names


@dataclass(frozen=True, kw_only=True)
class RebalancePending(Difference):
    """The volume got or gets sets that its data has to be spread over."""

    running: bool


# Volumes that are deleted


@dataclass(frozen=True, kw_only=True)
class VolumeDeleted(Difference):
    """The values ask for the deletion of a volume that is there."""

    started: bool


@dataclass(frozen=True, kw_only=True)
class DeletedBrickFolder(Difference):
    """The folder is what a volume left that was deleted with its data."""

    brick: BrickSpec
    volume_id: str


@dataclass(frozen=True, kw_only=True)
class RetiredBrickFolder(Difference):
    """The folder is what a brick left when its set left the volume."""

    brick: BrickSpec
    volume_id: str


# Nodes that are drained


@dataclass(frozen=True, kw_only=True)
class BrickToEvacuate(Difference):
    """The brick `old` (host:path) of a drained node has a place `new` on the node `to`; the peer on `by` moves it."""

    old: str
    new: str
    to: str
    by: str


@dataclass(frozen=True, kw_only=True)
class SetsToRetire(Difference):
    """Whole sets leave: `bricks` on the nodes of values, `places` of all of them as host:path."""

    bricks: Bricks
    places: Names
    nodes: Names
    replicated: bool
    begun: bool
    failed: bool
    rebalancing: bool


@dataclass(frozen=True, kw_only=True)
class PeerToDetach(Difference):
    """A drained node whose peer holds no brick; `replicated` volumes are healed before."""

    address: str
    by: str
    replicated: Names
