"""Nodes that are to leave: their bricks go to other nodes, or whole sets leave; then the peer leaves the pool.

All progress is in the pool itself: which bricks a volume has, which are being taken away, who is a peer. No brick
leaves before all on it is healed elsewhere, and nothing is taken away that has not been moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hooks.gluster.model import Observed, Peer, Volume
from hooks.plan.bricks import BrickDiff, growth, listed, live_bricks
from hooks.plan.delete import FIND_FILE, REMOVE_SECONDS
from hooks.plan.model import Decision, Step, Until, phase, phases_of
from hooks.plan.state import HookState
from hooks.plan.volumes import ask_to_heal
from hooks.values.model import BrickSpec, Values, VolumeSpec

MOVES = 8
"""Bricks that move in one go, each of another volume: one takes 4 to 5 s (measured), a session 110 s at most."""
_NO_FILES = (
    'left=$({find}) && [ -z "$left" ] || {{ echo "$left has not been moved." "End this attempt with \'gluster volume '
    "remove-brick {volume} {bricks} stop'; the next upgrade begins anew.\" >&2; exit 1; }}"
)


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


def decide(values: Values, observed: Observed, memory: HookState) -> Decision:
    """Plan the next part of every drain. `observed` must hold the folders of `brick_folders`."""
    leaving = [peer for peer in observed.peers if peer.name in values.drained]
    if not leaving:
        return Decision()
    steps, refusals = _Steps(), list(_not_listed(values, observed))
    notes: list[str] = []
    specs = {spec.name: spec for spec in values.volumes}
    for volume in observed.volumes:
        if volume.name not in specs:
            continue
        spec = specs[volume.name]
        grown = growth(spec, volume, observed, values.drained)
        if grown.stuck:
            refusals.append(
                f"The volume {volume.name} cannot leave {listed(grown.stuck)}: no free brick on a node that its set "
                "does not use yet, and no other set takes its data. Add a node or a brick directory, or take "
                "`state: drained` back."
            )
        elif volume.name in memory.rebalancing or grown.added or grown.new_replicas or not volume.started:
            continue  # first what is under way
        elif grown.moved:
            _move(volume, grown, observed, steps)
        elif grown.leaving:
            refusals += _leave(volume, grown, observed, steps)
        notes += _kept(spec, grown)
    held = {brick.node for volume in observed.volumes for brick in live_bricks(volume, observed)}
    for peer in leaving:
        if peer.name not in held:
            _detach(peer, values, observed, steps)
    return Decision(phases_of(steps), tuple(refusals), notes=tuple(notes))


def pool_of(values: Values, observed: Observed) -> Observed:
    """The snapshot without drained nodes that have left the pool: they are nobody's concern any more."""
    names = {name for view in observed.reference_peer.views or () for name in view.hostnames}
    peers = tuple(
        peer
        for peer in observed.peers
        if peer.name not in values.drained or peer.uuid in observed.pool_uuids or peer.address in names
    )
    return replace(observed, peers=peers) if len(peers) < len(observed.peers) else observed


def _move(volume: Volume, grown: BrickDiff, observed: Observed, steps: _Steps) -> None:
    """The first brick of the volume that has a place; the next one when this one is filled."""
    if len(steps.move) == MOVES:
        return
    old, new = grown.moved[0]
    _heal(volume, steps)
    hosts = {brick.path: brick.host for brick in volume.bricks if observed.name_of(brick.peer) == old.node}
    address = next(peer.address for peer in observed.peers if peer.name == new.node)
    places = f"{hosts[old.path]}:{old.path} {address}:{new.path}"
    steps.move.append(
        Step(
            f"volume replace-brick {volume.name} {places} commit force",
            peer=observed.reference_peer.name,  # one after the other: each restarts the self-heal daemons
            volume=volume.name,
            why=f"{old.node} is drained; until {new.node} is filled there is a copy less",
        )
    )


def _leave(volume: Volume, grown: BrickDiff, observed: Observed, steps: _Steps) -> Iterator[str]:
    """Whole sets: their data moves to the others, then they are taken out. Yields why not."""
    name = volume.name
    hosts = {
        brick: f"{live.host}:{live.path}"
        for brick, live in zip(live_bricks(volume, observed), volume.bricks, strict=True)
    }
    running = observed.removing(name)
    bricks = {brick: hosts[brick] for brick in grown.leaving}
    if running and not set(running.bricks) <= set(bricks.values()):
        yield (
            f"The bricks {', '.join(running.bricks)} are being taken out of {name}, which values do not ask for: "
            f"`gluster volume remove-brick {name} ... status` shows it; commit or stop it."
        )
        return
    if running:
        bricks = {brick: place for brick, place in bricks.items() if place in running.bricks}
    places = " ".join(bricks.values())
    if volume.set_size > 1:
        _heal(volume, steps)
    if observed.rebalancing(name):
        steps.heal.append(Step(f"volume rebalance {name} status", volume=name, until=Until.REBALANCED))
    if running and running.failed:
        steps.stop.append(Step(f"volume remove-brick {name} {places} stop", volume=name))
    if not running or running.failed:
        nodes = ", ".join(sorted({brick.node for brick in bricks}))
        steps.start.append(Step(f"volume remove-brick {name} {places} start", volume=name, why=f"from {nodes}"))
    steps.watch.append(Step(f"volume remove-brick {name} {places} status", volume=name, until=Until.REMOVED))
    steps.check += [
        Step(_no_files(brick, name, places), peer=brick.node, volume=name, shell=True, seconds=REMOVE_SECONDS)
        for brick in bricks
        if brick.node in {peer.name for peer in observed.peers}
    ]
    steps.commit.append(Step(f"volume remove-brick {name} {places} commit", volume=name))


def _no_files(brick: BrickSpec, volume: str, bricks: str) -> str:
    return _NO_FILES.format(find=FIND_FILE.format(path=brick.path), volume=volume, bricks=bricks)


def _detach(peer: Peer, values: Values, observed: Observed, steps: _Steps) -> None:
    for volume in observed.volumes:
        if volume.started and volume.set_size > 1:
            _heal(volume, steps)
    others = [other.name for other in observed.peers if other.name not in values.drained]
    by = observed.reference_peer.name if observed.reference_peer.name in others else others[0]
    steps.detach.append(Step(f"peer detach {peer.address}", peer=by, why=f"{peer.name} is drained and holds no brick"))


def _heal(volume: Volume, steps: _Steps) -> None:
    """Wait for a volume's heal, directly before anything of it leaves."""
    if any(step.volume == volume.name for step in steps.heal):
        return
    steps.ask.append(ask_to_heal(volume.name))
    steps.heal.append(Step(f"volume heal {volume.name} info summary", volume=volume.name, until=Until.HEALED))


def _not_listed(values: Values, observed: Observed) -> Iterator[str]:
    named = {spec.name for spec in values.volumes} | set(values.deleted)
    for volume in observed.volumes:
        held = [brick for brick in live_bricks(volume, observed) if brick.node in values.drained]
        if held and volume.name not in named:
            yield (
                f"{listed(held)}: a brick of {volume.name}, which is not in `volumes`, so that it is left alone: "
                "list the volume, or delete it."
            )


def _kept(spec: VolumeSpec, grown: BrickDiff) -> Iterator[str]:
    if grown.moved:
        old = tuple(old for old, _ in grown.moved)
        yield f"{spec.name}: {listed(old)} keeps its old copy; remove it by hand when the node has left."
