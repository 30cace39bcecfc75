"""Looks after the in-memory pool between upgrades."""

from __future__ import annotations

from typing import Any

import pytest

from hooks.kube.pods import PeerPod
from hooks.plan.state import HookState, MaintenanceState
from hooks.run import maintain as module
from hooks.run.context import RunContext
from hooks.run.maintain import Outcome, maintain
from hooks.run.repairs import MaintenanceRun
from hooks.run.report import Report
from hooks.values.parse import parse
from hooks.wait import Deadline
from tests.support.values import merged
from tests.unit.clock import FakeClock
from tests.unit.fake_pool import FakePool, FakeVolume
from tests.unit.running import PLAIN, Run

VALUES: dict[str, Any] = {
    "nodes": [{"name": name, "address": f"10.0.0.{i}"} for i, name in enumerate("abc", start=1)],
    "volumes": [
        {"name": "v", "replica": 3, "options": {"performance.nl-cache": True}},
        {"name": "w", "disperse": 3, "redundancy": 1},
    ],
}
READS = ("system:: uuid get", "peer status", "volume info", "volume status", "volume heal v info", "volume heal w info")


class Kept:
    """A pool that the hook has made, and the record from one look after it to the next."""

    def __init__(self) -> None:
        self.pool = FakePool("a", "b", "c")
        run = Run(self.pool, VALUES)
        run()
        self.memory: HookState = run.memory
        self.before = MaintenanceState()
        self.problems: dict[str, str] = {}

    def volume(self, name: str) -> FakeVolume:
        return self.pool.peers["a"].cluster.volumes[name]

    def maintain(self, **changes: Any) -> Outcome:
        self.pool.execs, self.pool.commands = [], []
        values = parse(merged({**PLAIN, **VALUES, **changes}))
        pods = [
            PeerPod(node.name, f"gluster-{node.name}-0", "", self.problems.get(node.name, "")) for node in values.nodes
        ]
        clock = FakeClock()
        context = RunContext(values, Deadline.after(60, clock), Report(clock))
        addresses = {node.name: str(node.address) for node in values.nodes}
        outcome = maintain(MaintenanceRun(context, self.pool, pods, addresses, self.memory, self.before))
        self.before = outcome.state
        return outcome

    @property
    def changes(self) -> list[str]:
        """Commands that are more than a look; scripts are among the outcome's steps."""
        return [command for command in self.pool.commands if not command.startswith(READS)]


@pytest.fixture
def kept(no_waiting: None, monkeypatch: pytest.MonkeyPatch) -> Kept:
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0)
    monkeypatch.setattr(module, "READ_SECONDS", 0)
    return Kept()


def reasons(outcome: Outcome) -> list[tuple[str, str]]:
    return [(finding.kind, finding.node) for finding in outcome.findings]


def test_a_healthy_pool_costs_three_execs_and_nothing_is_said(kept: Kept) -> None:
    outcome = kept.maintain()
    assert outcome.text() == "All is well: the pool of 3 peers has every brick online, and nothing is to heal."
    assert len(kept.pool.execs) == 3
    assert not kept.changes


def test_an_offline_brick_is_started_once_its_folder_proves_to_be_the_volume_s(kept: Kept) -> None:
    brick = kept.volume("v").bricks[1]
    brick.online = False
    outcome = kept.maintain()
    assert reasons(outcome) == [("BrickStarted", "b")]
    assert outcome.headline == "Looked after the pool of 3 peers: 1 put right, 0 findings."
    assert "volume start v force" in kept.pool.commands
    assert brick.online


def test_a_brick_on_a_blank_folder_is_only_reported(kept: Kept) -> None:
    brick = kept.volume("v").bricks[1]
    brick.online = False
    kept.pool.peers["b"].folder(brick.path).update(kind="absent", id="", data="no")
    outcome = kept.maintain()
    assert reasons(outcome) == [("BrickOffline", "b")]
    assert "b:/mnt/brick1/v: the brick of v is offline and its folder does not show" in outcome.text()
    assert not [command for command in kept.pool.commands if command.startswith("volume start")]


@pytest.mark.parametrize("hindrance", ["a peer's pod", "a peer", "planOnly"])
def test_nothing_is_changed_while_a_peer_is_away_or_values_forbid_it(kept: Kept, hindrance: str) -> None:
    brick = kept.volume("v").bricks[1]
    brick.online = False
    kept.volume("w").healing = 5
    away = hindrance != "planOnly"
    if away:
        kept.pool.peers["c"].answers = False
    if hindrance == "a peer's pod":
        kept.problems["c"] = "its node is not Ready: the node or its kubelet is away"
    outcome = kept.maintain(hooks={"planOnly": not away})
    assert ("PeerDisconnected", "c") in reasons(outcome) or not away
    assert not [command for command in kept.pool.commands if command.startswith("volume start")]
    assert not outcome.steps
    assert not outcome.failed
    assert not [finding for finding in outcome.findings if finding.resolved]


def test_a_peer_that_is_away_is_named_once_and_its_bricks_are_not(kept: Kept) -> None:
    kept.problems["c"] = "its container ended: exit code 1"
    kept.pool.peers["c"].answers = False
    outcome = kept.maintain()
    assert reasons(outcome) == [("PeerDisconnected", "c")]
    assert "The peer on c is not Ready: its container ended: exit code 1." in outcome.text()


def test_a_node_that_is_silently_gone_is_named_and_volumes_are_not_locked(kept: Kept) -> None:
    kept.pool.peers["c"].answers = False
    outcome = kept.maintain()
    assert reasons(outcome) == [("PeerDisconnected", "c")]
    assert outcome.headline == "The pool was not looked at, for a peer is away: 1 finding."
    assert "volume status" not in kept.pool.commands


def test_without_any_peer_it_fails(kept: Kept) -> None:
    kept.problems = dict.fromkeys("abc", "its container is being made")
    assert kept.maintain().failed
    assert not kept.pool.execs


def test_a_pool_that_cannot_be_read_is_a_failure_that_is_said(kept: Kept) -> None:
    kept.pool.lose_connection = lambda number: True
    outcome = kept.maintain()
    assert outcome.failed
    assert outcome.text().splitlines() == [
        "The pool could not be looked at: 1 finding.",
        "  - The pool cannot be read: the connection was lost.",
    ]


def test_a_node_that_no_hook_has_joined_yet_is_no_peer_that_is_away(kept: Kept) -> None:
    kept.problems["d"] = "its container is being made"
    outcome = kept.maintain(nodes=[*VALUES["nodes"], {"name": "d", "address": "10.0.0.4"}])
    assert reasons(outcome) == [("PoolDrift", "")]
    assert "`helm upgrade` would do: gluster peer probe 10.0.0.4" in outcome.text()


def test_a_heal_is_asked_for_and_one_that_does_not_shrink_is_said(kept: Kept) -> None:
    kept.volume("v").healing = 7
    first = kept.maintain()
    assert reasons(first) == [("HealTriggered", "")]
    assert any(step.endswith(": heal.sh v") for step in first.steps)
    assert first.state.to_heal == {"v": 18}
    second = kept.maintain()
    assert reasons(second) == [("HealTriggered", "")], "15 are less than 18"
    kept.volume("v").healing = 9
    third = kept.maintain()
    assert reasons(third) == [("HealTriggered", ""), ("HealStalled", "")]
    assert "v has 24 entries to heal, 15 entries when last looked at" in third.text()
    kept.volume("v").healing = 0
    assert kept.maintain().state.to_heal == {}


def test_split_brain_is_said_with_its_entries(kept: Kept) -> None:
    kept.volume("v").split = [f"/f{i}" for i in range(7)]
    outcome = kept.maintain()
    assert reasons(outcome) == [("SplitBrain", "")]
    assert "v has 7 entries in split-brain: /f0, /f1, /f2, /f3, /f4, and 2 more." in outcome.text()


def test_a_full_file_system_is_said_once_for_all_its_bricks(kept: Kept) -> None:
    kept.pool.peers["b"].free = 15
    assert reasons(kept.maintain()) == [("BrickFull", "b")]
    (finding,) = kept.maintain().findings
    assert str(finding).startswith("b:/mnt/brick1 is 85 % full, 15.0 GiB are free (bricks of v and w).")
    assert kept.maintain(maintenance={"diskUsageThreshold": 86}).findings == ()


def test_an_option_changed_by_hand_is_said_and_left(kept: Kept) -> None:
    kept.volume("v").options["performance.nl-cache"] = "off"
    outcome = kept.maintain()
    assert reasons(outcome) == [("OptionDrift", "")]
    assert "Options of v differ from the values: performance.nl-cache is off, the values ask for on." in outcome.text()
    assert kept.volume("v").options["performance.nl-cache"] == "off"


def test_a_volume_deleted_by_hand_is_said_and_not_made_again(kept: Kept) -> None:
    del kept.pool.peers["a"].cluster.volumes["w"]
    for peer in kept.pool.peers.values():
        peer.folders = {}
    outcome = kept.maintain()
    assert "`helm upgrade` would do: gluster volume create w disperse 3" in outcome.text()
    assert "w" not in kept.pool.peers["a"].cluster.volumes


@pytest.mark.parametrize("odd", "abc")
def test_the_odd_peer_is_named_with_the_volume_that_differs(kept: Kept, odd: str) -> None:
    kept.pool.peers[odd].odd = True
    outcome = kept.maintain()
    assert reasons(outcome) == [("PeerRejected", odd)]
    others = " and ".join(sorted({*"abc"} - {odd}))
    assert f"{odd} is rejected by {others}: the checksum of the volume v (version 3) differs" in outcome.text()
    assert f"differs, 111 on {others} and 222 on {odd}" in outcome.text()
    assert "`maintenance.repairRejected: true`" in outcome.text()
    assert kept.pool.peers[odd].odd


def test_a_peer_that_lost_its_state_folder_is_named_and_left(kept: Kept) -> None:
    kept.pool.blank("c")
    outcome = kept.maintain(maintenance={"repairRejected": True})
    assert reasons(outcome) == [("PeerDisconnected", "c"), ("UpgradeBlocked", "c")]
    assert "c (10.0.0.3) was in the pool as peer" in outcome.text()
    assert not kept.changes
    assert not outcome.steps


def test_the_odd_peer_is_repaired_where_values_want_it_but_not_twice(kept: Kept) -> None:
    kept.pool.peers["c"].odd = True
    wanted = {"maintenance": {"repairRejected": True}}
    first = kept.maintain(**wanted)
    assert reasons(first)[0] == ("PeerRepaired", "c")
    assert not kept.pool.peers["c"].odd
    kept.pool.peers["c"].odd = True
    second = kept.maintain(**wanted)
    assert reasons(second) == [("PeerRejected", "c")]
    assert "It was repaired once and is rejected again" in second.text()
    kept.pool.peers["c"].odd = False
    assert kept.maintain(**wanted).findings == ()
    assert kept.before.repaired == ()


@pytest.mark.parametrize(
    ("why", "says"),
    [
        ("heal", "its bricks of v have something to heal on others"),
        ("offline", "the brick 10.0.0.2:/mnt/brick1/v of v is offline"),
        ("two", "Nobody can tell which one is right"),
    ],
)
def test_an_odd_peer_that_is_needed_is_left_alone(kept: Kept, why: str, says: str) -> None:
    kept.pool.peers["c"].odd = True
    kept.volume("v").healing = 9 * (why == "heal")
    kept.volume("v").bricks[1].online = why != "offline"
    if why == "two":
        kept.pool.peers.pop("b")
        kept.memory = HookState(uuids={n: u for n, u in kept.memory.uuids.items() if n != "b"})
        kept.pool.peers["a"].cluster.members[:] = list(kept.pool.peers.values())
        kept.pool.peers["a"].cluster.volumes.clear()
        two = {"nodes": [VALUES["nodes"][0], VALUES["nodes"][2]], "volumes": []}
    outcome = kept.maintain(maintenance={"repairRejected": True}, **(two if why == "two" else {}))
    assert says in outcome.text()
    assert kept.pool.peers["c"].odd


@pytest.mark.parametrize("word", ["", "once"])
def test_nothing_is_done_while_a_peer_has_lost_its_state(kept: Kept, word: str) -> None:
    """Also where values have a word for its rebuild already: that is the next upgrade's work."""
    kept.volume("v").healing = 2
    kept.pool.blank("c")
    nodes = VALUES["nodes"]
    outcome = kept.maintain(nodes=[*nodes[:2], {**nodes[2], "rebuild": word}])
    assert outcome.steps == ()
