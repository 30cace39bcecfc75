"""Repairs, planned from snapshots."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hooks.gluster.model import Observed
from hooks.gluster.observe import observe_through_two
from hooks.plan import repair
from hooks.plan.case import Case
from hooks.plan.state import HookState
from hooks.values.model import Values
from hooks.values.parse import parse
from tests.support.values import merged
from tests.unit.fake_pool import FakePool


def snapshot(*volumes: str) -> tuple[FakePool, Values, Observed]:
    """A pool of two with these volumes, `m` and `n` in values; every daemon and brick runs."""
    pool = FakePool("a", "b")
    nodes = [{"name": name, "address": pool.peers[name].address} for name in "ab"]
    values = parse(merged({"nodes": nodes, "volumes": [{"name": name, "replica": 2} for name in ("m", "n")]}))
    session = ["timeout", "9", "gluster", "--mode=script", "--xml"]
    pool.run("a", session, "peer probe 10.0.0.2\npeer probe 10.0.0.1\n")
    pool.run("b", session, "peer probe 10.0.0.1\n")
    for name in volumes:
        create = f"volume create {name} replica 2 10.0.0.1:/mnt/brick1/{name} 10.0.0.2:/mnt/brick1/{name}"
        pool.run("a", session, f"{create}\nvolume start {name}\n")
    return pool, values, observe_through_two(pool, pool.addresses)


def without(observed: Observed, *rows: tuple[str, str, str]) -> Observed:
    """The snapshot with these processes (volume, path or host, UUID of the peer) not online."""
    gone = [replace(p, online=(p.volume, p.path, p.peer) not in rows) for p in observed.status.processes]
    return replace(observed, status=replace(observed.status, processes=tuple(gone)))


def planned(values: Values, observed: Observed) -> tuple[list[tuple[str, str]], list[str]]:
    """Where daemons are stopped, and the commands after that."""
    stop, start = repair.phases(repair.differences(Case(values, observed, HookState())))
    return [(step.peer, str(step)) for step in stop.steps], [str(step) for step in start.steps]


def test_a_self_heal_daemon_that_lost_a_volume_is_stopped_and_started_for_all_that_it_serves() -> None:
    pool, values, whole = snapshot("m", "n", "kept")
    assert planned(values, whole) == ([], [])
    lost = ("m", "10.0.0.2", pool.peers["b"].uuid)
    stops, starts = planned(values, without(whole, lost))
    assert stops == [("b", "stop-self-heal-daemon.sh")]
    assert sorted(starts) == [f"gluster volume start {name} force" for name in ("kept", "m", "n")]


@pytest.mark.parametrize("volume", ["n", "kept"])
def test_a_daemon_is_not_stopped_that_also_serves_what_must_not_be_started(volume: str) -> None:
    """Its brick is offline, and no folder was seen that shows the volume's id."""
    pool, values, whole = snapshot("m", "n", "kept")
    lost = ("m", "10.0.0.2", pool.peers["b"].uuid)
    brick = (volume, f"/mnt/brick1/{volume}", pool.peers["a"].uuid)
    assert planned(values, without(whole, lost, brick)) == ([], ["gluster volume start m force"])
