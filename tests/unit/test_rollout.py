"""Peers get a changed pod one at a time, never while the pool is not whole, never when a volume would be away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from hooks.gluster.observe import observe_through_two
from hooks.gluster.runner import ExecResult
from hooks.kube.pods import PeerPod
from hooks.plan import sentences
from hooks.plan.availability import unavailable_without
from hooks.plan.state import HookState
from hooks.run import reconcile as reconciling
from hooks.run import whole
from hooks.run.context import Pool, RunContext
from hooks.run.endings import OutOfTime, Refused
from hooks.run.reconcile import reconcile
from hooks.run.report import Report
from hooks.run.rollout import roll_out
from hooks.values.parse import parse
from hooks.wait import Deadline
from tests.support.values import merged
from tests.unit.clock import FakeClock
from tests.unit.fake_pool import FakePool

NODES = [{"name": name, "address": f"10.0.0.{i}"} for i, name in enumerate("abc", start=1)]


@pytest.fixture(autouse=True)
def _one_look_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "CONSECUTIVE_CHECKS", 1)


class Cluster:
    """Pods of older values that are made anew when they are deleted."""

    def __init__(self, volumes: list[dict[str, Any]], **values: Any) -> None:
        self.pool = FakePool("a", "b", "c")
        clock = FakeClock()
        wanted = parse(merged({"nodes": NODES, "volumes": volumes, **values}))
        self.context = RunContext(wanted, Deadline.after(reconciling.REPAIR_SECONDS - 1, clock), Report(clock))
        self.observed = reconcile(self.context, Pool(self.pool, self.pool.addresses), HookState())
        self.outdated = ["a", "b", "c"]
        self.deleted: list[str] = []

    def look(self) -> list[PeerPod]:
        return [PeerPod(n, f"gluster-{n}-0", "10.0.0.1", "", outdated=n in self.outdated) for n in "abc"]

    def delete(self, pod: str) -> None:
        node = pod.split("-")[1]
        self.deleted.append(node)
        self.outdated.remove(node)

    def runner(self, pods: Sequence[PeerPod]) -> FakePool:
        return self.pool

    def roll(self) -> list[PeerPod]:
        return roll_out(self.context, self, self.look(), self.pool.addresses)


def test_one_after_the_other_in_the_order_of_values() -> None:
    cluster = Cluster([{"name": "safe", "replica": 3}])
    assert not any(pod.outdated for pod in cluster.roll())
    assert cluster.deleted == ["a", "b", "c"]


def test_nothing_is_restarted_when_no_pod_is_outdated() -> None:
    cluster = Cluster([{"name": "safe", "replica": 3}])
    cluster.outdated = []
    execs = len(cluster.pool.execs)
    cluster.roll()
    assert len(cluster.pool.execs) == execs


def test_a_volume_that_would_be_away_stops_it_before_the_first_peer() -> None:
    cluster = Cluster([{"name": "once"}, {"name": "safe", "replica": 3}])
    with pytest.raises(Refused, match=r"without a a part of the volume once \(distributed\) is away"):
        cluster.roll()
    assert cluster.deleted == []
    allowed = Cluster([{"name": "once"}], rollout={"allowDowntime": True})
    allowed.roll()
    assert allowed.deleted == ["a", "b", "c"]


@pytest.mark.parametrize("amiss", ["to heal", "offline", "away", "data on the move"])
def test_no_peer_is_restarted_while_the_pool_is_not_whole(amiss: str) -> None:
    cluster = Cluster([{"name": "safe", "replica": 3}])
    volume = cluster.pool.peers["a"].cluster.volumes["safe"]
    if amiss == "to heal":
        volume.healing = 10**9
    elif amiss == "offline":
        volume.bricks[2].online = False
    elif amiss == "data on the move":
        volume.removing, volume.to_move = volume.bricks, 10**9
    else:
        cluster.pool.peers["c"].answers = False
    with pytest.raises(OutOfTime, match="No peer is restarted until the pool is whole"):
        cluster.roll()
    assert cluster.deleted == []


def test_a_heal_that_stands_still_is_asked_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "ASK_SECONDS", 0)
    cluster = Cluster([{"name": "safe", "replica": 3}])
    volume = cluster.pool.peers["a"].cluster.volumes["safe"]
    volume.healing = 10**9
    run = cluster.pool.run

    def run_and_heal(peer: str, argv: Sequence[str], stdin: str = "", timeout: float = 60) -> ExecResult:
        if list(argv[-2:]) == ["heal.sh", "safe"]:
            volume.healing = 0
        return run(peer, argv, stdin, timeout)

    cluster.pool.run = run_and_heal  # type: ignore[method-assign]
    cluster.roll()
    assert cluster.deleted == ["a", "b", "c"]


def test_the_second_peer_waits_until_the_first_has_healed() -> None:
    cluster = Cluster([{"name": "safe", "replica": 3}])
    volume = cluster.pool.peers["a"].cluster.volumes["safe"]
    delete = cluster.delete

    def delete_and_miss_writes(pod: str) -> None:
        assert volume.healing == 0, "the one before has healed"
        delete(pod)
        volume.healing = 5

    cluster.delete = delete_and_miss_writes  # type: ignore[method-assign]
    cluster.roll()
    assert cluster.deleted == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("volume", "harmed"),
    [
        ({"replica": 3}, False),
        ({"replica": 2, "nodes": ["a", "b"]}, False),
        ({"replica": 2, "arbiter": 1}, False),
        ({"disperse": 3, "redundancy": 1}, False),
        ({}, True),
        ({"nodes": ["b"]}, False),
    ],
)
def test_which_volumes_survive_a_peer_away(volume: dict[str, Any], harmed: bool) -> None:
    cluster = Cluster([{"name": "v", **volume}])
    assert bool([*unavailable_without("a", cluster.observed)]) is harmed


class Blocked(Cluster):
    """Peers whose bricks are offline until they are restarted, as after a change that their old pods cannot take."""

    def __init__(self, volumes: list[dict[str, Any]], broken: dict[str, str], **values: Any) -> None:
        super().__init__(volumes, **values)
        for node, names in broken.items():
            for name in names.split():
                volume = self.pool.peers["a"].cluster.volumes[name]
                next(b for b in volume.bricks if b.host == self.pool.peers[node].address).online = False

    def delete(self, pod: str) -> None:
        super().delete(pod)
        for volume in self.pool.peers["a"].cluster.volumes.values():
            for brick in volume.bricks:
                if brick.host == self.pool.peers[self.deleted[-1]].address:
                    brick.online = True


def test_several_outdated_peers_with_offline_bricks_are_restarted_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(whole, "REPAIR_SECONDS", 0)
    cluster = Blocked([{"name": "safe", "replica": 3}], {"b": "safe", "c": "safe"})
    cluster.roll()
    assert cluster.deleted == ["b", "c", "a"]
    assert "b is back, what is still wrong lies on c" in "\n".join(cluster.context.report.lines)


def test_of_several_that_one_is_restarted_first_that_serves_nothing_the_others_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(whole, "REPAIR_SECONDS", 0)
    volumes = [{"name": "one", "replica": 3}, {"name": "two", "replica": 3}]
    cluster = Blocked(volumes, {"b": "one", "c": "one two"})
    cluster.roll()
    assert cluster.deleted == ["c", "b", "a"], "b serves `two`, which misses c's brick already"
    crossed = Blocked(volumes, {"b": "one", "c": "two"})
    with pytest.raises(OutOfTime, match="No peer is restarted until the pool is whole"):
        crossed.roll()
    assert crossed.deleted == []


def test_an_offline_brick_on_a_peer_that_is_up_to_date_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "REPAIR_SECONDS", 0)
    cluster = Blocked([{"name": "safe", "replica": 3}], {"b": "safe", "c": "safe"})
    cluster.outdated = ["a", "b"]
    with pytest.raises(OutOfTime, match="No peer is restarted until the pool is whole"):
        cluster.roll()
    assert cluster.deleted == []


@pytest.mark.parametrize(("names", "ratio", "harmed"), [("ab", "", True), ("abc", "", False), ("abc", "70%", True)])
def test_server_quorum_counts(names: str, ratio: str, harmed: bool) -> None:
    """Two peers of which one is away are no majority: the other one stops its bricks."""
    cluster = Cluster([{"name": "v", "replica": 2, "nodes": ["a", "b"]}])
    options = cluster.pool.peers["a"].cluster.volumes["v"].options
    options["cluster.server-quorum-type"] = "server"
    if ratio:
        options["cluster.server-quorum-ratio"] = ratio
    if "c" not in names:
        cluster.pool.peers["a"].cluster.members.pop()
    observed = observe_through_two(cluster.pool, {name: cluster.pool.peers[name].address for name in names})
    found = list(unavailable_without("b", observed))
    assert bool(found) is harmed
    assert not harmed or "the volume v stops below" in sentences.words(found[0])[0]


def test_one_look_that_shows_nothing_to_heal_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor where a peer is to be restarted for what is amiss on it: straight after a start a 0 can be premature."""
    monkeypatch.setattr(whole, "REPAIR_SECONDS", 0)
    monkeypatch.setattr(whole, "CONSECUTIVE_CHECKS", 3)
    cluster = Blocked([{"name": "one", "replica": 3}, {"name": "two", "replica": 3}], {"c": "one"})
    volume = cluster.pool.peers["a"].cluster.volumes["two"]
    volume.healing, volume.premature = 10**9, 2
    with pytest.raises(OutOfTime, match="No peer is restarted until the pool is whole"):
        cluster.roll()
    assert cluster.deleted == []
