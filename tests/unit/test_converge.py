"""The hook from its first look to its last step, on the in-memory pool."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from hooks.run.context import Pool
from hooks.run.endings import CannotRead, CommandFailed, Ending, Refused
from hooks.run.reconcile import observe_and_plan
from hooks.run.report import plan_text, status_table
from tests.unit.fake_pool import FakePool
from tests.unit.running import THREE, Run

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.usefixtures("no_waiting")


def folders(pool: FakePool) -> dict[str, dict[str, object]]:
    return {f"{p.name}:{path}": dict(folder) for p in pool.peers.values() for path, folder in p.folders.items()}


def test_install_makes_what_values_say(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(FakePool("a", "b", "c"), THREE)
    observed = run()
    assert [volume.name for volume in observed.volumes] == ["newvol", "safe"]
    safe = observed.volumes[1]
    assert [str(brick) for brick in safe.bricks] == [f"10.0.0.{i}:/mnt/brick1/safe" for i in (1, 2, 3)]
    assert dict(safe.options)["performance.nl-cache"] == "on"
    assert all(volume.started for volume in observed.volumes)
    assert run.memory.uuids == {p.name: p.uuid for p in run.pool.peers.values()}
    assert run.memory.options == {"newvol": (), "safe": ("performance.cache-size", "performance.nl-cache")}
    planned = re.findall(r"^    gluster (.*?)(?:   #.*)?$", run.text, re.MULTILINE)
    asked = ("system:: uuid get", "peer status", "volume info", "volume status")
    done = [command for command in run.pool.commands if command not in asked]
    assert sorted(planned) == sorted(done), "the plan is what was done"
    assert run.report.lines[0] == "The plan for 3 peers: 8 steps."
    assert "Volume safe (replica 3, started)" in status_table(observed)
    assert capsys.readouterr().out.startswith("The plan for 3 peers")


@pytest.mark.parametrize("peers", [1, 2, 3, 60])
def test_no_op_costs_at_most_three_execs_and_changes_nothing(peers: int) -> None:
    names = [f"n{i}" for i in range(1, peers + 1)]
    raw = {
        "nodes": [{"name": name, "address": f"10.0.0.{i}"} for i, name in enumerate(names, start=1)],
        "volumes": [{"name": f"v{i}", "options": {"nfs.disable": True}} for i in range(30)],
    }
    run = Run(FakePool(*names), raw)
    run()
    before = len(run.pool.execs)
    again = Run(run.pool, raw, run.memory)
    again()
    assert len(run.pool.execs) - before <= 3
    assert again.report.lines[0].startswith("Nothing to do")


def test_reordering_nodes_is_a_no_op() -> None:
    raw = {**THREE, "volumes": [*THREE["volumes"], {"name": "spread", "replica": 2, "bricks": ["/mnt/brick1", "/d"]}]}
    raw["bricks"] = ["/mnt/brick1", "/d"]
    run = Run(FakePool("a", "b", "c"), raw)
    run()
    again = Run(run.pool, {**raw, "nodes": raw["nodes"][::-1]}, run.memory)
    again()
    assert "Nothing to do" in again.report.lines[0]
    assert "Note: spread keeps its sets of bricks as they are" in again.text


def test_what_values_no_longer_list_is_kept_and_named() -> None:
    run = Run(FakePool("a", "b", "c"), THREE)
    run()
    again = Run(run.pool, {"nodes": THREE["nodes"][:2], "volumes": THREE["volumes"][:1]}, run.memory)
    again()
    assert "Nothing to do" in again.report.lines[0]
    assert "10.0.0.3 is a peer of the pool but not in `nodes`: kept as it is." in again.text
    assert "The volume safe is in the pool but not in `volumes`: kept as it is." in again.text


def test_clones_get_uuids_of_their_own() -> None:
    pool = FakePool("a", "b", "c")
    pool.peers["b"].uuid = pool.peers["c"].uuid = pool.peers["a"].uuid
    run = Run(pool, THREE)
    run()
    assert len({peer.uuid for peer in pool.peers.values()}) == 3
    assert pool.commands.count("system:: uuid reset") == 2
    assert "b is a clone of a" in run.text


def test_a_clone_of_a_member_is_reset_before_it_joins() -> None:
    pool = FakePool("a", "b", "c")
    Run(pool, {"nodes": THREE["nodes"][:2]})()
    pool.peers["c"].uuid = pool.peers["b"].uuid
    Run(pool, THREE)()
    assert len({peer.uuid for peer in pool.peers.values()}) == 3
    assert len(pool.peers["a"].cluster.members) == 3


def test_a_clone_that_is_in_use_is_refused() -> None:
    pool = FakePool("a", "b", "c")
    Run(pool, {"nodes": THREE["nodes"][:2]})()
    pool.peers["c"].uuid = pool.peers["b"].uuid
    other = pool.add("z", "10.0.0.9")
    other.cluster.members.append(pool.peers["c"])
    pool.peers["c"].cluster = other.cluster
    with pytest.raises(Refused, match=r"b and c have the same UUID .* copied"):
        Run(pool, THREE)()


def test_every_lost_connection_is_survived() -> None:
    whole = Run(FakePool("a", "b", "c"), THREE)
    whole()
    execs = len(whole.pool.execs)
    for lost in range(1, execs + 1):
        pool = FakePool("a", "b", "c")
        pool.lose_connection = lambda number, lost=lost: number == lost  # type: ignore[misc]
        run = Run(pool, THREE)
        try:
            observed = run()
        except Ending:
            observed = Run(pool, THREE, run.memory)()
        assert len(observed.volumes) == 2
        assert sum(c.startswith("volume create") for c in pool.commands) == 2, "no command is repeated blindly"
    print(f"{execs} lost connections")


def test_another_transaction_is_waited_for() -> None:
    pool = FakePool("a", "b", "c")
    pool.locked = 3
    assert all(volume.started for volume in Run(pool, THREE)().volumes)


@pytest.mark.parametrize(
    ("folder", "says"),
    [
        ({"kind": "filled", "id": "ab" * 16, "data": "yes"}, "brick of a volume this pool does not know"),
        ({"kind": "filled", "data": "yes"}, "is not empty and no brick"),
        ({"kind": "other"}, "no folder"),
        ({"parent": False}, "the brick directory /mnt/brick1 is not on the node"),
        ({"root_disk": True}, "lies on the node's root disk"),
    ],
)
def test_foreign_folders_are_refused_and_nothing_is_changed(folder: dict[str, object], says: str) -> None:
    pool = FakePool("a", "b", "c")
    pool.peers["b"].folder("/mnt/brick1/newvol").update(folder)
    before = folders(pool)
    with pytest.raises(Refused, match=says) as refused:
        Run(pool, THREE)()
    assert "b:/mnt/brick1/newvol (volume newvol)" in str(refused.value)
    assert folders(pool) | before == folders(pool)
    assert not [c for c in pool.commands if "probe" in c or "create" in c]
    assert str(refused.value).startswith("Refused, nothing was changed: 1 reason.")


def test_root_disk_is_allowed_when_values_say_so() -> None:
    pool = FakePool("a", "b", "c")
    for peer in pool.peers.values():
        for name in ("newvol", "safe"):
            peer.folder(f"/mnt/brick1/{name}")["root_disk"] = True
    assert len(Run(pool, {**THREE, "allowRootDiskBricks": True})().volumes) == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"name": "newvol", "replica": 2, "nodes": ["b", "c"]},
            r"bricks that values no longer give: a:/mnt/brick1/newvol",
        ),
        ({"name": "newvol", "nodes": ["a", "b"]}, r"is replica 2 in the pool, the values ask for distributed"),
        (
            {"name": "safe", "replica": 2, "arbiter": 1},
            r"is replica 3 in the pool, the values ask for replica 2 arbiter 1",
        ),
    ],
)
def test_what_this_version_does_not_change_is_refused(change: dict[str, Any], says: str) -> None:
    run = Run(FakePool("a", "b", "c"), THREE)
    run()
    others = [volume for volume in THREE["volumes"] if volume["name"] != change["name"]]
    commands = len(run.pool.commands)
    with pytest.raises(Refused, match=says):
        Run(run.pool, {**THREE, "volumes": [*others, change]}, run.memory)()
    assert not [c for c in run.pool.commands[commands:] if c.split()[1] in ("create", "set", "start", "probe")]


def test_options_follow_values_and_others_options_stay() -> None:
    run = Run(FakePool("a", "b", "c"), THREE)
    run()
    live = run.pool.peers["a"].cluster.volumes["safe"].options
    live["auth.allow"] = "10.*"
    changed = {
        **THREE,
        "volumes": [THREE["volumes"][0], {"name": "safe", "replica": 3, "options": {"nfs.disable": "on"}}],
    }
    Run(run.pool, changed, run.memory)()
    assert live == {"nfs.disable": "on", "transport.address-family": "inet", "auth.allow": "10.*"}


def test_a_bad_option_ends_in_glusters_words_and_the_volume_is_not_started() -> None:
    pool = FakePool("a", "b", "c")
    raw = {**THREE, "volumes": [{"name": "v", "options": {"no.such-option": 1}}]}
    with pytest.raises(CommandFailed, match=r"`gluster volume set v no.such-option 1` failed .* does not exist"):
        Run(pool, raw)()
    assert not pool.peers["a"].cluster.volumes["v"].started


def test_nothing_is_changed_while_a_peer_is_away() -> None:
    run = Run(FakePool("a", "b", "c"), THREE)
    run()
    run.pool.peers["c"].answers = False
    commands = len(run.pool.commands)
    more = {**THREE, "volumes": [*THREE["volumes"], {"name": "more", "nodes": ["a"]}]}
    with pytest.raises(CannotRead, match=r"a gets no connection to glusterd \(port 24007\) at 10.0.0.3"):
        Run(run.pool, more, run.memory)()
    assert not [c for c in run.pool.commands[commands:] if "create" in c]


def test_a_peer_that_lost_its_state_is_not_probed_as_new() -> None:
    run = Run(FakePool("a", "b", "c"), THREE)
    run()
    lost = run.pool.peers["c"]
    lost.answers = False
    stand_in = FakePool("c").peers["c"]
    stand_in.address = lost.address
    run.pool.peers["c"] = stand_in
    with pytest.raises(Refused, match=rf"c \(10.0.0.3\) was in the pool as peer {lost.uuid}"):
        Run(run.pool, THREE, run.memory)()


def test_two_pools_are_not_joined() -> None:
    pool = FakePool("a", "b", "c", "d")
    Run(pool, {"nodes": THREE["nodes"][:2], "volumes": [{"name": "mine"}]})()
    other = {"nodes": [{"name": "c", "address": "10.0.0.3"}, {"name": "d", "address": "10.0.0.4"}]}
    Run(pool, other)()
    with pytest.raises(Refused, match=r"c \(10.0.0.3\) already has the peer"):
        Run(pool, THREE)()


def two_plans() -> str:
    """The plan of an install, and of a change of much of it."""

    def planned(run: Run) -> str:
        case, plan = observe_and_plan(Pool(run.pool, run.addresses), run.values, run.memory)
        return plan_text(plan, case.pool)

    def volumes(safe: dict[str, Any], pair: dict[str, Any], *more: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"name": "safe", "replica": 3, "options": safe}, {"name": "pair", "replica": 2, "options": pair}, *more]

    options = (
        {"nfs.disable": True, "performance.cache-size": "64MB"},
        {"auth.allow": "10.*", "performance.nl-cache": True},
    )
    nodes = GROWN["nodes"]
    install = Run(FakePool(*"abcdef"), {"nodes": nodes[:3], "volumes": volumes(*options, {"name": "wide"})})
    first = planned(install)
    with redirect_stdout(StringIO()):
        install()
    drained = [*nodes[:2], {**nodes[2], "state": "drained"}, *nodes[3:]]
    change = {"nodes": drained, "volumes": volumes({}, {"auth.allow": "*"}, {"name": "new"}, {"name": "wide"})}
    return f"{first}\n{planned(Run(install.pool, change, install.memory))}"


def test_plan_is_the_same_text_in_every_process() -> None:
    """Python orders a set of texts by a seed that each process draws anew; a plan must not."""
    program = "from tests.unit.test_converge import two_plans as f; print(f())"
    texts = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    ]
    assert texts[1:] == texts[:-1]
    for step in ("peer probe 10.0.0.1   # on b, a gets", "volume create safe replica 3", "volume reset safe"):
        assert f"gluster {step}" in texts[0]


GROWN: dict[str, Any] = {
    "nodes": [{"name": name, "address": f"10.0.0.{i}"} for i, name in enumerate("abcdef", start=1)],
    "volumes": [{"name": "safe", "replica": 3}],
}


def test_a_new_set_of_nodes_is_added_and_the_data_spread() -> None:
    pool = FakePool("a", "b", "c", "d", "e", "f")
    run = Run(pool, {**GROWN, "nodes": GROWN["nodes"][:3]})
    run()
    again = Run(pool, GROWN, run.memory)
    observed = again()
    assert [str(brick) for brick in observed.volumes[0].bricks] == [f"10.0.0.{i}:/mnt/brick1/safe" for i in range(1, 7)]
    assert pool.rebalanced == ["safe"]
    assert "gluster volume add-brick safe 10.0.0.4:/mnt/brick1/safe 10.0.0.5:" in again.text
    assert again.memory.rebalancing == ()
    last = Run(pool, GROWN, again.memory)
    last()
    assert "Nothing to do" in last.text


def test_bricks_that_make_no_whole_set_are_named_and_left() -> None:
    pool = FakePool("a", "b", "c", "d", "e")
    nodes = GROWN["nodes"][:5]
    run = Run(pool, {**GROWN, "nodes": nodes[:3]})
    run()
    again = Run(pool, {**GROWN, "nodes": nodes}, run.memory)
    assert len(again().volumes[0].bricks) == 3
    assert "safe: d:/mnt/brick1/safe, e:/mnt/brick1/safe left over, they make no whole set of 3." in again.text


def test_a_new_brick_path_expands_by_a_set_with_each_brick_on_another_node() -> None:
    pool = FakePool("a", "b", "c")
    nodes = GROWN["nodes"][:3]
    run = Run(pool, {**GROWN, "nodes": nodes})
    run()
    again = Run(pool, {**GROWN, "nodes": nodes, "bricks": ["/mnt/brick1", "/d"]}, run.memory)
    bricks = again().volumes[0].bricks
    assert [brick.path for brick in bricks] == ["/mnt/brick1/safe"] * 3 + ["/d/safe"] * 3
    assert len({brick.host for brick in bricks[3:]}) == 3


@pytest.mark.parametrize(
    ("wider", "says"),
    [({"replica": 3}, "replica 3 10.0.0.3:"), ({"replica": 2, "arbiter": 1}, "replica 3 arbiter 1 10.0.0.3:")],
)
def test_a_mirror_gets_a_third_brick_and_is_healed(wider: dict[str, Any], says: str) -> None:
    pool = FakePool("a", "b", "c")
    nodes = GROWN["nodes"][:3]
    mirror = {"nodes": nodes, "volumes": [{"name": "m", "replica": 2, "nodes": ["a", "b"]}]}
    run = Run(pool, mirror)
    run()
    again = Run(pool, {"nodes": nodes, "volumes": [{"name": "m", **wider}]}, run.memory)
    (volume,) = again().volumes
    assert f"gluster volume add-brick m {says}" in again.text
    assert "gluster volume heal m info summary" in again.text
    assert (len(volume.bricks), volume.bricks[2].arbiter) == (3, "arbiter" in wider)
    assert pool.peers["a"].cluster.volumes["m"].healing == 0
    assert again.memory.healing == ()


def test_every_lost_connection_of_an_expansion_is_survived_and_the_data_is_spread_each_time() -> None:
    def grow(lost: int) -> int:
        """Lose the answer of the exec of this number (0: of none); how many execs there were."""
        pool = FakePool("a", "b", "c", "d", "e", "f")
        run = Run(pool, {**GROWN, "nodes": GROWN["nodes"][:3]})
        run()
        before = len(pool.execs)
        pool.lose_connection = lambda number: number == before + lost
        again = Run(pool, GROWN, run.memory)
        try:
            again()
        except Ending:
            again = Run(pool, GROWN, again.memory)
            again()
        assert len(pool.peers["a"].cluster.volumes["safe"].bricks) == 6
        assert pool.rebalanced, f"not spread when the answer of exec {lost} was lost"
        return len(pool.execs) - before

    undisturbed = grow(0)
    assert undisturbed > 5
    for lost in range(1, undisturbed + 1):
        grow(lost)


def test_a_rebalance_that_failed_is_started_again_a_few_times() -> None:
    run = Run(FakePool("a", "b"), {"nodes": THREE["nodes"][:2], "volumes": [{"name": "v"}]})
    run()
    more = {**run.raw, "bricks": ["/mnt/brick1", "/mnt/brick2"]}
    run.pool.failing = 1
    again = Run(run.pool, more, run.memory)
    again()
    assert "`gluster volume rebalance v status` ended without success" in again.text
    assert run.pool.rebalanced == ["v", "v"]
    assert not again.memory.rebalancing
    run.pool.failing = 99
    with pytest.raises(CommandFailed, match="gluster volume rebalance v start"):
        Run(run.pool, {**run.raw, "bricks": ["/mnt/brick1", "/mnt/brick2", "/mnt/brick3"]}, again.memory)()


def test_what_a_failed_create_left_is_cleaned_up_and_taken() -> None:
    pool = FakePool("a", "b", "c")
    pool.peers["c"].full = True
    run = Run(pool, THREE)
    with pytest.raises(CommandFailed, match="No space left on device"):
        run()
    assert pool.peers["a"].folder("/mnt/brick1/safe")["id"]
    pool.peers["c"].full = False
    again = Run(pool, THREE, run.memory)
    assert len(again().volumes) == 2
    assert "left by a failed create or add-brick of safe" in again.text


def test_a_leftover_that_is_not_proven_to_be_ours_is_refused() -> None:
    pool = FakePool("a", "b", "c")
    pool.peers["c"].full = True
    with pytest.raises(CommandFailed, match="No space left on device"):
        Run(pool, THREE)()
    pool.peers["c"].full = False
    with pytest.raises(Refused, match="a volume this pool does not know"):
        Run(pool, THREE)()


def test_a_leftover_with_a_file_in_it_is_refused() -> None:
    pool = FakePool("a", "b", "c")
    pool.peers["c"].full = True
    run = Run(pool, THREE)
    with pytest.raises(CommandFailed, match="No space left on device"):
        run()
    pool.peers["c"].full = False
    pool.peers["a"].folder("/mnt/brick1/safe")["data"] = "yes"
    with pytest.raises(Refused, match="a volume this pool does not know"):
        Run(pool, THREE, run.memory)()


def test_an_offline_brick_is_started_when_its_folder_shows_the_volume() -> None:
    run = Run(FakePool("a", "b", "c"), THREE)
    run()
    brick = run.pool.peers["a"].cluster.volumes["safe"].bricks[1]
    brick.online = False
    again = Run(run.pool, THREE, run.memory)
    again()
    assert brick.online
    assert "gluster volume start safe force   # brick b:/mnt/brick1/safe: offline" in again.text


def test_an_offline_brick_without_its_disk_is_not_started() -> None:
    run = Run(FakePool("a", "b", "c"), THREE)
    run()
    run.pool.peers["a"].cluster.volumes["safe"].bricks[1].online = False
    run.pool.peers["b"].folder("/mnt/brick1/safe").update(kind="absent", id="")
    commands = len(run.pool.commands)
    with pytest.raises(Refused, match="b:/mnt/brick1/safe: the brick of safe is offline and its folder does not show"):
        Run(run.pool, THREE, run.memory)()
    assert not [c for c in run.pool.commands[commands:] if "start" in c]


def test_volumes_of_a_pool_with_tls_have_it_from_their_first_start_on() -> None:
    raw = {**THREE, "tls": {"enabled": True}}
    run = Run(FakePool("a", "b", "c"), raw)
    run()
    for volume in ("newvol", "safe"):
        mine = [command for command in run.pool.commands if command.split()[2:3] == [volume]]
        verbs = [command.split()[1] for command in mine if not command.endswith(" status")]
        assert verbs == ["create", "set", "start"]
        assert "client.ssl on" in mine[1]
        assert "server.ssl on" in mine[1]
    again = Run(run.pool, raw, run.memory)
    again()
    assert again.report.lines[0].startswith("Nothing to do"), "they are the hook's own options"


def test_a_started_volume_in_clear_text_is_not_taken_for_one_with_tls() -> None:
    run = Run(FakePool("a", "b", "c"), THREE)
    run()
    again = Run(run.pool, {**THREE, "tls": {"enabled": True}}, run.memory)
    with pytest.raises(Refused, match="The volume newvol is started without TLS") as refused:
        again()
    assert "`gluster volume set safe client.ssl on server.ssl on`, `gluster volume start safe`" in str(refused.value)


def test_with_tls_one_peer_gets_all_steps() -> None:
    """Transactions that several peers lead at the same time may get stuck then."""
    volumes = [{"name": f"v{i}", "replica": 3} for i in range(6)]
    for tls, peers in ((False, {"a", "b", "c"}), (True, {"a"})):
        run = Run(FakePool("a", "b", "c"), {**THREE, "volumes": volumes, "tls": {"enabled": tls}})
        run()
        started = {peer for peer, what in run.pool.execs if "volume start" in what}
        assert started == peers
