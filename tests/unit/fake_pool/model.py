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
    rebalance: int | None = None
    premature: int = 0
    """How many looks at the heal show 0 before it has begun, as seen after a brick was replaced."""
    split: list[str] = field(default_factory=list)
    removing: list[FakeBrick] = field(default_factory=list)
    to_move: int = 0
    options: dict[str, str] = field(default_factory=lambda: {"nfs.disable": "on", "transport.address-family": "inet"})


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
    free: int = 60
    """GiB of 100 that are free on the file system of its bricks."""
    folders: dict[str, dict[str, object]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    """Names under which this peer knows the others, by UUID."""

    def folder(self, path: str) -> dict[str, object]:
        root = {"device": 1, "root": [2, 2]}
        return self.folders.setdefault(path, {"kind": "absent", "id": "", "data": "no", **root})


class UnknownCommand(AssertionError):
    """The fake was asked something that it cannot answer honestly."""


def split(brick: str) -> tuple[str, str]:
    host, path = brick.split(":/", 1)
    return host, "/" + path


def host(peer: FakePeer, address: str) -> FakePeer:
    return next(member for member in peer.cluster.members if member.address == address)


def may_lose(volume: FakeVolume) -> None:
    """A brick or a peer may go only while everything is whole."""
    assert not volume.healing, f"{volume.name} loses a brick with {volume.healing} entries to heal"
    assert not volume.started or all(brick.online for brick in volume.bricks), f"{volume.name} is not whole"
