"""Repairs, planned from snapshots."""

from __future__ import annotations

from dataclasses import replace

from hooks import plan_repair
from hooks.observe import observe
from hooks.pool import Process
from hooks.values_file import merged
from hooks.values_parse import parse
from tests.unit.fake_pool import FakePool


def test_a_self_heal_daemon_that_lost_a_volume_is_stopped_before_the_start() -> None:
    pool = FakePool("a", "b")
    nodes = [{"name": name, "address": pool.peers[name].address} for name in "ab"]
    values = parse(merged({"nodes": nodes, "volumes": [{"name": "m", "replica": 2}]}))
    session = ["timeout", "9", "gluster", "--mode=script", "--xml"]
    create = "volume create m replica 2 10.0.0.1:/mnt/brick1/m 10.0.0.2:/mnt/brick1/m"
    pool.run("a", session, f"peer probe 10.0.0.2\npeer probe 10.0.0.1\n{create}\nvolume start m\n")
    pool.run("b", session, "peer probe 10.0.0.1\n")
    whole = observe(pool, pool.addresses)
    assert not any(phase.steps for phase in plan_repair.decide(values, whole).phases)
    lost = Process("m", "Self-heal Daemon", "10.0.0.2", pool.peers["b"].uuid, online=False, port="N/A", pid="-1")
    broken = replace(whole, status=replace(whole.status, processes=(*whole.status.processes, lost)))
    stop, start = plan_repair.decide(values, broken).phases
    assert [(step.peer, step.shell) for step in stop.steps] == [("b", True)]
    assert [step.command for step in start.steps] == ["volume start m force"]
