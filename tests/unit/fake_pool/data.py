"""Files of volumes: which bricks hold them, which lack them, and how they get there.

A file is a number. It is at home in one set of bricks; all of them should hold it, an arbiter its name alone. Who holds
it is written in no volume but found in the folders, so that what is lost with a folder is lost.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.unit.fake_pool.model import FakeBrick, FakePeer, FakeVolume, host


def held(peer: FakePeer, volume: FakeVolume, brick: FakeBrick) -> set[int]:
    """The files in a brick's folder, as the pool that `peer` is in finds it; none where its disk is not mounted."""
    at = host(peer, brick.host)
    return at.files.setdefault(brick.path, set()) if at.folder(brick.path)["id"] == volume.hex_id else set()


def write(peer: FakePeer, volume: FakeVolume, file: int) -> bool:
    """A client writes a file; returns whether that was acknowledged. No file goes to bricks that are leaving."""
    groups = [group for group in volume.sets if group[0] not in volume.removing]
    group = groups[file % len(groups)]
    up = [brick for brick in group if volume.started and brick.online]
    copies = [brick for brick in up if not brick.arbiter]
    if len(up) < volume.quorum or not copies:
        return False
    for brick in up:
        held(peer, volume, brick).add(file)
    volume.homes[file] = group[0].group
    return True


def readable(peer: FakePeer, volume: FakeVolume, file: int, online: bool = False) -> bool:
    """Whether the bricks of the file's set (only those `online`) together have all of it."""
    group = _home(volume, file)
    whole = [b for b in group if not b.arbiter and file in held(peer, volume, b) and (b.online or not online)]
    return len(whole) >= (volume.disperse - volume.redundancy or 1)


def _home(volume: FakeVolume, file: int) -> list[FakeBrick]:
    return next((group for group in volume.sets if group[0].group == volume.homes[file]), [])


def lacking(peer: FakePeer, volume: FakeVolume) -> Iterator[tuple[int, FakeBrick]]:
    """Files with the bricks that should hold them and do not."""
    for group in volume.sets:
        files = [held(peer, volume, brick) for brick in group]
        for file in sorted(set().union(*files)):
            if volume.homes[file] == group[0].group:
                yield from ((file, brick) for brick, has in zip(group, files, strict=True) if file not in has)


def stale(peer: FakePeer, volume: FakeVolume) -> Iterator[tuple[int, FakeBrick]]:
    """Files with bricks that still hold them though they have moved to another set."""
    for brick in volume.bricks:
        yield from ((f, brick) for f in sorted(held(peer, volume, brick)) if volume.homes[f] != brick.group)


def heal(peer: FakePeer, volume: FakeVolume) -> None:
    """One step of the self-heal daemons: one entry of those they can reach."""
    if volume.healing and all(brick.online for brick in volume.bricks):
        volume.healing -= 1
        return
    for file, brick in lacking(peer, volume):
        if brick.online and readable(peer, volume, file, online=True):
            held(peer, volume, brick).add(file)
            return
    for file, brick in stale(peer, volume):
        if brick.online:
            held(peer, volume, brick).remove(file)
            return


def pending(peer: FakePeer, volume: FakeVolume) -> list[int]:
    """Entries to heal that each brick knows of: those that it has and others of its set lack, and what has moved."""
    missed, over = list(lacking(peer, volume)), list(stale(peer, volume))
    counts = []
    for brick in volume.bricks:
        known = {file for file, other in missed if other.group == brick.group} & held(peer, volume, brick)
        counts.append(volume.healing + len(known) + sum(other.group == brick.group for _, other in over))
    return counts


def move(peer: FakePeer, volume: FakeVolume, stubborn: int = 0) -> int:
    """What a rebalance does, also the one that empties bricks: files go to their sets, where they can be read.

    A file whose only whole copies are on bricks that are offline is not found and stays where it is, and so do the
    first `stubborn` files; returns how many of those there were.
    """
    skipped = 0
    targets = [group for group in volume.sets if group[0] not in volume.removing]
    for file in sorted(volume.homes):
        target, source = targets[file % len(targets)], _home(volume, file)
        up = [brick for brick in target if brick.online]
        if target is source or not source or len(up) < volume.quorum or not readable(peer, volume, file, online=True):
            continue
        if skipped < stubborn:
            skipped += 1
            continue
        for brick in source:
            if brick.online:
                held(peer, volume, brick).discard(file)
        for brick in up:
            held(peer, volume, brick).add(file)
        volume.homes[file] = target[0].group
    return skipped
