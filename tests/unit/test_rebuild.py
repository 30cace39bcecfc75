"""A peer that lost its state or its bricks comes back under its old UUID, by a new word and in no other way."""

from __future__ import annotations

from typing import Any

import pytest

from hooks.run.endings import CannotRead, Refused
from tests.unit.fake_pool import FakePool
from tests.unit.running import Run, is_whole, write_to_all

pytestmark = pytest.mark.usefixtures("no_waiting")

VOLUMES: list[dict[str, Any]] = [
    {"name": "safe", "replica": 3},
    {"name": "cold", "disperse": 3, "redundancy": 1},
]


def raw(word: str = "", volumes: list[dict[str, Any]] = VOLUMES) -> dict[str, Any]:
    nodes = [{"name": name, "address": f"10.0.0.{i}"} for i, name in enumerate("abc", start=1)]
    return {"nodes": [*nodes[:2], {**nodes[2], "rebuild": word}], "volumes": volumes}


def installed(volumes: list[dict[str, Any]] = VOLUMES) -> Run:
    run = Run(FakePool("a", "b", "c"), raw(volumes=volumes))
    run()
    write_to_all(run.pool)
    return run


def lose_bricks(pool: FakePool, name: str) -> None:
    peer = pool.peers[name]
    for path in peer.folders:
        peer.empty(path)
    for volume in pool.peers["a"].cluster.volumes.values():
        for brick in volume.bricks:
            if brick.host == peer.address:
                brick.online = False


@pytest.mark.parametrize("bricks", ["kept", "lost"])
def test_a_lost_peer_is_rebuilt_once_for_a_word(bricks: str) -> None:
    run = installed()
    uuid = run.pool.peers["c"].uuid
    run.pool.blank("c")
    if bricks == "lost":
        lose_bricks(run.pool, "c")
    with pytest.raises(Refused, match=r"give its entry in `nodes` a `rebuild` word"):
        Run(run.pool, raw(), run.memory)()
    again = Run(run.pool, raw("once"), run.memory)
    observed = again()
    assert run.pool.peers["c"].uuid == uuid == observed.peers[2].uuid
    assert len(run.pool.peers["a"].cluster.members) == 3
    for volume in run.pool.peers["a"].cluster.volumes.values():
        assert all(brick.online for brick in volume.bricks)
        assert is_whole(run.pool, volume)
    assert ("reset-brick safe" in again.text) == (bricks == "lost")
    assert again.memory.rebuilt == {"c": ("once",)}
    assert again.memory.rebuilding == ()
    last = Run(run.pool, raw("once"), again.memory)
    last()
    assert last.report.lines[0].startswith("Nothing to do")
    run.pool.blank("c")
    with pytest.raises(Refused, match="was in the pool as peer"):
        Run(run.pool, raw("once"), again.memory)()
    Run(run.pool, raw("twice"), again.memory)()
    assert run.pool.peers["c"].uuid == uuid


def test_a_word_is_kept_for_when_it_is_needed() -> None:
    run = installed()
    early = Run(run.pool, raw("early"), run.memory)
    early()
    assert early.report.lines[0].startswith("Nothing to do")
    assert early.memory.rebuilt == {}


def test_lost_bricks_alone_are_made_anew_for_a_word() -> None:
    run = installed()
    lose_bricks(run.pool, "c")
    with pytest.raises(Refused, match="its disk is probably not mounted"):
        Run(run.pool, raw(), run.memory)()
    again = Run(run.pool, raw("disk"), run.memory)
    again()
    assert all(is_whole(run.pool, volume) for volume in run.pool.peers["a"].cluster.volumes.values())
    assert again.memory.rebuilt == {"c": ("disk",)}


@pytest.mark.parametrize("bricks", ["kept", "lost"])
def test_a_run_cut_short_anywhere_is_finished_by_the_next(bricks: str) -> None:
    lost = 0
    while True:
        lost += 1
        run = installed()
        uuid = run.pool.peers["c"].uuid
        run.pool.blank("c")
        if bricks == "lost":
            lose_bricks(run.pool, "c")
        last = len(run.pool.execs) + lost

        def breaks(number: int, last: int = last) -> bool:
            if number >= last:
                raise SystemExit
            return False

        run.pool.lose_connection = breaks
        cut = Run(run.pool, raw("word"), run.memory)
        try:
            cut()
        except SystemExit:
            run.pool.lose_connection = lambda number: False
            again = Run(run.pool, raw("word"), cut.memory)
            again()
            assert again.memory.rebuilt == {"c": ("word",)}
            assert run.pool.peers["c"].uuid == uuid
            assert all(is_whole(run.pool, volume) for volume in run.pool.peers["a"].cluster.volumes.values())
        else:
            break
    assert lost > 15


def test_what_cannot_be_filled_from_others_is_refused() -> None:
    once = installed([{"name": "once"}])
    lose_bricks(once.pool, "c")
    with pytest.raises(Refused, match="once is distributed: nobody else has its files"):
        Run(once.pool, raw("word", [{"name": "once"}]), once.memory)()
    run = installed()
    lose_bricks(run.pool, "c")
    brick = run.pool.peers["a"].cluster.volumes["safe"].bricks[1]
    brick.online = False
    run.pool.peers["b"].folder(brick.path).update(kind="absent", id="")
    commands = len(run.pool.commands)
    with pytest.raises(Refused, match="brick of safe is lost, and b:/mnt/brick1/safe of its set is offline"):
        Run(run.pool, raw("word"), run.memory)()
    assert not [c for c in run.pool.commands[commands:] if "reset-brick" in c]


def test_a_disk_that_is_not_mounted_is_no_lost_brick() -> None:
    run = installed()
    lose_bricks(run.pool, "c")
    for folder in run.pool.peers["c"].folders.values():
        folder["root_disk"] = True
    with pytest.raises(Refused, match="its disk is probably not mounted"):
        Run(run.pool, raw("word"), run.memory)()


def test_a_peer_with_another_pool_s_state_is_not_rebuilt() -> None:
    run = installed()
    stranger = run.pool.blank("c")
    other = run.pool.add("z", "10.0.0.9")
    stranger.cluster.members.append(other)
    other.cluster = stranger.cluster
    with pytest.raises(Refused, match=r"c \(10.0.0.3\) cannot be rebuilt as peer .* has the peer 10.0.0.9"):
        Run(run.pool, raw("word"), run.memory)()


def test_nothing_is_written_while_another_peer_is_away() -> None:
    run = installed()
    run.pool.blank("c")
    execs = len(run.pool.execs)
    run.pool.peers["b"].answers = False
    with pytest.raises(CannotRead, match="a gets no connection to glusterd"):
        Run(run.pool, raw("word"), run.memory)()
    assert not [text for _, text in run.pool.execs[execs:] if "glusterd.info" in text or "restore-identity.sh" in text]
