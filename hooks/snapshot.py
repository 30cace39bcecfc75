"""What one look at the live pool has shown: peers, their view of each other, volumes, processes, folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from hooks.folders import Folder
from hooks.pool import PeerView, Process, Removal, Volume
from hooks.values import BrickSpec

TAKING_OVER = "/var/lib/glusterd/taking-over"
"""A file that marks a glusterd which was given its identity back and has not started again since."""


@dataclass(frozen=True)
class Status:
    """`volume status`: all processes, the volumes that are being rebalanced, and what is being removed from which."""

    processes: tuple[Process, ...] = ()
    rebalancing: frozenset[str] = frozenset()
    removing: Mapping[str, Removal] = field(default_factory=dict)


NO_STATUS = Status()


@dataclass(frozen=True)
class Peer:
    """A node of values. `views` and `volumes` are what its own glusterd says; None where it was not asked.

    `at_address` is the UUID of the glusterd that other peers find at its address, "" where that was not looked at.
    """

    name: str
    address: str
    uuid: str
    views: tuple[PeerView, ...] | None = None
    volumes: tuple[Volume, ...] | None = None
    at_address: str = ""

    @property
    def alone(self) -> bool:
        """Whether it is known to be in no pool and to have no volume: safe to probe and to give a new UUID."""
        return self.views == () and self.volumes == ()


@dataclass(frozen=True)
class Observed:
    """One snapshot. `peers` are the nodes of values in their order; `status` is `volume status` as `member` has it.

    `op_version` is the pool's, "" where that was not asked for; `taking_over` are nodes whose glusterd has not started
    again since it was given its identity back.
    """

    peers: tuple[Peer, ...]
    status: Status = NO_STATUS
    folders: Mapping[BrickSpec, Folder] = field(default_factory=dict)
    op_version: str = ""
    taking_over: frozenset[str] = frozenset()

    @cached_property
    def member(self) -> Peer:
        """The peer whose view of the pool counts: one that sees most of the nodes in values, then one with volumes.

        So a node that comes with an old pool of its own never speaks for the pool that most nodes are in.
        """
        listed = {peer.uuid for peer in self.peers}

        def weight(peer: Peer) -> tuple[int, int, int]:
            views = peer.views or ()
            return sum(view.uuid in listed for view in views), len(peer.volumes or ()), len(views)

        return max((peer for peer in self.peers if peer.views is not None), key=weight)

    @cached_property
    def members(self) -> frozenset[str]:
        """UUIDs of all peers of the pool, those that values do not list too."""
        return frozenset({self.member.uuid, *(view.uuid for view in self.member.views or ())})

    @property
    def volumes(self) -> tuple[Volume, ...]:
        return self.member.volumes or ()

    def processes_of(self, volume: str) -> Sequence[Process]:
        """The processes of a volume, as `volume status` has them."""
        return self._processes.get(volume, ())

    @cached_property
    def _processes(self) -> dict[str, list[Process]]:
        found: dict[str, list[Process]] = {}
        for process in self.status.processes:
            found.setdefault(process.volume, []).append(process)
        return found

    def rebalancing(self, volume: str) -> bool:
        """Whether a rebalance of the volume is going on."""
        return volume in self.status.rebalancing

    def removing(self, volume: str) -> Removal | None:
        """Bricks that are being taken out of the volume."""
        return self.status.removing.get(volume)

    def name_of(self, uuid: str) -> str:
        """The node's name for a peer's UUID; for a peer that values do not list, its address in the pool."""
        return self._names.get(uuid, uuid)

    @cached_property
    def _names(self) -> dict[str, str]:
        listed = {peer.uuid: peer.name for peer in reversed(self.peers)}
        return {view.uuid: view.hostnames[0] for view in self.member.views or ()} | listed
