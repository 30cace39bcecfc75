"""A pool that is in use: nodes leave, get other pods, or come back without what they had; two hooks."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from hooks.kube import lease as lock
from tests.unit.fake_pool import FakeBrick, FakePeer, FakeVolume
from tests.unit.machine.changes import Changes
from tests.unit.machine.faults import Fate, fates
from tests.unit.machine.world import DIRECTORIES, KINDS, NODES, numbers

long_fates = fates(48)


class DayTwo(Changes):
    @initialize(
        nodes=st.integers(3, 5),
        dirs=st.sampled_from([1, 2]),
        kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=2),
    )
    def a_pool_in_use(self, nodes: int, dirs: int, kinds: list[dict[str, int]]) -> None:
        self._change(nodes=nodes, dirs=DIRECTORIES[:dirs])
        self._change(volumes=dict(zip("vw", kinds, strict=False)))
        assert self._run() is None
        for _ in range(4):
            self._write()

    @rule(number=numbers, drained=st.booleans(), more=st.booleans(), fate=long_fates)
    def a_node_is_drained_or_not(self, number: int, drained: bool, more: bool, fate: Fate) -> None:
        """Perhaps together with a new node that can take its bricks."""
        name = NODES[number % self.nodes]
        names = self.drained | {name} if drained else self.drained - {name}
        self._change(drained=names, nodes=min(self.nodes + more, len(NODES)))
        self._maybe(fate)

    @precondition(lambda self: self._spares())
    @rule(number=numbers, at=numbers, missed=st.integers(2, 6), more=st.booleans(), fate=long_fates)
    def a_node_is_drained_before_a_heal_has_ended(
        self, number: int, at: int, missed: int, more: bool, fate: Fate
    ) -> None:
        """A brick has just come back and lacks files that others of its set have: it is to leave, or one of them."""
        spares = self._spares()
        volume, late = spares[number % len(spares)]
        late.online = False
        for _ in range(missed):
            self._write()
        late.online = True
        group = next(group for group in volume.sets if late in group)
        name = self._peer(group[at % len(group)]).name
        self._change(drained=self.drained | {name}, nodes=min(self.nodes + more, len(NODES)))
        self._maybe(fate)

    @rule(number=numbers, downtime=st.booleans(), fate=long_fates)
    def pods_get_outdated(self, number: int, downtime: bool, fate: Fate) -> None:
        self._change(downtime=downtime)
        self.outdated = {name for i, name in enumerate(NODES[: self.nodes]) if (number + 1) >> i & 1}
        self._maybe(fate)

    @rule(at=st.integers(1, 30), lost=st.booleans(), whole=st.booleans(), first=long_fates)
    def two_hooks_are_started(self, at: int, lost: bool, whole: bool, first: Fate) -> None:
        """The second one while the first is at work, which keeps its lock or cannot renew it for too long."""
        met = False

        def breaks(number: int, change: int | None, done: bool) -> None:
            nonlocal met
            if number != at or not done or met:
                return
            met = True
            if lost:
                self.leases.away = True
                self.clock.seconds += lock.SECONDS + 1
                self.clock.beat()
                self.leases.away = False
            execs = len(self.pool.execs)
            if lost and not whole:
                self._maybe(first)
            elif (refusal := self._run()) and not lost:
                assert "is at work on this release" in refusal
                assert len(self.pool.execs) == execs

        refusal = self._run(breaks)
        assert refusal or not (met and lost), "a hook without its lock says that all is well"

    @precondition(lambda self: self._losers())
    @rule(number=numbers, state=st.booleans(), bricks=st.booleans(), word=st.booleans(), fate=st.none() | long_fates)
    def a_node_comes_back_empty(self, number: int, state: bool, bricks: bool, word: bool, fate: Fate | None) -> None:
        """Without its state, or without bricks that others can fill."""
        losers = self._losers()
        peer = losers[number % len(losers)]
        lost = [*self._spare_bricks(peer)] if bricks else []
        if state and len(self.cluster.members) > 1:
            self.pool.blank(peer.name)
        for volume, brick in lost:
            self.pool.peers[peer.name].empty(brick.path)
            brick.online = False
            volume.healing = max(2, volume.healing)
            self.lost.add((peer.name, brick.path))
        if word:
            self._new_word(peer.name)
        self._maybe(fate)

    def _losers(self) -> list[FakePeer]:
        """Peers that may lose what they have; only one at a time does."""
        if any(self._is_lost(member.name) for member in self.cluster.members):
            return []
        return [member for member in self.cluster.members if member.name in self.addresses]

    def _spare_bricks(self, peer: FakePeer) -> Iterator[tuple[FakeVolume, FakeBrick]]:
        """Bricks of volumes that are whole, so that others of their sets have all that is on them."""
        for volume in self.pool_volumes.values():
            if volume.copies and volume.started and self._is_whole(volume):
                yield from ((volume, brick) for brick in volume.bricks if brick.host == peer.address)

    def _spares(self) -> list[tuple[FakeVolume, FakeBrick]]:
        return [spare for member in self.cluster.members for spare in self._spare_bricks(member)]

    def _is_whole(self, volume: FakeVolume) -> bool:
        mounted = all(brick.online and self._place(brick) not in self.unmounted for brick in volume.bricks)
        return mounted and not self._unhealed(volume.name)

    @rule(number=st.integers(0, 3))
    def files_will_not_move_off_their_bricks(self, number: int) -> None:
        self.pool.stubborn = number
