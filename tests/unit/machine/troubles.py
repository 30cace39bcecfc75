"""What happens in the world besides, and its end: all is mended, and the hook gets to what the values ask for."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.unit.machine.faults import Fate, fates
from tests.unit.machine.runs import Runs
from tests.unit.machine.world import ABSENT, NODES, numbers

FINAL = (
    "values no longer give",
    "a volume's type stays",
    "cannot become",
    "no.such-option does not exist",
    "is on a peer that is not in `nodes`",
    "cannot leave",
    "Peers are not restarted",
    "which is not in `volumes`",
)
"""Refusals that only other values can end."""

FOREIGN: list[dict[str, object]] = [
    {"kind": "filled", "id": "ab" * 16, "data": "yes"},
    {"kind": "filled", "data": "yes"},
    {"kind": "filled", "id": "cd" * 16, "data": "no"},
    {"kind": "other"},
]


class Troubles(Runs):
    @rule(name=st.sampled_from(NODES))
    def glusterd_leaves_or_comes_back(self, name: str) -> None:
        if name in self.starting:
            self._start(name)
        else:
            self.pool.peers[name].answers = not self.pool.peers[name].answers

    @precondition(lambda self: self.pool_volumes)
    @rule(number=numbers, unmounted=st.booleans())
    def a_brick_goes_offline(self, number: int, unmounted: bool) -> None:
        bricks = [brick for volume in self.pool_volumes.values() if volume.started for brick in volume.bricks]
        if bricks:
            brick = bricks[number % len(bricks)]
            brick.online = False
            if unmounted and (place := self._place(brick)) not in self.unmounted:
                folder = self._peer(brick).folder(brick.path)
                self.unmounted[place] = dict(folder)
                folder.update(ABSENT, root_disk=True)

    @precondition(lambda self: self.pool_volumes)
    @rule(name=st.sampled_from(NODES), number=numbers)
    def a_self_heal_daemon_loses_a_volume(self, name: str, number: int) -> None:
        self.pool.peers[name].unserved.add(sorted(self.pool_volumes)[number % len(self.pool_volumes)])

    @precondition(lambda self: self._coming())
    @rule(number=numbers, kind=st.sampled_from(FOREIGN))
    def a_foreign_folder_appears(self, number: int, kind: dict[str, object]) -> None:
        coming = self._coming()
        brick = coming[number % len(coming)]
        folder = self.pool.peers[brick.node].folder(brick.path)
        recorded = any(str(brick) in taking for taking in self.memory.claimed_bricks.values())
        if (brick.node, brick.path) in self.foreign or (brick.node, brick.path) in self.dead:
            return
        if folder["kind"] != "absent":
            folder["data"] = "yes"  # somebody puts a file into what a create left
            self.left.pop((brick.node, brick.path), None)
        elif recorded and kind.get("id") and kind["data"] == "no":
            return  # a brick without any file where ours was recorded: nothing tells them apart
        else:
            folder.update(kind)
        self.foreign[brick.node, brick.path] = dict(folder)

    @precondition(lambda self: self.foreign)
    @rule()
    def the_foreign_folders_are_moved_away(self) -> None:
        for node, path in self.foreign:
            self.pool.peers[node].folder(path).update(ABSENT)
        self.foreign.clear()

    @rule(name=st.sampled_from(NODES))
    def a_disk_is_full_or_has_room_again(self, name: str) -> None:
        self.pool.peers[name].full = not self.pool.peers[name].full

    @rule(locked=st.integers(0, 2))
    def another_transaction_is_in_progress(self, locked: int) -> None:
        self.pool.locked = locked

    @precondition(lambda self: self.pool_volumes)
    @rule(number=numbers)
    def an_option_is_set_by_hand(self, number: int) -> None:
        name = sorted(self.pool_volumes)[number % len(self.pool_volumes)]
        self.pool_volumes[name].options["auth.allow"] = "10.*"
        self.by_hand.add(name)

    @precondition(lambda self: self.pool_volumes)
    @rule()
    def files_are_written(self) -> None:
        self._write()

    @rule(fate=fates())
    def a_run(self, fate: Fate) -> None:
        self._maybe(fate)

    def _start_besides(self, name: str) -> None:
        """Bricks that lost ones on this node are filled from run again, as the hook asks for."""
        for volume in self.pool_volumes.values():
            for brick in volume.bricks if volume.started else ():
                brick.online |= self._place(brick) not in self.lost and self._peer(brick).name != name

    @rule()
    def all_is_mended_and_a_run_reaches_what_values_say(self) -> None:
        """Unless values cannot be; what the hook does not know as its own is moved away, its own it must clean up."""
        for node in [*self.starting]:
            self._start(node)
        for peer in self.pool.peers.values():
            peer.answers, peer.full = True, False
        self.pool.stubborn = 0
        for volume in self.pool_volumes.values():
            leaving = {brick.group for brick in volume.removing}
            if not volume.to_move and leaving & set(volume.homes.values()):
                volume.removing = []  # files were left behind, and the hook asks for this
        self.the_foreign_folders_are_moved_away()
        for (node, path), folder in self.unmounted.items():
            self.pool.peers[node].folder(path).update(folder)
        self.unmounted.clear()
        self._note_left(None)
        for brick in self._coming():
            if (brick.node, brick.path) not in self.left:
                self.pool.peers[brick.node].empty(brick.path)
        # The guard refuses to leave out a node whose peer is in the pool, so that it can be rebuilt.
        self._change(nodes=max([self.nodes, *(NODES.index(name) + 1 for name in self._ghosts())]))
        for name in self.addresses:
            if self._is_lost(name):
                self._new_word(name)
                self._start_besides(name)
        refusal = self._run(seconds=200)
        assert refusal is None or any(text in refusal for text in FINAL), refusal
