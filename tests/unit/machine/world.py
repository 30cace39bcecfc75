"""The world of the state machine: a pool, values, what is remembered of both, and runs of the hook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from json import dumps, loads
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from hooks import apply, converge, observe, report
from hooks.memory import Memory
from hooks.plan_volumes import same_value
from hooks.runner import OutcomeUnknown
from hooks.values import BrickSpec, Values, ValuesError, VolumeSpec
from hooks.values_file import merged
from hooks.values_parse import parse
from hooks.values_volumes import CONFIRM
from tests.unit.fake_pool import FakeBrick, FakePeer, FakePool, FakeVolume
from tests.unit.machine.faults import Breaks, Clock, Death, Quiet, Run, Wire, nothing, one_by_one

NODES = "abcdef"
DIRECTORIES = ["/mnt/brick1", "/d"]
DEFAULTS = merged({})
ABSENT: dict[str, object] = {"kind": "absent", "id": "", "data": "no"}

numbers = st.integers(0, 11)


@cache
def parsed(raw: str) -> Values | None:
    try:
        return parse({**DEFAULTS, **loads(raw)})
    except ValuesError:
        return None


def volume_state(volume: FakeVolume) -> tuple[object, ...]:
    bricks = tuple((b.host, b.path, b.arbiter, b.online) for b in volume.bricks)
    kind = (volume.replica, volume.arbiter, volume.disperse, volume.redundancy)
    return (volume.id, volume.started, kind, bricks, tuple(volume.options.items()))


class World(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.clock = Clock()
        for module in (converge, apply, report):
            self.patch.setattr(module, "time", self.clock)
        self.patch.setattr(converge, "SETTLE_SECONDS", 0)
        self.patch.setattr(converge, "REPAIR_SECONDS", 0)
        self.patch.setattr(apply, "STALL_SECONDS", 5)
        self.pool = FakePool(*NODES)
        self.record: dict[str, str] = {}
        self.nodes = 2
        self.dirs = DIRECTORIES[:1]
        self.volumes: dict[str, dict[str, Any]] = {}
        self.doomed: set[str] = set()
        """Volumes that values say are to be deleted, with their data."""
        self.dead: dict[tuple[str, str], str] = {}
        """Folders that deleted volumes left, with their ids, until the hook has removed them."""
        self.values = self._parse()
        self.bricks: dict[str, dict[tuple[str, str], bool]] = {}
        """What each volume had after the last step: bricks, and whether there is data on them."""
        self.ids: dict[str, str] = {}
        self.foreign: dict[tuple[str, str], dict[str, object]] = {}
        self.unmounted: dict[tuple[str, str], dict[str, object]] = {}
        self.by_hand: set[str] = set()
        self.to_spread: set[str] = set()
        self.left: dict[tuple[str, str], VolumeSpec] = {}
        """Folders with what failed steps of the hook left, which it must clean up while values say the same."""

    def teardown(self) -> None:
        self.patch.undo()

    def _parse(self) -> Values:
        values = parsed(self._raw())
        assert values is not None
        return values

    def _raw(self) -> str:
        nodes = [{"name": n, "address": self.pool.peers[n].address} for n in NODES[: self.nodes]]
        volumes = [{"name": name, **volume} for name, volume in self.volumes.items()]
        gone = [{"name": name, "state": "deleted", "confirm": CONFIRM} for name in sorted(self.doomed)]
        return dumps({"nodes": nodes, "bricks": self.dirs, "volumes": volumes + gone})

    def _change(self, **change: Any) -> None:
        """Take new values over, if they are any that the hook would start with."""
        before = {name: getattr(self, name) for name in change}
        self.__dict__.update(change)
        values = parsed(self._raw())
        if values is None:
            self.__dict__.update(before)
        else:
            self.values = values

    @property
    def memory(self) -> Memory:
        return Memory.of_record(self.record)

    @property
    def addresses(self) -> dict[str, str]:
        return {node.name: str(node.address) for node in self.values.nodes}

    @property
    def pool_volumes(self) -> dict[str, FakeVolume]:
        return self.pool.peers["a"].cluster.volumes

    def _peer(self, brick: FakeBrick) -> FakePeer:
        return next(peer for peer in self.pool.peers.values() if peer.address == brick.host)

    def _place(self, brick: FakeBrick) -> tuple[str, str]:
        return self._peer(brick).name, brick.path

    def _live(self) -> dict[tuple[str, str], FakeVolume]:
        return {self._place(brick): volume for volume in self.pool_volumes.values() for brick in volume.bricks}

    def _coming(self) -> list[BrickSpec]:
        """Bricks that volumes may get."""
        live = self._live()
        offered = [brick for spec in self.values.volumes for brick in (*spec.bricks, *spec.left_over)]
        return [brick for brick in offered if (brick.node, brick.path) not in live]

    def _away(self) -> list[str]:
        members = {peer.name for peer in self.pool.peers["a"].cluster.members} | set(self.addresses)
        return [name for name in sorted(members) if not self.pool.peers[name].answers]

    def _state(self) -> dict[str, object]:
        state: dict[str, object] = {name: volume_state(volume) for name, volume in self.pool_volumes.items()}
        for peer in self.pool.peers.values():
            names = {uuid: tuple(names) for uuid, names in peer.names.items()}
            state[f"peer {peer.name}"] = (peer.uuid, names, [member.name for member in peer.cluster.members])
            for path, folder in peer.folders.items():
                if folder["kind"] != "absent":
                    state[f"{peer.name}:{path}"] = dict(folder)
        return state

    def _maybe(self, run: Run | None) -> None:
        if run is None:
            return
        fate, first, count, backwards = run

        def breaks(number: int, change: int | None, done: bool) -> None:
            counted = change if "change" in fate else number
            start = (first - 1) % 6 + 1 if "change" in fate else first
            if counted is None or fate == "whole":
                return
            if "dies" in fate and counted == start and done == ("before" not in fate):
                raise Death
            # of several changes that are lost only the first has its effect
            has_effect = counted == start or "change" not in fate
            if "loses" in fate and start <= counted < start + count and done == has_effect:
                raise OutcomeUnknown("the connection was lost")

        self._run(breaks, backwards)

    def _run(self, breaks: Breaks = nothing, backwards: bool = False) -> str | None:
        """One run of the hook; returns why it refused, if it did."""
        for module in (observe, apply):
            self.patch.setattr(module, "side_by_side", one_by_one(backwards))
        self._note_left(None)
        before = self._state()
        listed = {spec.name for spec in self.values.volumes}
        wire = Wire(self.pool, self._away, breaks)
        hook = converge.Hook(
            self.values, self.clock.now + 60, Quiet(), save=lambda memory: self.record.update(memory.to_record())
        )
        commands = len(self.pool.commands)
        refusal: str | None = None
        try:
            converge.converge(hook, wire, self.addresses, self.memory)
        except converge.Refused as error:
            refusal = str(error)
        except Death:
            refusal = "dead"
        self._note_spreading(self.pool.commands[commands:])
        state = self._state()
        self._note_left(before)
        if refusal is not None and "nothing was changed" in refusal:
            assert not wire.changes, f"{wire.changes}, and then: {refusal}"
        if not wire.changes:
            assert state == before
        for name in self.pool_volumes.keys() - listed - self.doomed:
            assert state[name] == before.get(name), f"{name} is not listed"
        if refusal is None:
            self._check_success()
        return refusal

    def _note_spreading(self, commands: Sequence[str]) -> None:
        for words in map(str.split, commands):
            if words[1] == "add-brick" and words[3] != "replica":
                self.to_spread.add(words[2])
            elif words[1] == "rebalance" and words[3] == "start":
                self.to_spread.discard(words[2])

    def _note_left(self, before: Mapping[str, object] | None) -> None:
        """Forget what values no longer say; with the state before a run note what that run left."""
        specs = {brick: spec for spec in self.values.volumes for brick in spec.bricks}
        coming = {(brick.node, brick.path): specs.get(brick) for brick in self._coming()}
        self.left = {place: spec for place, spec in self.left.items() if spec == coming.get(place)}
        for place, spec in coming.items() if before is not None else ():
            folder = self.pool.peers[place[0]].folder(place[1])
            fresh = before is not None and ":".join(place) not in before
            if spec is not None and folder["id"] and place not in self.foreign and fresh:
                self.left[place] = spec

    def _check_success(self) -> None:
        _, plan = converge.look_and_plan(self.pool, self.values, self.addresses, self.memory)
        assert (plan.steps, plan.refusals, plan.waits) == ((), (), ())
        assert not self.pool_volumes.keys() & self.doomed
        left = {place for place, of in self.dead.items() if self._folder(place)["id"] == of}
        assert not {place for place in left if place[0] in self.addresses}, "a deleted volume left its folders"
        for spec in self.values.volumes:
            volume = self.pool_volumes[spec.name]
            assert volume.started
            assert all(brick.online for brick in volume.bricks)
            assert all(same_value(volume.options[key], value) for key, value in spec.options)
            assert volume.replica == (spec.replica + spec.arbiter or 1)
            assert not volume.healing, f"{spec.name} is not healed"
            assert spec.name not in self.to_spread, f"{spec.name} is not spread"

    def _folder(self, place: tuple[str, str]) -> Mapping[str, object]:
        return self.unmounted.get(place) or self.pool.peers[place[0]].folder(place[1])
