"""Nodes leave: their bricks move, one at a time and healed, or their sets leave; then the peer goes."""

from __future__ import annotations

from typing import Any

import pytest

from hooks.run.endings import CannotRead, Ending, OutOfTime, Refused
from tests.unit.fake_pool import FakePool
from tests.unit.running import FILES, Run, is_whole, write_to_all

pytestmark = pytest.mark.usefixtures("no_waiting")

VOLUMES: list[dict[str, Any]] = [
    {"name": "safe", "replica": 3},
    {"name": "cold", "disperse": 3, "redundancy": 1},
    {"name": "lean", "replica": 2, "arbiter": 1},
    {"name": "wide"},
]


def raw(
    names: str, drained: str = "", volumes: list[dict[str, Any]] = VOLUMES, bricks: tuple[str, ...] = ("/mnt/brick1",)
) -> dict[str, Any]:
    address = {name: f"10.0.0.{number}" for number, name in enumerate("abcdef", start=1)}
    state = {name: "drained" if name in drained else "present" for name in names}
    nodes = [{"name": name, "address": address[name], "state": state[name]} for name in names]
    return {"nodes": nodes, "bricks": list(bricks), "volumes": volumes}


def installed(names: str, volumes: list[dict[str, Any]] = VOLUMES, bricks: tuple[str, ...] = ("/mnt/brick1",)) -> Run:
    run = Run(FakePool(*"abcdef"), raw(names, volumes=volumes, bricks=bricks))
    run()
    write_to_all(run.pool)
    return run


def folder(pool: FakePool, place: str) -> dict[str, object]:
    host, path = place.split(":")
    return next(peer for peer in pool.peers.values() if peer.address == host).folder(path)


def places(pool: FakePool, volume: str) -> list[str]:
    return [f"{brick.host}:{brick.path}" for brick in pool.peers["a"].cluster.volumes[volume].bricks]


def drained(run: Run, values: dict[str, Any], names: str) -> Run:
    again = Run(run.pool, values, run.memory)
    again()
    members = {member.name for member in run.pool.peers["a"].cluster.members}
    assert not members & set(names)
    for volume in run.pool.peers["a"].cluster.volumes.values():
        assert all(brick.online for brick in volume.bricks)
        assert len(volume.homes) == FILES
        assert is_whole(run.pool, volume)
    assert set(again.memory.uuids) == {node["name"] for node in values["nodes"]} - set(names)
    last = Run(run.pool, values, again.memory)
    last()
    assert last.report.lines[0].startswith("Nothing to do")
    gone = Run(run.pool, {**values, "nodes": [n for n in values["nodes"] if n["name"] not in names]}, last.memory)
    gone()
    assert gone.report.lines[0].startswith("Nothing to do")
    return again


def test_a_node_s_bricks_move_to_a_new_one_and_its_peer_leaves() -> None:
    run = installed("abc")
    again = drained(run, raw("abcd", "c"), "c")
    for volume in ("safe", "cold", "lean"):
        assert places(run.pool, volume) == [f"10.0.0.{i}:/mnt/brick1/{volume}" for i in (1, 2, 4)]
    assert run.pool.peers["a"].cluster.volumes["lean"].bricks[2].arbiter
    assert places(run.pool, "wide") == [f"10.0.0.{i}:/mnt/brick1/wide" for i in (1, 2, 4)]
    assert run.pool.peers["c"].has_files("/mnt/brick1/safe"), "what moved keeps its old copy"
    assert folder(run.pool, "10.0.0.3:/mnt/brick1/wide")["kind"] == "absent"
    assert "Note: safe: c:/mnt/brick1/safe keeps its old copy" in again.text


def test_a_whole_set_leaves_when_a_brick_has_no_other_place() -> None:
    volumes = [{"name": "safe", "replica": 3}]
    run = installed("abcdef", volumes)
    assert len(places(run.pool, "safe")) == 6
    drained(run, raw("abcdef", "f", volumes), "f")
    assert places(run.pool, "safe") == [f"10.0.0.{i}:/mnt/brick1/safe" for i in (1, 2, 3)]
    assert folder(run.pool, "10.0.0.4:/mnt/brick1/safe")["kind"] == "absent", "the next set can be made there"


def test_sets_leave_and_their_room_holds_a_new_one() -> None:
    volumes = [{"name": "pair", "replica": 2}]
    both = ("/mnt/brick1", "/d")
    run = installed("abc", volumes, both)
    drained(run, raw("abc", "c", volumes, both), "c")
    expected = [f"10.0.0.{i}:{directory}/pair" for directory in both for i in (1, 2)]
    assert places(run.pool, "pair") == expected


def test_a_set_that_has_no_place_is_refused_before_anything_moves() -> None:
    before, after = (
        ["a:/mnt/brick1/p", "c:/mnt/brick1/p", "c:/d/p", "b:/mnt/brick1/p"],
        ["a:/mnt/brick1/p", "b:/mnt/brick1/p"],
    )
    both = ("/mnt/brick1", "/d")
    pair = installed("abc", [{"name": "p", "replica": 2, "layout": before}], both)
    commands = len(pair.pool.commands)
    with pytest.raises(Refused, match="The volume p cannot leave c:/mnt/brick1/p, c:/d/p: no free brick"):
        Run(pair.pool, raw("abc", "c", [{"name": "p", "replica": 2, "layout": after}], both), pair.memory)()
    with pytest.raises(Refused, match="c:/d/p: a brick of p, which is not in `volumes`"):
        Run(pair.pool, raw("abc", "c", [], both), pair.memory)()
    assert not [c for c in pair.pool.commands[commands:] if "replace-brick" in c or "remove-brick" in c]


@pytest.mark.parametrize(
    ("broken", "ending", "says"),
    [
        ("offline", Refused, "a:/mnt/brick1/safe: the brick of safe is offline and its folder does not show"),
        ("away", CannotRead, "a gets no connection to glusterd .* at 10.0.0.2"),
        ("healing", OutOfTime, "to heal. It goes on by itself"),
    ],
)
def test_nothing_leaves_while_anything_is_not_whole(broken: str, ending: type[Ending], says: str) -> None:
    run = installed("abc")
    commands = len(run.pool.commands)
    volume = run.pool.peers["a"].cluster.volumes["safe"]
    if broken == "offline":
        volume.bricks[0].online = False
        run.pool.peers["a"].folder("/mnt/brick1/safe").update(kind="absent", id="")
    elif broken == "away":
        run.pool.peers["b"].answers = False
    else:
        volume.healing = 10**9
    again = Run(run.pool, raw("abcd", "c"), run.memory)
    again.seconds = 2
    with pytest.raises(ending, match=says):
        again()
    done = run.pool.commands[commands:]
    assert not [c for c in done if "replace-brick safe" in c or c.endswith("commit") or "detach" in c]


def test_a_run_cut_short_anywhere_is_finished_by_the_next() -> None:
    lost = 0
    while True:
        lost += 1
        run = installed("abc")
        last = len(run.pool.execs) + lost

        def breaks(number: int, last: int = last) -> bool:
            if number >= last:
                raise SystemExit
            return False

        run.pool.lose_connection = breaks
        cut = Run(run.pool, raw("abcd", "c"), run.memory)
        try:
            cut()
        except SystemExit:
            run.pool.lose_connection = lambda number: False
            drained(cut, raw("abcd", "c"), "c")
        else:
            break
    assert lost > 40


def test_a_node_that_never_was_in_the_pool_is_left_alone() -> None:
    run = installed("abc")
    again = Run(run.pool, raw("abcd", "d"), run.memory)
    again()
    assert again.report.lines[0].startswith("Nothing to do")
    assert len(run.pool.peers["a"].cluster.members) == 3


def test_a_removal_that_somebody_else_began_is_not_touched() -> None:
    run = installed("abc")
    volume = run.pool.peers["a"].cluster.volumes["wide"]
    volume.removing, volume.to_move = [volume.bricks[0]], 5
    with pytest.raises(Refused, match="wide are being taken out of wide, which the values do not"):
        Run(run.pool, raw("abcd", "c"), run.memory)()
    assert volume.removing == [volume.bricks[0]]


def test_what_was_to_leave_and_moves_after_all_keeps_its_old_copy() -> None:
    """Another node comes before the first plan was carried out: nothing of it may be remembered as gone."""
    volumes = [{"name": "pair", "replica": 2}]
    both = ("/mnt/brick1", "/d")
    run = installed("abc", volumes, both)
    first = len(run.pool.execs)

    def breaks(number: int) -> bool:
        if number >= first + 3:
            raise SystemExit
        return False

    run.pool.lose_connection = breaks
    cut = Run(run.pool, raw("abc", "c", volumes, both), run.memory)
    with pytest.raises(SystemExit):
        cut()
    assert cut.memory.retired_bricks
    run.pool.lose_connection = lambda number: False
    drained(cut, raw("abcd", "c", volumes, both), "c")
