"""Facts about one trusted pool, frozen: what gluster's XML shows, and one snapshot of the pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from hooks.gluster.folders import Folder
from hooks.values.model import BrickSpec

IN_CLUSTER = 3
"""`state` of a peer that is in the pool ("Peer in Cluster"); `connected` alone is also 1 for a rejected peer."""

REJECTED = 6
"""`state` of a peer whose configuration of a volume differs from the other peer's ("Peer Rejected")."""


@dataclass(frozen=True)
class PeerView:
    """One peer as another one sees it (`peer status`)."""

    uuid: str
    hostnames: tuple[str, ...]
    connected: bool
    state: int
    state_text: str

    @property
    def healthy(self) -> bool:
        return self.connected and self.state == IN_CLUSTER

    @property
    def rejected(self) -> bool:
        return self.connected and self.state == REJECTED


@dataclass(frozen=True)
class Brick:
    """A brick of an existing volume: the literal host it was created with, its folder, the UUID of its peer."""

    host: str
    path: str
    peer: str
    arbiter: bool = False

    def __str__(self) -> str:
        return f"{self.host}:{self.path}"


@dataclass(frozen=True)
class Volume:
    """A volume as `volume info` shows it. `replica` counts all bricks of a set, the arbiter included; 1 means none."""

    name: str
    id: str
    started: bool
    replica: int
    arbiter: int
    disperse: int
    redundancy: int
    bricks: tuple[Brick, ...]
    options: tuple[tuple[str, str], ...]

    @property
    def set_size(self) -> int:
        return self.disperse or self.replica

    @property
    def kind(self) -> str:
        """Its type in the words of VolumeSpec.kind: "replica 2 arbiter 1" where gluster counts three bricks a set."""
        if self.disperse:
            return f"disperse {self.disperse} redundancy {self.redundancy}"
        if self.arbiter:
            return f"replica {self.replica - self.arbiter} arbiter {self.arbiter}"
        return f"replica {self.replica}" if self.replica > 1 else "distributed"


@dataclass(frozen=True)
class Process:
    """A row of `volume status`: a brick (host and path) or a daemon (its name and the host it runs on)."""

    volume: str
    host: str
    path: str
    peer: str
    online: bool
    port: str
    pid: str

    @property
    def is_brick(self) -> bool:
        return self.path.startswith("/")


@dataclass(frozen=True)
class Space:
    """The file system of a brick that runs, in bytes."""

    volume: str
    peer: str
    path: str
    total: int
    free: int

    @property
    def percent(self) -> int:
        """How full it is, rounded down."""
        return (self.total - self.free) * 100 // self.total


@dataclass(frozen=True)
class Removal:
    """A `remove-brick` that was started and is neither committed nor stopped, with its bricks as `host:/path`."""

    bricks: tuple[str, ...]
    running: bool
    failed: bool


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
    """A node of the values. `views` and `volumes` are what its own glusterd reports, None if it was not queried.

    `at_address` is the UUID of the glusterd that other peers find at its address, "" if that was not looked up.
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
    """One snapshot. `peers` are the nodes of the values in their order; `status` is from the `reference_peer`.

    `op_version` is the pool's, "" if it was not queried. `taking_over` are nodes whose glusterd was given its identity
    back and has not started again since.
    """

    peers: tuple[Peer, ...]
    status: Status = NO_STATUS
    folders: Mapping[BrickSpec, Folder] = field(default_factory=dict)
    op_version: str = ""
    taking_over: frozenset[str] = frozenset()

    @cached_property
    def reference_peer(self) -> Peer:
        """The peer whose view of the pool counts: one that sees most of the nodes of the values, then one with volumes.

        So a node that comes with an old pool of its own never speaks for the pool that most nodes are in.
        """
        listed = {peer.uuid for peer in self.peers}

        def weight(peer: Peer) -> tuple[int, int, int]:
            views = peer.views or ()
            return sum(view.uuid in listed for view in views), len(peer.volumes or ()), len(views)

        return max((peer for peer in self.peers if peer.views is not None), key=weight)

    @cached_property
    def pool_uuids(self) -> frozenset[str]:
        """UUIDs of all peers of the pool, also of those that the values do not list."""
        return frozenset({self.reference_peer.uuid, *(view.uuid for view in self.reference_peer.views or ())})

    @property
    def volumes(self) -> tuple[Volume, ...]:
        return self.reference_peer.volumes or ()

    def processes_of(self, volume: str) -> Sequence[Process]:
        """The processes of a volume, as `volume status` has them."""
        return self._processes.get(volume, ())

    @cached_property
    def _processes(self) -> dict[str, list[Process]]:
        found: dict[str, list[Process]] = {}
        for process in self.status.processes:
            found.setdefault(process.volume, []).append(process)
        return found

    def offline(self, volume: Volume) -> tuple[Brick, ...]:
        """The bricks of a started volume that `volume status` does not show as online."""
        online = {(process.peer, process.path) for process in self.processes_of(volume.name) if process.online}
        return tuple(brick for brick in volume.bricks if (brick.peer, brick.path) not in online)

    def rebalancing(self, volume: str) -> bool:
        """Whether a rebalance of the volume is going on."""
        return volume in self.status.rebalancing

    def removing(self, volume: str) -> Removal | None:
        """Bricks that are being taken out of the volume."""
        return self.status.removing.get(volume)

    def name_of(self, uuid: str) -> str:
        """The node's name for a peer's UUID; for a peer that the values do not list, its address in the pool."""
        return self._names.get(uuid, uuid)

    @cached_property
    def _names(self) -> dict[str, str]:
        listed = {peer.uuid: peer.name for peer in reversed(self.peers)}
        return {view.uuid: view.hostnames[0] for view in self.reference_peer.views or ()} | listed
