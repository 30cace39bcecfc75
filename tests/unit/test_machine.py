"""The hook against everything at once: changing values, killed runs, lost connections, peers away, foreign folders.

A state machine of hypothesis on the in-memory pool. HYPOTHESIS_EXAMPLES says how many histories are tried. Time is a
number here and side by side means one after the other, so that a history is the same each time it is run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from json import dumps, loads
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hooks import apply, converge, observe, report
from hooks.memory import Memory
from hooks.plan_volumes import same_value
from hooks.report import Report
from hooks.runner import ExecResult, OutcomeUnknown
from hooks.values import BrickSpec, Values, ValuesError, VolumeSpec
from hooks.values_file import merged
from hooks.values_parse import parse
from hooks.values_volumes import CONFIRM
from tests.unit.fake_pool import FakeBrick, FakePeer, FakePool, FakeVolume
from tests.unit.running import PLAIN

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES") or (2000 if os.environ.get("CI") else 200))
pytestmark = pytest.mark.timeout(300)

LOOKS = ("system:: uuid get", "peer status", "volume info", "volume status")
FINAL = (
    "values no longer give",
    "a volume's type stays",
    "cannot become",
    "no.such-option does not exist",
    "is on a peer that is not in `nodes`",
)
"""Refusals that only other values can end."""

NODES = "abcdef"
DIRECTORIES = ["/mnt/brick1", "/d"]
DEFAULTS = merged(PLAIN)
KINDS: list[dict[str, int]] = [
    {},
    {"replica": 2},
    {"replica": 3},
    {"replica": 2, "arbiter": 1},
    {"disperse": 3, "redundancy": 1},
]
OPTIONS: list[dict[str, object]] = [
    {},
    {"performance.cache-size": "64MB"},
    {"performance.cache-size": "32MB", "performance.nl-cache": True},
    {"no.such-option": 1},
]
FOREIGN: list[dict[str, object]] = [
    {"kind": "filled", "id": "ab" * 16, "data": "yes"},
    {"kind": "filled", "data": "yes"},
    {"kind": "filled", "id": "cd" * 16, "data": "no"},
    {"kind": "other"},
]
ABSENT: dict[str, object] = {"kind": "absent", "id": "", "data": "no"}

volume_names = st.sampled_from("vw")
kinds = st.sampled_from([*KINDS, {"replica": 2}, {"replica": 2}])
some_options = st.sampled_from(OPTIONS)
numbers = st.integers(0, 11)
Breaks = Callable[[int, int | None, bool], None]
Run = tuple[str, int, int, bool]
FATES = ("whole", "dies", "dies at a change", "dies before a change", "loses connections", "loses changes")
runs = st.tuples(st.sampled_from(FATES), st.integers(1, 15), st.integers(1, 4), st.booleans())
"""How a run goes, from which exec on (of all, or of those that change something), for how many of them, and whether
what goes side by side is done backwards."""
maybe_a_run = st.none() | runs


class Death(BaseException):
    """The hook's pod is gone in the middle of a run."""


class Clock:
    """Stands for the module `time` in the hook: nobody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Quiet(Report):
    def say(self, text: str = "") -> None:
        self.lines += text.split("\n")


class Wire:
    """The Runner of one run: `breaks` is called before and after each exec's effect, with its number among all execs
    and, if it is to change something, among those that are."""

    def __init__(self, pool: FakePool, away: Callable[[], list[str]], breaks: Breaks) -> None:
        self.pool = pool
        self.away = away
        self.breaks = breaks
        self.execs = 0
        self.changing = 0
        self.changes: list[str] = []

    def run(self, peer: str, argv: Sequence[str], stdin: str = "", timeout: float = 60) -> ExecResult:
        changes = list(_changes(argv, stdin))
        assert not (changes and self.away()), f"{changes} while {self.away()} are away"
        self.changes += changes
        self.execs += 1
        self.changing += bool(changes)
        self.breaks(self.execs, self.changing if changes else None, False)
        result = self.pool.run(peer, argv, stdin, timeout)
        self.breaks(self.execs, self.changing if changes else None, True)
        return result


def _changes(argv: Sequence[str], stdin: str) -> Iterator[str]:
    for command in stdin.splitlines():
        looks = command in LOOKS or command.endswith((" status", " info summary"))
        if not looks:
            yield command
    if list(argv[2:4]) == ["sh", "-c"] and len(argv) == 5:
        yield argv[4]


def one_by_one(backwards: bool) -> Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]:
    """observe.side_by_side in an order that is always the same; a failing one does not keep others from running."""

    def work_all(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        results: dict[int, Any] = {}
        errors: dict[int, Exception] = {}
        for number in sorted(range(len(items)), reverse=backwards):
            try:
                results[number] = work(items[number])
            except Exception as error:
                errors[number] = error
        if errors:
            raise errors[min(errors)]
        return [results[number] for number in range(len(items))]

    return work_all


@cache
def _parsed(raw: str) -> Values | None:
    try:
        return parse({**DEFAULTS, **loads(raw)})
    except ValuesError:
        return None


def _nothing(number: int, change: int | None, done: bool) -> None:
    pass


def _volume_state(volume: FakeVolume) -> tuple[object, ...]:
    bricks = tuple((b.host, b.path, b.arbiter, b.online) for b in volume.bricks)
    kind = (volume.replica, volume.arbiter, volume.disperse, volume.redundancy)
    return (volume.id, volume.started, kind, bricks, tuple(volume.options.items()))


class Machine(RuleBasedStateMachine):
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

    # -- what is where ------------------------------------------------------------------------------------------

    def _parse(self) -> Values:
        values = _parsed(self._raw())
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
        values = _parsed(self._raw())
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
        state: dict[str, object] = {name: _volume_state(volume) for name, volume in self.pool_volumes.items()}
        for peer in self.pool.peers.values():
            names = {uuid: tuple(names) for uuid, names in peer.names.items()}
            state[f"peer {peer.name}"] = (peer.uuid, names, [member.name for member in peer.cluster.members])
            for path, folder in peer.folders.items():
                if folder["kind"] != "absent":
                    state[f"{peer.name}:{path}"] = dict(folder)
        return state

    # -- values change ------------------------------------------------------------------------------------------

    @initialize(nodes=st.integers(2, 4), kind=kinds, installed=st.booleans())
    def first_values(self, nodes: int, kind: dict[str, int], installed: bool) -> None:
        self._change(nodes=nodes)
        self._change(volumes={"v": kind})
        if installed:
            assert self._run() is None

    @rule(nodes=st.integers(2, len(NODES)), run=maybe_a_run)
    def other_nodes(self, nodes: int, run: Run | None) -> None:
        self._change(nodes=nodes)
        self._maybe(run)

    @rule(name=volume_names, kind=kinds, options=some_options, run=maybe_a_run)
    def a_volume_is_listed(self, name: str, kind: dict[str, int], options: dict[str, object], run: Run | None) -> None:
        self._change(volumes={**self.volumes, name: {**kind, "options": options}}, doomed=self.doomed - {name})
        self._maybe(run)

    @precondition(lambda self: self.pool_volumes)
    @rule(number=numbers, run=runs)
    def a_volume_is_to_be_deleted(self, number: int, run: Run) -> None:
        name = sorted(self.pool_volumes)[number % len(self.pool_volumes)]
        kept = {other: volume for other, volume in self.volumes.items() if other != name}
        self._change(volumes=kept, doomed=self.doomed | {name})
        self._maybe(run)

    @rule(name=volume_names, once=st.booleans())
    def a_volume_is_left_out(self, name: str, once: bool) -> None:
        """For good, or for one run."""
        before = self.volumes
        self._change(volumes={other: volume for other, volume in before.items() if other != name})
        if once:
            self._run()
            self._change(volumes=before)

    @precondition(lambda self: self.volumes)
    @rule(number=numbers, options=some_options, run=maybe_a_run)
    def other_options(self, number: int, options: dict[str, object], run: Run | None) -> None:
        name = sorted(self.volumes)[number % len(self.volumes)]
        self._change(volumes={**self.volumes, name: {**self.volumes[name], "options": options}})
        self._maybe(run)

    @precondition(lambda self: self._mirrors())
    @rule(number=numbers, arbiter=st.booleans(), dirs=st.sampled_from([1, 2]), run=maybe_a_run)
    def a_copy_more(self, number: int, arbiter: bool, dirs: int, run: Run | None) -> None:
        """Of replica 2, with a node that it needs."""
        mirrors = self._mirrors()
        name = mirrors[number % len(mirrors)]
        wider = {"replica": 2, "arbiter": 1} if arbiter else {"replica": 3}
        volumes = {**self.volumes, name: {"options": self.volumes[name].get("options", {}), **wider}}
        self._change(nodes=min(self.nodes + 1, len(NODES)), dirs=DIRECTORIES[:dirs], volumes=volumes)
        self._maybe(run)

    def _mirrors(self) -> list[str]:
        return sorted(n for n, v in self.volumes.items() if v.get("replica") == 2 and "arbiter" not in v)

    @rule(dirs=st.sampled_from([2, 1]), run=maybe_a_run)
    def other_brick_directories(self, dirs: int, run: Run | None) -> None:
        self._change(dirs=DIRECTORIES[:dirs])
        self._maybe(run)

    # -- the world ----------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(NODES))
    def glusterd_leaves_or_comes_back(self, name: str) -> None:
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
                folder.update(ABSENT)

    @precondition(lambda self: self._coming())
    @rule(number=numbers, kind=st.sampled_from(FOREIGN))
    def a_foreign_folder_appears(self, number: int, kind: dict[str, object]) -> None:
        coming = self._coming()
        brick = coming[number % len(coming)]
        folder = self.pool.peers[brick.node].folder(brick.path)
        recorded = any(str(brick) in taking for taking in self.memory.taking.values())
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
        for volume in self.pool_volumes.values():
            for brick in volume.bricks if volume.started else ():
                if self._place(brick) not in self.unmounted:
                    self._peer(brick).folder(brick.path)["data"] = "yes"

    # -- runs ---------------------------------------------------------------------------------------------------

    @rule(run=runs)
    def a_run(self, run: Run) -> None:
        self._maybe(run)

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

    @rule()
    def all_is_mended_and_a_run_reaches_what_values_say(self) -> None:
        """Unless values cannot be; what the hook does not know as its own is moved away, its own it must clean up."""
        for peer in self.pool.peers.values():
            peer.answers, peer.full = True, False
        self.the_foreign_folders_are_moved_away()
        for (node, path), folder in self.unmounted.items():
            self.pool.peers[node].folder(path).update(folder)
        self.unmounted.clear()
        self._note_left(None)
        for brick in self._coming():
            if (brick.node, brick.path) not in self.left:
                self.pool.peers[brick.node].folder(brick.path).update(ABSENT)
        refusal = self._run()
        assert refusal is None or any(text in refusal for text in FINAL), refusal

    def _run(self, breaks: Breaks = _nothing, backwards: bool = False) -> str | None:
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

    # -- what always holds --------------------------------------------------------------------------------------

    @invariant()
    def volumes_and_their_bricks_stay(self) -> None:
        now = {
            name: {place: self._folder(place)["data"] == "yes" for place in map(self._place, volume.bricks)}
            for name, volume in self.pool_volumes.items()
        }
        for name, bricks in self.bricks.items():
            if name not in now and name in self.doomed:
                self.by_hand.discard(name)
                left = [place for place in bricks if place not in self.unmounted]
                self.dead |= dict.fromkeys(left, self.ids[name].replace("-", ""))
                continue
            assert now.get(name, {}).keys() >= bricks.keys(), f"{name} lost a brick"
            assert self.ids[name] == self.pool_volumes[name].id
            for place, data in bricks.items():
                assert now[name][place] or not data, f"{name} lost data"
        self.dead = {place: of for place, of in self.dead.items() if self._folder(place)["id"] == of}
        self.bricks, self.ids = now, {name: volume.id for name, volume in self.pool_volumes.items()}
        for place, volume in self._live().items():
            assert self._folder(place)["id"] == volume.id.replace("-", ""), f"{place} lost the id of {volume.name}"

    def _folder(self, place: tuple[str, str]) -> Mapping[str, object]:
        return self.unmounted.get(place) or self.pool.peers[place[0]].folder(place[1])

    @invariant()
    def no_set_has_two_bricks_on_a_node(self) -> None:
        for volume in self.pool_volumes.values():
            size = volume.disperse or volume.replica
            for start in range(0, len(volume.bricks), size):
                assert len({brick.host for brick in volume.bricks[start : start + size]}) == size

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


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=8,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
