"""What the hook learns of the pool and what that costs, on the in-memory pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

import pytest

from hooks.gluster.model import Observed
from hooks.gluster.observe import (
    observe,
    observe_each_peer,
    observe_every_view,
    observe_through_two,
    side_by_side,
)
from hooks.gluster.runner import PeerUnavailable, Runner
from hooks.plan.case import Case
from hooks.plan.model import Plan
from hooks.plan.state import HookState
from hooks.run.context import Pool
from hooks.run.reconcile import observe_and_plan
from hooks.values.parse import parse
from tests.support.values import merged
from tests.unit.fake_pool import FakePool
from tests.unit.fake_pool.peers import peer_probe

Way = Callable[[Runner, Mapping[str, str]], Observed]


def pooled(*names: str) -> FakePool:
    pool = FakePool(*names)
    first, *others = pool.peers.values()
    for peer in others:
        peer_probe(pool, first, [peer.address])
    peer_probe(pool, others[0], [first.address])
    return pool


def plan(pool: FakePool, addresses: dict[str, str], memory: HookState | None = None) -> tuple[Case, Plan]:
    raw: dict[str, Any] = {"nodes": [{"name": name, "address": address} for name, address in addresses.items()]}
    return observe_and_plan(Pool(pool, addresses), parse(merged(raw)), memory or HookState())


@pytest.mark.parametrize("peers", [2, 3, 60])
@pytest.mark.parametrize("way", [observe_through_two, observe_every_view])
def test_a_healthy_pool_costs_two_execs_at_any_size(peers: int, way: Way) -> None:
    pool = pooled(*(f"n{i}" for i in range(1, peers + 1)))
    observed = way(pool, pool.addresses)
    assert len(pool.execs) == 2
    assert [peer.uuid for peer in observed.peers] == [peer.uuid for peer in pool.peers.values()]
    assert all(peer.views is not None for peer in observed.peers) == (way is observe_every_view or peers == 2)


def test_every_way_to_look_at_a_healthy_pool_gives_the_same_facts() -> None:
    pool = pooled("a", "b", "c")
    create = "volume create v replica 3 10.0.0.1:/b/v 10.0.0.2:/b/v 10.0.0.3:/b/v\nvolume start v\n"
    pool.run("a", ["timeout", "9", "gluster", "--mode=script", "--xml"], create)
    looks = [way(pool, pool.addresses) for way in (observe_through_two, observe_every_view, observe_each_peer)]
    facts = [(o.reference_peer.uuid, o.pool_uuids, o.volumes, o.status, [p.uuid for p in o.peers]) for o in looks]
    assert facts == facts[:1] * 3
    assert [volume.name for volume in looks[0].volumes] == ["v"]
    assert [peer.at_address for peer in looks[2].peers] == [peer.uuid for peer in looks[2].peers]


@pytest.mark.parametrize(("host_network", "through"), [(True, "b"), (False, "a")])
def test_on_the_pod_network_the_first_peer_queries_the_others(host_network: bool, through: str) -> None:
    pool = pooled("a", "b", "c")
    nodes = [{"name": name} for name in pool.addresses]
    observed = observe(pool, pool.addresses, parse(merged({"nodes": nodes, "hostNetwork": host_network})))
    assert {peer for peer, _ in pool.execs} == {"a", through}
    assert observed.peers[2].views is None if host_network else len(observed.peers[2].views or ()) == 2


@pytest.mark.parametrize("way", [observe_through_two, observe_every_view])
def test_a_peer_that_is_away_is_named_before_anything_else_is_queried(way: Way) -> None:
    pool = pooled("a", "b", "c")
    pool.peers["c"].answers = False
    with pytest.raises(PeerUnavailable, match=r"a gets no connection to glusterd \(port 24007\) at 10\.0\.0\.3:"):
        way(pool, pool.addresses)
    assert len(pool.execs) == 1


def test_an_address_that_leads_to_a_glusterd_of_nobody_is_refused() -> None:
    pool = pooled("a", "b")
    pool.add("c", "10.0.0.3")
    stranger = FakePool("stranger", net="10.0.9.").peers["stranger"]
    pool.peers["stranger"] = stranger
    _, refused = plan(pool, {"a": "10.0.0.1", "b": "10.0.0.2", "c": stranger.address})
    assert tuple(map(str, refused.refusals)) == (
        f"c: its address 10.0.9.1 leads to another glusterd (none of these nodes, UUID {stranger.uuid}) than its own "
        f"(UUID {pool.peers['c'].uuid}). Correct `address`.",
    )


def test_addresses_that_were_exchanged_are_refused() -> None:
    pool = pooled("a", "b", "c", "d")
    memory = HookState(uuids={peer.name: peer.uuid for peer in pool.peers.values()})
    first = {"a": "10.0.0.2", "b": "10.0.0.1", "c": "10.0.0.3", "d": "10.0.0.4"}
    _, refused = plan(pool, first, memory)
    assert len(refused.refusals) == 2
    assert str(refused.refusals[0]).startswith("a: its address 10.0.0.2 leads to another glusterd (b, UUID ")
    last = {"a": "10.0.0.1", "b": "10.0.0.2", "c": "10.0.0.4", "d": "10.0.0.3"}
    _, refused = plan(pool, last, memory)
    assert [str(text).split(" leads")[0] for text in refused.refusals] == [
        "c: its address 10.0.0.4",
        "d: its address 10.0.0.3",
    ]


def test_a_hook_that_is_to_end_does_not_wait_for_what_runs() -> None:
    """Its record has to be written while its pod still lives."""
    begun, may_end, ended = Event(), Event(), Event()

    def work(item: str) -> None:
        if item == "told to end":
            begun.wait()
            raise SystemExit
        begun.set()
        may_end.wait()
        ended.set()

    with pytest.raises(SystemExit):
        side_by_side(work, ["told to end", "slow"])
    assert not ended.is_set()
    may_end.set()
