"""What does not run in volumes that are started: bricks and self-heal daemons."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from hooks.gluster.model import Brick, Process, Volume
from hooks.plan.case import Case
from hooks.plan.differences import BrickOffline, DaemonLostVolume, DaemonOffline, Difference
from hooks.plan.model import Gluster, Phase, Script
from hooks.plan.obstacles import BrickUnproven
from hooks.values.model import BrickSpec


def differences(case: Case, waiting: Container[str] = ()) -> Iterator[Difference]:
    """Offline bricks and daemons of the volumes that the values list, but for those that are `waiting` for lost bricks.

    A brick is started only after its folder has shown the volume's id: without that proof a start would make a new,
    empty brick where a disk is not mounted, and heal or hide the loss.
    """
    kept = (volume for volume in case.pool.volumes if volume.started and volume.name not in case.specs)
    startable = {volume.name for volume in kept if not case.pool.offline(volume)}
    broken: set[str] = set()
    for volume in case.running():
        if volume.name in waiting:
            continue
        offline = case.pool.offline(volume)
        unproven = [brick for brick in offline if not proven(case, volume, brick)]
        yield from (_unproven(case, volume, brick) for brick in unproven)
        if not unproven:
            broken.add(volume.name)
            for brick in map(case.brick_of, offline):
                yield BrickOffline(node=brick.node, volume=volume.name, brick=brick)
    yield from _daemons(case, broken, startable | broken)


def phases(found: Iterable[Difference]) -> tuple[Phase, ...]:
    """`volume start V force` brings back all of a volume that does not run.

    After a restart of all peers a daemon can serve all volumes but one, and a start alone does not give it back (seen
    with seven volumes). Without the process each start makes one, but for its own volume only: all others that it
    served need theirs (measured with three volumes, a start of one of them left the other two without).
    """
    stops: list[Script] = []
    offline: dict[str, list[str]] = {}
    served: set[str] = set()
    for difference in found:
        match difference:
            case BrickOffline(volume=volume, brick=brick):
                offline.setdefault(volume, []).append(f"brick {brick}")
            case DaemonOffline(node=node, volume=volume, daemon=daemon):
                offline.setdefault(volume, []).append(f"{daemon} on {node}")
            case DaemonLostVolume(node=node, volumes=volumes):
                stops.append(Script("stop-self-heal-daemon.sh", peer=node, why="it has lost a volume"))
                served |= {*volumes}
    why = {name: f"{', '.join(what)}: offline" for name, what in offline.items()}
    why |= dict.fromkeys(sorted(served - why.keys()), "served by a daemon that is stopped")
    starts = [Gluster(("volume", "start", name, "force"), volume=name, why=text) for name, text in why.items()]
    return (
        Phase("Stop self-heal daemons that have lost a volume", tuple(stops), repair=True),
        Phase("Start what is offline", tuple(starts), observe=True, repair=True),
    )


def bricks_to_inspect(case: Case) -> Iterator[BrickSpec]:
    """Offline bricks, whose folders the planner must know."""
    listed = {peer.uuid for peer in case.pool.peers}
    for volume in case.running():
        yield from (case.brick_of(brick) for brick in case.pool.offline(volume) if brick.peer in listed)


def proven(case: Case, volume: Volume, brick: Brick) -> bool:
    """Whether the folder of a brick was seen to show the volume's id."""
    folder = case.pool.folders.get(case.brick_of(brick))
    return folder is not None and folder.volume_id == volume.id


def _unproven(case: Case, volume: Volume, brick: Brick) -> BrickUnproven:
    at = case.brick_of(brick)
    return BrickUnproven(node=at.node, volume=volume.name, brick=at)


def _daemons(case: Case, broken: Container[str], startable: set[str]) -> Iterator[Difference]:
    """Daemons that do not serve `broken` volumes, which are all that may be started and are listed.

    A daemon is stopped only if every volume that it serves is `startable`.
    """
    for rows in _daemons_by_peer(case):
        node = case.pool.name_of(rows[0].peer)
        missing = [row for row in rows if not row.online and row.volume in broken]
        for row in missing:
            yield DaemonOffline(node=node, volume=row.volume, daemon=row.host)
        served = {row.volume for row in rows}
        if missing and served <= startable:
            yield DaemonLostVolume(node=node, volumes=tuple(sorted(served)))


def _daemons_by_peer(case: Case) -> list[list[Process]]:
    """The rows of `volume status` that are no bricks, for each peer of values that has any."""
    found: dict[str, list[Process]] = {peer.uuid: [] for peer in case.pool.peers}
    for process in case.pool.status.processes:
        if not process.is_brick and process.peer in found:
            found[process.peer].append(process)
    return [rows for rows in found.values() if rows]
