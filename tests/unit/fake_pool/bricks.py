"""Commands on bricks and on the data between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.unit.fake_pool.data import heal, lacking, move, pending
from tests.unit.fake_pool.model import FakeBrick, FakePeer, FakeVolume, UnknownCommand, host, split
from tests.unit.fake_pool.xml import fail, ok

if TYPE_CHECKING:
    from tests.unit.fake_pool.pool import FakePool


def take_folders(peer: FakePeer, volume: FakeVolume, bricks: Sequence[FakeBrick]) -> str:
    """Mark the bricks' folders; a failure leaves those marked that passed before it, as the real one does."""
    for brick in bricks:
        folder = host(peer, brick.host).folder(brick.path)
        if folder["id"]:
            return fail(f"{brick.path} is already part of a volume", "30800")
        if host(peer, brick.host).full:
            text = f"Failed to create brick directory for brick {brick.host}:{brick.path}. "
            return fail(f"{text}Reason : No space left on device ", "30800")
        folder.update(kind="filled", id=volume.hex_id)
    return ""


def volume_add_brick(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
    volume = peer.cluster.volumes[words[0]]
    rest = words[1:]
    replica, arbiter = volume.replica, volume.arbiter
    while rest[0] in ("replica", "arbiter"):
        if rest[0] == "replica":
            replica = int(rest[1])
        else:
            arbiter = int(rest[1])
        rest = rest[2:]
    widening = replica != volume.replica
    size = volume.size
    if len(rest) % size and not widening:
        text = f"Incorrect number of bricks supplied {len(rest)} with count {size}"
        return fail(text, "0", f"<cliOp>volAddBrick</cliOp><output>{text}</output>")
    new = [FakeBrick(*split(b), arbiter=widening and bool(arbiter), online=volume.started) for b in rest]
    if problem := take_folders(peer, volume, new):
        return problem
    if widening:
        assert len(volume.sets) == len(new), "one new brick a set"
        volume.bricks = [brick for old, brick in zip(volume.sets, new, strict=True) for brick in (*old, brick)]
        volume.healing = 2
    else:
        for index, brick in enumerate(new):
            brick.arbiter = bool(volume.arbiter) and index % size == size - 1
        volume.bricks += new
    volume.replica, volume.arbiter = replica, arbiter
    volume.number_sets()
    return ok("<cliOp>volAddBrick</cliOp><output>Add Brick successful</output>")


def volume_replace_brick(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
    name, old, new, *how = words
    volume = peer.cluster.volumes[name]
    if how != ["commit", "force"]:
        raise UnknownCommand(" ".join(words))
    if not volume.disperse and volume.replica == 1:
        text = "replace-brick is not permitted on distribute only volumes. Please use add-brick and remove-brick "
        return fail(f"{text}operations instead.", "0")
    brick = next((brick for brick in volume.bricks if f"{brick.host}:{brick.path}" == old), None)
    if brick is None:
        return fail(f"Incorrect source brick {old} for volume {name}", "0")
    may_lose(peer, volume)
    fresh = FakeBrick(*split(new), arbiter=brick.arbiter, online=volume.started, group=brick.group)
    if problem := take_folders(peer, volume, [fresh]):
        return problem
    volume.bricks[volume.bricks.index(brick)] = fresh
    volume.healing, volume.premature = 4, 1
    return ok("", says="replace-brick commit force operation successful")


def volume_remove_brick(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
    name, *places, verb = words
    volume = peer.cluster.volumes[name]
    bricks = [brick for brick in volume.bricks if f"{brick.host}:{brick.path}" in places]
    if len(bricks) != len(places):
        return fail(f"Incorrect brick {places[0]} for volume {name}", "0", "<volRemoveBrick/>")
    head = "<task-id>047a07af-4711-4469-87c8-7d5c8acb4900</task-id>"
    if verb == "start":
        at = {brick.group for brick in bricks}
        assert len(at) * volume.size == len(bricks) < len(volume.bricks), "whole sets leave, and not all"
        assert not volume.removing, "one task of a volume at a time"
        assert not volume.rebalance, "one task of a volume at a time"
        volume.removing, volume.to_move = bricks, 2
        return ok(f"<volRemoveBrick>{head}</volRemoveBrick>", says="Remove Brick start successful")
    if not volume.removing:
        text = f"remove-brick not started for volume {name}."
        return fail(text, "30800", "<volRemoveBrick/>")
    if verb == "stop":
        volume.removing = []
        return ok(f"<volRemoveBrick>{head}</volRemoveBrick>")
    if verb == "commit":
        assert not volume.to_move, "the data of bricks that leave is not moved yet"
        may_lose(peer, volume)
        volume.bricks = [brick for brick in volume.bricks if brick not in volume.removing]
        volume.removing = []
        return ok(f"<volRemoveBrick>{head}</volRemoveBrick>", says="Remove Brick commit successful")
    if verb != "status":
        raise UnknownCommand(" ".join(words))
    skipped = empty_bricks(pool, peer, volume)
    state = "<status>3</status><statusStr>completed</statusStr>"
    if volume.to_move:
        state = "<status>1</status><statusStr>in progress</statusStr>"
    counts = "<files>1</files><size>9</size><lookups>3</lookups><failures>0</failures>"
    counts += f"<skipped>{skipped}</skipped>"
    row = f"{counts}{state}<runtime>0.00</runtime>"
    node = f"<node><nodeName>localhost</nodeName><id>{peer.uuid}</id>{row}</node>"
    tail = f"<nodeCount>1</nodeCount>{node}<aggregate>{row}</aggregate>"
    return ok(f"<volRemoveBrick>{head}{tail}</volRemoveBrick>")


def empty_bricks(pool: FakePool, peer: FakePeer, volume: FakeVolume) -> int:
    """The task that was begun gets on; how many files it left where they are, once it is through."""
    volume.to_move = max(0, volume.to_move - 1)
    skipped = 0 if volume.to_move else move(peer, volume, pool.stubborn)
    pool.stubborn -= skipped
    return skipped


def volume_rebalance(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
    volume = peer.cluster.volumes[words[0]]
    head = "<task-id>8216d3bc-d58f-4a07-9037-c6d2f99e7a1e</task-id>"
    if words[1] == "start":
        volume.rebalance = 2
        pool.rebalanced.append(volume.name)
        return ok(f"<volRebalance>{head}<op>1</op></volRebalance>")
    if volume.rebalance is None:
        text = f"Rebalance not started for volume {volume.name}."
        return fail(text, "30800", f"<cliOp>volRebalance</cliOp><output>{text}</output>")
    volume.rebalance = max(0, volume.rebalance - 1)
    state = "<status>3</status><statusStr>completed</statusStr>"
    if not volume.rebalance and pool.failing:
        pool.failing -= 1
        state = "<status>4</status><statusStr>failed</statusStr>"
    elif not volume.rebalance:
        move(peer, volume)
    if volume.rebalance:
        state = "<status>1</status><statusStr>in progress</statusStr>"
    counts = "<files>1</files><size>9</size><lookups>3</lookups><failures>0</failures><skipped>0</skipped>"
    row = f"{counts}{state}<runtime>0.00</runtime>"
    node = f"<node><nodeName>localhost</nodeName><id>{peer.uuid}</id>{row}</node>"
    tail = f"<nodeCount>1</nodeCount>{node}<aggregate>{row}</aggregate>"
    return ok(f"<volRebalance>{head}<op>3</op>{tail}</volRebalance>")


def volume_heal(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
    if words[1:] not in (["info", "summary"], ["info", "split-brain"]):
        raise UnknownCommand(" ".join(words))
    volume = peer.cluster.volumes[words[0]]
    if not volume.started:
        raise UnknownCommand(" ".join(words))
    if words[2] == "split-brain":
        files = "".join(f'<file gfid="x">{name}</file>' for name in volume.split)
        count = f"<status>Connected</status><numberOfEntries>{len(volume.split)}</numberOfEntries>"
        rows = "".join(f"<brick><name>{b.host}:{b.path}</name>{files}{count}</brick>" for b in volume.bricks)
        return ok(f"<healInfo><bricks>{rows}</bricks></healInfo>")
    volume.premature, early = max(0, volume.premature - 1), volume.premature
    if not early:
        heal(peer, volume)
    counts = [0] * len(volume.bricks) if early else pending(peer, volume)
    rows = "".join(
        f'<brick hostUuid="{host(peer, b.host).uuid}"><name>{b.host}:{b.path}</name>'
        f"<status>{'Connected' if b.online else 'Transport endpoint is not connected'}</status>"
        f"<totalNumberOfEntries>{n if b.online else '-'}</totalNumberOfEntries>"
        f"<numberOfEntriesInHealPending>{n}</numberOfEntriesInHealPending>"
        f"<numberOfEntriesInSplitBrain>{len(volume.split)}</numberOfEntriesInSplitBrain>"
        "<numberOfEntriesPossiblyHealing>0</numberOfEntriesPossiblyHealing></brick>"
        for b, n in zip(volume.bricks, counts, strict=True)
    )
    return ok(f"<healInfo><bricks>{rows}</bricks></healInfo>")


def volume_reset_brick(pool: FakePool, peer: FakePeer, words: list[str]) -> str:
    name, old, new, *how = words
    if old != new or how != ["commit", "force"]:
        raise UnknownCommand(" ".join(words))
    volume = peer.cluster.volumes[name]
    brick = next((brick for brick in volume.bricks if f"{brick.host}:{brick.path}" == old), None)
    if brick is None:
        return fail(f"Incorrect source brick {old} for volume {name}", "0")
    if host(peer, brick.host).taking_over:
        text = "When destination brick is new, please use gluster volume replace-brick <volname> <src-brick> "
        return fail(f"Pre Validation failed on {brick.host}. {text}<dst-brick> commit force", "0")
    folder = host(peer, brick.host).folder(brick.path)
    folder.update(kind="filled", id=volume.hex_id)
    brick.online, volume.healing = True, 3
    return ok("", says="reset-brick commit force operation successful")


def may_lose(peer: FakePeer, volume: FakeVolume) -> None:
    """The hook lets a brick or a peer go only while everything is whole."""
    entries = volume.healing + len(list(lacking(peer, volume)))
    assert not entries, f"{volume.name} loses a brick with {entries} entries to heal"
    assert not volume.started or all(brick.online for brick in volume.bricks), f"{volume.name} is not whole"
