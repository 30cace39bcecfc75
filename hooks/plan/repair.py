"""What is broken in volumes that are what the values ask for: bricks and self-heal daemons that do not run."""

from __future__ import annotations

from collections.abc import Container, Iterator

from hooks.gluster.model import Brick, Observed, Process, Volume
from hooks.plan.model import Decision, Phase, Step
from hooks.values.model import BrickSpec, Values

# After a restart of all peers a daemon can serve all volumes but one, and a start alone does not give it back (seen
# with seven volumes). Without the process each start makes one, but for its own volume only: all others that it served
# need theirs (measured with three volumes, a start of one of them left the other two without).
_STOP_DAEMON = "for pid in $(grep -lz '^shd/' /proc/[0-9]*/cmdline | cut -d/ -f3); do kill $pid; done"


def decide(values: Values, observed: Observed, lost: Container[str] = ()) -> Decision:
    """Plan `volume start V force` where a process is missing and each offline brick's folder shows the volume's id.

    Without that proof a start would make a new, empty brick where a disk is not mounted, and heal or hide the loss.
    Volumes with bricks that are `lost` wait until these are made anew.
    """
    refusals: list[str] = []
    broken: dict[str, list[str]] = {}
    for volume in running(values, observed):
        if volume.name in lost:
            continue
        away = list(offline(volume, observed))
        unproven = [text for brick in away if (text := not_ours(volume, brick, observed))]
        refusals += unproven
        if not unproven:
            broken[volume.name] = [f"brick {observed.name_of(b.peer)}:{b.path}" for b in away]
    listed = {volume.name for volume in values.volumes}
    kept = [v for v in observed.volumes if v.started and v.name not in listed]
    startable = {*broken, *(volume.name for volume in kept if not any(offline(volume, observed)))}
    stops: list[Step] = []
    again: set[str] = set()
    for daemons in _daemons(observed):
        missing = [daemon for daemon in daemons if not daemon.online and daemon.volume in broken]
        node = observed.name_of(daemons[0].peer)
        for daemon in missing:
            broken[daemon.volume].append(f"{daemon.host} on {node}")
        served = {daemon.volume for daemon in daemons}
        if missing and served <= startable:
            stops.append(Step(_STOP_DAEMON, peer=node, why="it has lost a volume", shell=True))
            again |= served
    why = {name: f"{', '.join(what)}: offline" for name, what in broken.items() if what}
    why |= dict.fromkeys(sorted(again - why.keys()), "served by a daemon that is stopped")
    starts = [Step(f"volume start {name} force", volume=name, why=text) for name, text in why.items()]
    phases = (
        Phase("Stop self-heal daemons that have lost a volume", tuple(stops), repair=True),
        Phase("Start what is offline", tuple(starts), observe=True, repair=True),
    )
    return Decision(phases, tuple(refusals))


def _daemons(observed: Observed) -> list[list[Process]]:
    """The rows of `volume status` that are no bricks, for each peer of values that has any."""
    found: dict[str, list[Process]] = {peer.uuid: [] for peer in observed.peers}
    for process in observed.status.processes:
        if not process.is_brick and process.peer in found:
            found[process.peer].append(process)
    return [rows for rows in found.values() if rows]


def brick_folders(values: Values, observed: Observed) -> Iterator[BrickSpec]:
    """Folders of offline bricks, which the planner must know."""
    for volume in running(values, observed):
        for brick in offline(volume, observed):
            if any(peer.uuid == brick.peer for peer in observed.peers):
                yield BrickSpec(observed.name_of(brick.peer), brick.path)


def running(values: Values, observed: Observed) -> Iterator[Volume]:
    """The started volumes that values list."""
    names = {volume.name for volume in values.volumes}
    return (volume for volume in observed.volumes if volume.started and volume.name in names)


def offline(volume: Volume, observed: Observed) -> Iterator[Brick]:
    """The bricks of a started volume that `volume status` does not show as online."""
    online = {(p.peer, p.path) for p in observed.processes_of(volume.name) if p.online}
    return (brick for brick in volume.bricks if (brick.peer, brick.path) not in online)


def not_ours(volume: Volume, brick: Brick, observed: Observed) -> str:
    """Why an offline brick must not be started: its folder does not show the volume's id. "" where it does."""
    folder = observed.folders.get(BrickSpec(observed.name_of(brick.peer), brick.path))
    if folder is not None and folder.volume_id == volume.id:
        return ""
    return (
        f"{observed.name_of(brick.peer)}:{brick.path}: the brick of {volume.name} is offline and its folder does "
        "not show that volume's id: its disk is probably not mounted. Mount it, then delete the peer's pod. Is the "
        "data lost for good, give the node's entry in `nodes` a new `rebuild` word: it is filled from the others."
    )
