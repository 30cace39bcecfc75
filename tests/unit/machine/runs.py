"""Runs of the hook in the world, each judged at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from hooks.gluster import observe
from hooks.gluster.runner import OutcomeUnknown
from hooks.kube.lease import Locked, hold_lease
from hooks.kube.pods import PeerPod
from hooks.plan.state import HookState
from hooks.plan.volumes import same_value
from hooks.run import apply
from hooks.run.context import Pool, RunContext
from hooks.run.converge import converge
from hooks.run.endings import Ending
from hooks.run.reconcile import observe_and_plan
from hooks.wait import Deadline
from tests.unit.fake_pool import FakeVolume
from tests.unit.fake_pool.data import lacking
from tests.unit.machine.faults import Api, Breaks, Death, Fate, Quiet, Wire, nothing, one_by_one
from tests.unit.machine.pods import Pods


def volume_state(volume: FakeVolume) -> tuple[object, ...]:
    bricks = tuple((b.host, b.path, b.arbiter, b.online) for b in volume.bricks)
    kind = (volume.replica, volume.arbiter, volume.disperse, volume.redundancy)
    return (volume.id, volume.started, kind, bricks, tuple(volume.options.items()))


@dataclass(frozen=True)
class Peers:
    """The release's peers as one hook's pod reaches them."""

    world: Pods
    api: Api
    wire: Wire

    def look(self) -> list[PeerPod]:
        return self.world._look()

    def delete(self, pod: str) -> None:
        assert self.api.holds, f"{pod} is deleted without the lock"
        self.world._delete(pod)

    def runner(self, pods: Sequence[PeerPod]) -> Wire:
        return self.wire


class Runs(Pods):
    def _maybe(self, fate: Fate | None) -> None:
        if fate is not None:
            self._run(self._fault(fate), backwards=fate.backwards)

    def _fault(self, fate: Fate) -> Breaks:
        kind, first = fate.kind, fate.first

        def breaks(number: int, change: int | None, done: bool) -> None:
            counted = change if "change" in kind else number
            start = (first + 2) // 3 if "change" in kind else first
            if counted is None or kind == "whole":
                return
            if "dies" in kind and counted == start and done == ("before" not in kind):
                raise Death
            # of several changes that are lost only the first has its effect
            has_effect = counted == start or "change" not in kind
            if "loses" in kind and start <= counted < start + fate.count and done == has_effect:
                raise OutcomeUnknown("the connection was lost")

        return breaks

    def _run(self, breaks: Breaks = nothing, backwards: bool = False, seconds: float = 40) -> str | None:
        """One run of the hook; returns why it refused, if it did."""
        self._in_order(backwards)
        self._note_left(None)
        before = self._state()
        listed = {spec.name for spec in self.values.volumes}
        api, wire = self._pod(breaks)
        number = self.hooks
        commands = len(self.pool.commands)
        refusal: str | None = None
        outdated = set(self.outdated)
        try:
            deadline = Deadline.after(seconds, self.clock)
            with hold_lease(api, "hook", api.pod, deadline.within(3)) as lease_lost:
                context = RunContext(self.values, deadline, Quiet(self.clock), partial(self._save, api), lease_lost)
                converge(context, self.memory, Peers(self, api, wire))
        except (Locked, Ending) as error:
            refusal = str(error)
        except Death:
            refusal = "dead"
        self._note_work(self.pool.commands[commands:])
        state = self._state()
        self._note_left(before)
        if self.hooks > number:
            return refusal  # another hook was at work meanwhile
        changes = [*wire.changes, *sorted(outdated - self.outdated)]
        if refusal is not None and "nothing was changed" in refusal:
            assert not changes, f"{changes}, and then: {refusal}"
        if not changes:
            assert state == before
        for name in self.pool_volumes.keys() - listed - self.doomed:
            assert state[name] == before.get(name), f"{name} is not listed"
        if refusal is None:
            self._check_success()
        return refusal

    def _in_order(self, backwards: bool) -> None:
        """What goes side by side is done one by one, from now on."""
        for module in (observe, apply):
            self.patch.setattr(module, "side_by_side", one_by_one(backwards))

    def _pod(self, breaks: Breaks) -> tuple[Api, Wire]:
        """A hook's pod, with all that it can reach."""
        self.hooks += 1
        api = Api(self.leases, f"hook-{self.hooks}")
        return api, Wire(self.pool, api, self._missing, self._write, self._breaks(breaks, api))

    def _missing(self) -> list[str]:
        return [*self._away(), *self._ghosts()]

    def _breaks(self, breaks: Breaks, api: Api) -> Breaks:
        """The same, with a renewal of the lock before it; a pod that dies is gone, and its lock stays behind."""

        def with_lock(number: int, change: int | None, done: bool) -> None:
            try:
                self.clock.beat()
                breaks(number, change, done)
            except Death:
                api.dead = True
                self.leases.gone.add(api.pod)
                raise

        return with_lock

    def _save(self, api: Api, memory: HookState) -> None:
        assert api.holds, "it is recorded without the lock"
        self.record.update(memory.to_record())

    def _note_work(self, commands: Sequence[str]) -> None:
        """Note what must be spread or healed after these commands, until it is."""
        for words in map(str.split, commands):
            if words[1] == "add-brick" and words[3] != "replica":
                self.to_spread.add(words[2])
            elif words[1] in ("add-brick", "replace-brick", "reset-brick"):
                self.to_heal.add(words[2])
            elif words[1] == "rebalance" and words[3] == "start":
                self.to_spread.discard(words[2])
        self.to_heal = {name for name in self.to_heal & self.pool_volumes.keys() if self._unhealed(name)}

    def _unhealed(self, name: str) -> int:
        volume = self.pool_volumes[name]
        return volume.healing + len(list(lacking(self.cluster.members[0], volume)))

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
        _, plan = observe_and_plan(Pool(self.pool, self.addresses), self.values, self.memory)
        assert (plan.steps, plan.refusals, plan.waits) == ((), (), ())
        assert not self.outdated & self.addresses.keys()
        assert not self.pool_volumes.keys() & self.doomed
        assert not {member.name for member in self.cluster.members} & self.values.drained
        assert not [name for name in self.addresses if self._is_lost(name)]
        left = {place for place, of in self.dead.items() if self._folder(place)["id"] == of}
        assert not {place for place in left if place[0] in self.addresses}, "a deleted volume left its folders"
        for spec in self.values.volumes:
            volume = self.pool_volumes[spec.name]
            assert volume.started
            assert all(brick.online for brick in volume.bricks)
            assert all(same_value(volume.options[key], value) for key, value in spec.options)
            assert volume.replica == (spec.replica + spec.arbiter or 1)
            assert spec.name not in self.to_heal, f"{spec.name} is not healed"
            assert spec.name not in self.to_spread, f"{spec.name} is not spread"

    def _state(self) -> dict[str, object]:
        state: dict[str, object] = {name: volume_state(volume) for name, volume in self.pool_volumes.items()}
        for peer in self.pool.peers.values():
            names = {uuid: tuple(names) for uuid, names in peer.names.items()}
            state[f"peer {peer.name}"] = (peer.uuid, names, [member.name for member in peer.cluster.members])
            for path, folder in peer.folders.items():
                if folder["kind"] != "absent":
                    state[f"{peer.name}:{path}"] = dict(folder)
        return state
