"""What is in the pool: peers with their folders, volumes with their bricks."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field


@dataclass
class FakeBrick:
    host: str
    path: str
    arbiter: bool
    online: bool = False
    group: int = 0
    """Its set's number, which the brick that replaces it inherits."""


@dataclass
class FakeVolume:
    name: str
    replica: int
    arbiter: int
    disperse: int
    redundancy: int
    bricks: list[FakeBrick]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: bool = False
    healing: int = 0
    """Entries to heal besides files: directories."""
    homes: dict[int, int] = field(default_factory=dict)
    """Files that clients wrote and were told so, each with the number of its set."""
    rebalance: int | None = None
    premature: int = 0
    """How many looks at the heal show 0 before it has begun, as seen after a brick was replaced."""
    split: list[str] = field(default_factory=list)
    removing: list[FakeBrick] = field(default_factory=list)
    to_move: int = 0
    options: dict[str, str] = field(default_factory=lambda: {"nfs.disable": "on", "transport.address-family": "inet"})

    @property
    def hex_id(self) -> str:
        return self.id.replace("-", "")

    @property
    def size(self) -> int:
        """Bricks of a set."""
        return self.disperse or self.replica

    @property
    def copies(self) -> bool:
        return self.size > 1

    @property
    def sets(self) -> list[list[FakeBrick]]:
        return [self.bricks[start : start + self.size] for start in range(0, len(self.bricks), self.size)]

    @property
    def quorum(self) -> int:
        """Bricks of a set that must be there for a write: by gluster's defaults two of three, and one of two."""
        return self.disperse - self.redundancy if self.disperse else (self.replica + 1) // 2

    def number_sets(self) -> None:
        """Give a number of their own to sets that have none yet."""
        for group in self.sets:
            number = max(brick.group for brick in group) or 1 + max(brick.group for brick in self.bricks)
            for brick in group:
                brick.group = number


@dataclass
class FakeCluster:
    """What the members of one trusted pool share."""

    members: list[FakePeer] = field(default_factory=list)
    volumes: dict[str, FakeVolume] = field(default_factory=dict)


@dataclass
class FakePeer:
    name: str
    address: str
    uuid: str
    cluster: FakeCluster
    answers: bool = True
    full: bool = False
    taking_over: bool = False
    odd: bool = False
    """Its configuration differs from the other peers' at the same version."""
    unserved: set[str] = field(default_factory=set)
    """Volumes that its self-heal daemon does not serve, or that have none since it was killed."""
    free: int = 60
    """GiB of 100 that are free on the file system of its bricks."""
    folders: dict[str, dict[str, object]] = field(default_factory=dict)
    files: dict[str, set[int]] = field(default_factory=dict)
    """Files of volumes in the folders, by path, see data.py."""
    names: dict[str, list[str]] = field(default_factory=dict)
    """Names under which this peer knows the others, by UUID."""

    def folder(self, path: str) -> dict[str, object]:
        absent: dict[str, object] = {"kind": "absent", "id": "", "data": "no", "parent": True, "root_disk": False}
        return self.folders.setdefault(path, absent)

    def has_files(self, path: str) -> bool:
        return self.folder(path)["data"] == "yes" or bool(self.files.get(path))

    def empty(self, path: str) -> None:
        """The folder is gone, with all in it."""
        self.folder(path).update(kind="absent", id="", data="no")
        self.files.pop(path, None)


class UnknownCommand(AssertionError):
    """The fake was asked something that it cannot answer honestly."""


def split(brick: str) -> tuple[str, str]:
    host, path = brick.split(":/", 1)
    return host, "/" + path


def host(peer: FakePeer, address: str) -> FakePeer:
    return next(member for member in peer.cluster.members if member.address == address)
