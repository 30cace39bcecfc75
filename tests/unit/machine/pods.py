"""The peers' pods: those of older values, and what it means to delete one."""

from __future__ import annotations

from hooks.kube.pods import PeerPod
from tests.unit.fake_pool import FakeVolume
from tests.unit.fake_pool.data import lacking
from tests.unit.machine.world import World


class Pods(World):
    def _look(self) -> list[PeerPod]:
        """What the API server shows of the pods; those that start get on with it."""
        for node in [*self.starting]:
            self.starting[node] -= 1
            if not self.starting[node]:
                self._start(node)
        return [
            PeerPod(n, f"{n}-0", "", "it starts" if n in self.starting else "", outdated=n in self.outdated)
            for n in self.addresses
        ]

    def _delete(self, pod: str) -> None:
        """The hook deletes a peer's pod: nobody else may be away, and no volume may miss what it serves."""
        node = pod.removesuffix("-0")
        assert not self._away(), f"{node} is restarted while {self._away()} are away"
        assert not self._ghosts(), f"{node} is restarted while {self._ghosts()} have lost their state"
        for volume in self.pool_volumes.values():
            if volume.started and volume.name not in self.values.deleted:
                self._assert_spared(node, volume)
        self.outdated.remove(node)
        self.starting[node] = 2
        self.pool.peers[node].answers = False
        for volume in self.pool_volumes.values():
            for brick in volume.bricks:
                brick.online &= self._peer(brick).name != node
        self._write()

    def _assert_spared(self, node: str, volume: FakeVolume) -> None:
        """Every set with a brick that runs there is whole, and without it files can be read and written."""
        for group in volume.sets:
            if not any(self._peer(brick).name == node and brick.online for brick in group):
                continue
            others = [brick for brick in group if self._peer(brick).name != node]
            assert self.downtime or len(others) >= volume.quorum, f"a part of {volume.name} is away without {node}"
            if volume.copies:
                assert all(brick.online for brick in group), f"{volume.name} misses a brick besides {node}"
                entries = volume.healing + sum(brick in group for _, brick in lacking(self.cluster.members[0], volume))
                assert not entries, f"{node} is restarted with {entries} entries to heal in {volume.name}"

    def _start(self, node: str) -> None:
        """The pod is back: bricks whose disks are there run again, and a heal begins in a moment."""
        del self.starting[node]
        self.pool.peers[node].answers = True
        for volume in self.pool_volumes.values():
            mine = [brick for brick in volume.bricks if self._peer(brick).name == node] if volume.started else []
            for brick in mine:
                brick.online = self.pool.peers[node].folder(brick.path)["id"] == volume.hex_id
            if mine and volume.copies:
                volume.healing, volume.premature = max(2, volume.healing), 2
