"""The world of the state machine: a pool with its files, values, and where things are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from json import dumps, loads
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from hooks.plan.state import HookState
from hooks.run import follow, reconcile, whole
from hooks.values.model import BrickSpec, Values, ValuesError, VolumeSpec
from hooks.values.parse import parse
from hooks.values.volumes import CONFIRM
from tests.support.values import merged
from tests.unit.clock import FakeClock
from tests.unit.fake_pool import FakeBrick, FakeCluster, FakePeer, FakePool, FakeVolume
from tests.unit.fake_pool.data import write
from tests.unit.leases import Leases
from tests.unit.running import PLAIN, addresses

NODES = "abcdef"
DIRECTORIES = ["/mnt/brick1", "/d"]
KINDS: list[dict[str, int]] = [
    {},
    {"replica": 2},
    {"replica": 3},
    {"replica": 2, "arbiter": 1},
    {"disperse": 3, "redundancy": 1},
]
DEFAULTS = merged(PLAIN)
ABSENT: dict[str, object] = {"kind": "absent", "id": "", "data": "no"}

Place = tuple[str, str]
numbers = st.integers(0, 11)


@cache
def parsed(raw: str) -> Values | None:
    try:
        return parse({**DEFAULTS, **loads(raw)})
    except ValuesError:
        return None


class World(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.clock = FakeClock()
        # That nobody gives up too early is not looked for here; fewer looks make more histories.
        self.patch.setattr(reconcile, "SETTLE_SECONDS", 0)
        self.patch.setattr(reconcile, "REPAIR_SECONDS", 0)
        self.patch.setattr(follow, "STALL_SECONDS", 5)
        self.patch.setattr(whole, "REPAIR_SECONDS", 2)
        self.leases = Leases(self.clock)
        self.pool = FakePool(*NODES)
        self.record: dict[str, str] = {}
        """What the hook has recorded, as it stands in its ConfigMap."""
        self.hooks = 0
        """Hooks that have been at work, each with its number."""
        self.nodes = 2
        """How many of NODES values list."""
        self.dirs = DIRECTORIES[:1]
        """The brick directories of values."""
        self.volumes: dict[str, dict[str, Any]] = {}
        """By name the volumes of values that are to be there."""
        self.doomed: set[str] = set()
        """Volumes that the values ask for are to be deleted, with their data."""
        self.drained: set[str] = set()
        """Nodes that the values ask for are to leave; of no account while values do not list them."""
        self.words: dict[str, str] = {}
        """By node what `rebuild` says."""
        self.downtime = False
        """Whether values let a restart take volumes away for a moment."""
        self.outdated: set[str] = set()
        """Nodes whose pods are of older values."""
        self.starting: dict[str, int] = {}
        """Nodes whose pods were deleted, with how many looks it takes until they are back."""
        self.lost: set[Place] = set()
        """Bricks whose folders are gone for good."""
        self.dead: dict[Place, str] = {}
        """Folders that deleted volumes left, with their ids, until the hook has removed them."""
        self.values = self._parse()
        """All that the values ask for, as the hook reads them."""
        self.members: dict[str, str] = {}
        """The pool's peers and their UUIDs after the last step."""
        self.sets: dict[str, list[set[Place]]] = {}
        """The sets of bricks that each volume had after the last step."""
        self.ids: dict[str, str] = {}
        """By name the id of each volume after the last step."""
        self.written = 0
        """The number of the last file that clients wrote."""
        self.acknowledged: dict[str, set[int]] = {}
        """By a volume's id the files that clients wrote and were told so."""
        self.foreign: dict[Place, dict[str, object]] = {}
        """Folders that volumes may come to need and somebody else uses, as they must stay until they are moved away."""
        self.unmounted: dict[Place, dict[str, object]] = {}
        """Bricks whose disks are not mounted, with what their folders are on those disks."""
        self.by_hand: set[str] = set()
        """Volumes with an option that somebody set by hand, which must stay."""
        self.to_spread: set[str] = set()
        """Volumes that got whole sets of bricks, until a rebalance is started."""
        self.to_heal: set[str] = set()
        """Volumes that got bricks which others must fill, until nothing is left to heal."""
        self.left: dict[Place, VolumeSpec] = {}
        """Folders with what failed steps of the hook left, which it must clean up while the values ask for the same."""

    def teardown(self) -> None:
        self.patch.undo()

    def _parse(self) -> Values:
        values = parsed(self._raw())
        assert values is not None
        return values

    def _raw(self) -> str:
        nodes = [
            {
                "name": name,
                "address": self.pool.peers[name].address,
                "state": "drained" if name in self.drained else "present",
                "rebuild": self.words.get(name, ""),
            }
            for name in NODES[: self.nodes]
        ]
        volumes = [{"name": name, **volume} for name, volume in self.volumes.items()]
        gone = [{"name": name, "state": "deleted", "confirm": CONFIRM} for name in sorted(self.doomed)]
        rollout = {"allowDowntime": self.downtime}
        return dumps({"nodes": nodes, "bricks": self.dirs, "volumes": volumes + gone, "rollout": rollout})

    def _change(self, **change: Any) -> None:
        """Take new values over, if they are any that the hook would start with."""
        before = {name: getattr(self, name) for name in change}
        self.__dict__.update(change)
        values = parsed(self._raw())
        if values is None:
            self.__dict__.update(before)
        else:
            self.values = values

    def _new_word(self, name: str) -> None:
        self._change(words={**self.words, name: f"{self.words.get(name, '')}x"})

    @property
    def memory(self) -> HookState:
        return HookState.from_record(self.record)

    @property
    def addresses(self) -> dict[str, str]:
        return addresses(self.values)

    @property
    def cluster(self) -> FakeCluster:
        """The pool that counts: drained peers leave it one by one."""

        def weight(cluster: FakeCluster) -> tuple[int, int, bool]:
            stays = any(member.name not in self.drained for member in cluster.members)
            return len(cluster.volumes), len(cluster.members), stays

        return max((peer.cluster for peer in self.pool.peers.values()), key=weight)

    @property
    def pool_volumes(self) -> dict[str, FakeVolume]:
        return self.cluster.volumes

    def _peer(self, brick: FakeBrick) -> FakePeer:
        return next(peer for peer in self.pool.peers.values() if peer.address == brick.host)

    def _place(self, brick: FakeBrick) -> Place:
        return self._peer(brick).name, brick.path

    def _folder(self, place: Place) -> Mapping[str, object]:
        """The brick's folder, on its disk wherever that is."""
        return self.unmounted.get(place) or self.pool.peers[place[0]].folder(place[1])

    def _live(self) -> dict[Place, FakeVolume]:
        return {self._place(brick): volume for volume in self.pool_volumes.values() for brick in volume.bricks}

    def _coming(self) -> list[BrickSpec]:
        """Bricks that volumes may get."""
        live = self._live()
        offered = [brick for spec in self.values.volumes for brick in (*spec.bricks, *spec.left_over)]
        return [brick for brick in offered if (brick.node, brick.path) not in live]

    def _is_lost(self, name: str) -> bool:
        """Whether the node's peer has lost its state, or a brick of a volume."""
        live = self._live()
        bricks = [place for place in self.lost if place[0] == name and place in live]
        return name in self._ghosts() or any(not self._folder(place)["id"] for place in bricks)

    def _ghosts(self) -> list[str]:
        """Members of the pool whose state is lost: the others know a peer that is no more."""
        return [member.name for member in self.cluster.members if member is not self.pool.peers[member.name]]

    def _away(self) -> list[str]:
        members = {peer.name for peer in self.cluster.members} | set(self.addresses)
        return [name for name in sorted(members) if not self.pool.peers[name].answers]

    def _write(self) -> None:
        """Clients write a file to each volume that takes it."""
        self.written += 1
        for volume in self.pool_volumes.values():
            if write(self.cluster.members[0], volume, self.written):
                self.acknowledged.setdefault(volume.id, set()).add(self.written)

    def _lost_files(self, volume: FakeVolume) -> Iterator[int]:
        """Files of the volume that no brick of it has whole, on whatever disk it lies."""
        for group in volume.sets:
            whole = [brick for brick in group if not brick.arbiter]
            copies = [self._peer(b).files.get(b.path, set()) for b in whole if self._is_of(volume, b)]
            for file in (file for file, home in volume.homes.items() if home == group[0].group):
                if sum(file in files for files in copies) < (volume.disperse - volume.redundancy or 1):
                    yield file
        yield from self.acknowledged.get(volume.id, set()) - volume.homes.keys()
        yield from (file for file, home in volume.homes.items() if home not in {b.group for b in volume.bricks})

    def _is_of(self, volume: FakeVolume, brick: FakeBrick) -> bool:
        return self._folder(self._place(brick))["id"] == volume.hex_id
