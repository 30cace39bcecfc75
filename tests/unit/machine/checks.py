"""What always holds."""

from __future__ import annotations

from hypothesis.stateful import invariant

from tests.unit.machine.world import World


class Checks(World):
    @invariant()
    def volumes_and_their_bricks_stay(self) -> None:
        now = {name: [set(map(self._place, s)) for s in volume.sets] for name, volume in self.pool_volumes.items()}
        for name, sets in self.sets.items():
            if name not in now and name in self.doomed:
                self.by_hand.discard(name)
                left = [place for group in sets for place in group if place not in self.unmounted]
                self.dead |= dict.fromkeys(left, self.ids[name].replace("-", ""))
                continue
            assert self.ids[name] == self.pool_volumes[name].id
            places = set().union(*now[name])
            for group in sets:
                assert group <= places or {node for node, _ in group} & self.drained, f"{name} lost a brick"
        self.dead = {place: of for place, of in self.dead.items() if self._folder(place)["id"] == of}
        self.sets, self.ids = now, {name: volume.id for name, volume in self.pool_volumes.items()}
        self.lost = {place for place in self.lost if place in self._live() and not self._folder(place)["id"]}
        for place, volume in self._live().items():
            if place in self.lost:
                continue
            assert self._folder(place)["id"] == volume.hex_id, f"{place} lost the id of {volume.name}"

    @invariant()
    def peers_stay_as_they_are(self) -> None:
        now = {member.name: member.uuid for member in self.cluster.members}
        for name, uuid in self.members.items():
            assert name in self.drained or now.get(name) == uuid, f"{name} is not the peer it was"
        self.members = now

    @invariant()
    def no_acknowledged_file_is_lost(self) -> None:
        for volume in self.pool_volumes.values():
            assert not list(self._lost_files(volume)), f"{volume.name} lost files"

    @invariant()
    def no_set_has_two_bricks_on_a_node(self) -> None:
        for volume in self.pool_volumes.values():
            assert all(len({brick.host for brick in group}) == volume.size for group in volume.sets)

    @invariant()
    def options_set_by_hand_stay(self) -> None:
        kept = self.by_hand - (self.doomed - self.pool_volumes.keys())
        assert all(self.pool_volumes[name].options.get("auth.allow") == "10.*" for name in kept)

    @invariant()
    def foreign_folders_are_untouched(self) -> None:
        for (node, path), folder in self.foreign.items():
            assert self.pool.peers[node].folder(path) == folder

    @invariant()
    def a_brick_without_its_disk_is_not_started(self) -> None:
        for volume in self.pool_volumes.values():
            for brick in volume.bricks:
                if (place := self._place(brick)) in self.unmounted:
                    assert not brick.online, f"{place} was started without its disk"
                    assert self.pool.peers[place[0]].folder(place[1])["kind"] == "absent"
