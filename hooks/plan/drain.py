"""Nodes that are to leave: their bricks go to other nodes, or whole sets leave; then the peer leaves the pool.

All progress is in the pool itself: which bricks a volume has, which are being taken away, who is a peer. No brick
leaves before all on it is healed elsewhere, and nothing is taken away that has not been moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from hooks.gluster.model import Observed, Peer, Volume
from hooks.plan.bricks import BrickDiff
from hooks.plan.case import Case
from hooks.plan.delete import REMOVE_SECONDS
from hooks.plan.differences import BrickToEvacuate, Difference, PeerToDetach, SetsToRetire
from hooks.plan.model import Gluster, Phase, Script, Step, WaitFor, Work, phase, phases_of
from hooks.plan.obstacles import DrainBlocked, DrainHeld, ForeignRemoval, OldCopyKept
from hooks.plan.volumes import ask_to_heal
from hooks.values.model import Values

AT_ONCE = 8
"""Bricks that move in one go, each of another volume: one takes 4 to 5 s (measured), a session 110 s at most."""


@dataclass
class _Steps:
    """Steps of all drained nodes, phase by phase."""

    ask: list[Step] = phase("Heal what bricks that leave may be needed for")
    heal: list[Step] = phase("Wait until nothing is left to heal")
    move: list[Step] = phase("Move bricks to other nodes, one of a volume at a time", observe=True)
    stop: list[Step] = phase("End what was begun and failed")
    start: list[Step] = phase("Move the data of bricks that leave to the others")
    watch: list[Step] = phase("Wait until it is moved")
    check: list[Step] = phase("Make sure that no file is left on them")
    commit: list[Step] = phase("Take them out of their volumes", observe=True)
    detach: list[Step] = phase("Let the peers go", observe=True)


def differences(case: Case) -> Iterator[Difference]:
    """What keeps drained nodes in the pool: bricks on them, and their peers."""
    leaving = [peer for peer in case.pool.peers if peer.name in case.values.drained]
    if not leaving:
        return
    yield from _held_by_unlisted(case)
    volumes = [volume for volume in case.pool.volumes if volume.name in case.specs]
    yield from islice(_evacuations(case, volumes), AT_ONCE)
    for volume in volumes:
        diff = case.brick_diffs[volume.name]
        if diff.blocked:
            yield DrainBlocked(volume=volume.name, bricks=diff.blocked)
        elif _ready(case, volume, diff) and diff.retiring and not diff.evacuations:
            yield from _retire(case, volume, diff)
        if diff.evacuations and (diff.blocked or _ready(case, volume, diff)):
            yield OldCopyKept(volume=volume.name, bricks=tuple(old for old, _ in diff.evacuations))
    holding = {brick.node for bricks in case.live.values() for brick in bricks}
    for peer in leaving:
        if peer.name not in holding:
            yield _detach(case, peer)


def phases(found: Iterable[Difference]) -> tuple[Phase, ...]:
    steps = _Steps()
    for difference in found:
        match difference:
            case BrickToEvacuate(node=node, volume=name, old=old, new=new, to=to, by=by):
                _heal(name, steps)
                why = f"{node} is drained; until {to} is filled there is a copy less"
                argv = ("volume", "replace-brick", name, old, new, "commit", "force")
                # By one peer, one after the other: each restarts the self-heal daemons.
                steps.move.append(Gluster(argv, by, name, why))
            case SetsToRetire():
                _retire_steps(difference, steps)
            case PeerToDetach(node=node, address=address, by=by, replicated=replicated):
                for name in replicated:
                    _heal(name, steps)
                why = f"{node} is drained and holds no brick"
                steps.detach.append(Gluster(("peer", "detach", address), by, why=why))
    return phases_of(steps)


def without_departed(values: Values, observed: Observed) -> Observed:
    """The snapshot without drained nodes that have left the pool: they are nobody's concern any more."""
    names = {name for view in observed.reference_peer.views or () for name in view.hostnames}
    peers = tuple(
        peer
        for peer in observed.peers
        if peer.name not in values.drained or peer.uuid in observed.pool_uuids or peer.address in names
    )
    return replace(observed, peers=peers) if len(peers) < len(observed.peers) else observed


def _ready(case: Case, volume: Volume, diff: BrickDiff) -> bool:
    """Whether bricks of the volume may leave now: what is under way for it comes first."""
    under_way = volume.name in case.state.rebalancing or diff.new_sets or diff.new_replicas
    return volume.started and not under_way and not diff.blocked


def _evacuations(case: Case, volumes: Iterable[Volume]) -> Iterator[BrickToEvacuate]:
    """The first brick of each volume that has a place; the next one when this one is filled."""
    for volume in volumes:
        diff = case.brick_diffs[volume.name]
        if diff.evacuations and _ready(case, volume, diff):
            old, new = diff.evacuations[0]
            yield BrickToEvacuate(
                node=old.node,
                volume=volume.name,
                old=str(next(brick for brick in volume.bricks if case.brick_of(brick) == old)),
                new=f"{case.addresses[new.node]}:{new.path}",
                to=new.node,
                by=case.pool.reference_peer.name,
            )


def _retire(case: Case, volume: Volume, diff: BrickDiff) -> Iterator[Difference]:
    """Whole sets: their data moves to the others, then they are taken out; a removal that goes on is seen through."""
    removal = case.pool.removing(volume.name)
    places = {case.brick_of(brick): str(brick) for brick in volume.bricks}
    retiring = {brick: places[brick] for brick in diff.retiring}
    if removal and not set(removal.bricks) <= set(retiring.values()):
        yield ForeignRemoval(volume=volume.name, places=removal.bricks)
        return
    if removal:
        retiring = {brick: place for brick, place in retiring.items() if place in removal.bricks}
    yield SetsToRetire(
        volume=volume.name,
        bricks=tuple(brick for brick in retiring if brick.node in case.addresses),
        places=tuple(retiring.values()),
        nodes=tuple(sorted({brick.node for brick in retiring})),
        replicated=volume.set_size > 1,
        begun=removal is not None,
        failed=removal is not None and removal.failed,
        rebalancing=case.pool.rebalancing(volume.name),
    )


def _retire_steps(sets: SetsToRetire, steps: _Steps) -> None:
    name = sets.volume

    def remove_brick(verb: str, why: str = "") -> Gluster:
        return Gluster(("volume", "remove-brick", name, *sets.places, verb), volume=name, why=why)

    if sets.replicated:
        _heal(name, steps)
    if sets.rebalancing:
        steps.heal.append(WaitFor(Work.REBALANCE, name))
    if sets.failed:
        steps.stop.append(remove_brick("stop"))
    if sets.failed or not sets.begun:
        steps.start.append(remove_brick("start", f"from {', '.join(sets.nodes)}"))
    steps.watch.append(WaitFor(Work.RETIREMENT, name, sets.places))
    for brick in sets.bricks:
        arguments = (brick.path, name, *sets.places)
        steps.check.append(Script("check-no-files.sh", arguments, brick.node, name, seconds=REMOVE_SECONDS))
    steps.commit.append(remove_brick("commit"))


def _detach(case: Case, peer: Peer) -> PeerToDetach:
    others = [other.name for other in case.pool.peers if other.name not in case.values.drained]
    reference = case.pool.reference_peer.name
    return PeerToDetach(
        node=peer.name,
        address=peer.address,
        by=reference if reference in others else others[0],
        replicated=tuple(volume.name for volume in case.pool.volumes if volume.started and volume.set_size > 1),
    )


def _heal(volume: str, steps: _Steps) -> None:
    """Wait for a volume's heal, directly before anything of it leaves."""
    wait = WaitFor(Work.HEAL, volume)
    if wait not in steps.heal:
        steps.ask.append(ask_to_heal(volume))
        steps.heal.append(wait)


def _held_by_unlisted(case: Case) -> Iterator[DrainHeld]:
    for name, bricks in case.live.items():
        held = tuple(brick for brick in bricks if brick.node in case.values.drained)
        if held and name not in case.specs and name not in case.values.deleted:
            yield DrainHeld(node=held[0].node, volume=name, bricks=held)
