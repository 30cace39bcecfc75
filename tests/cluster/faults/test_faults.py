"""A pool through everything that happens to pools, one after the other, while fsync'd writers are at work.

Each test is one kind of fault on the pool that the ones before it have left. After each all that was acknowledged is
there, nothing is left to heal or to do. FAULT_ROUNDS is how often the whole list is gone through, on a new pool each
(`make faults`); without it a short one is, once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from testbed.cluster import Cluster
from tests.cluster.lab import CommandFailed, Lab, unique, until
from tests.cluster.load import Load, until_whole
from tests.cluster.loss import come_back_empty
from tests.cluster.mortal import Person
from tests.cluster.release import MAINTENANCE, Release, nodes

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "0"))
NUMBERS = range(3) if ROUNDS else (1,)
"""Of the three nodes, those that a fault which may hit any of them hits."""
whole_list = pytest.mark.skipif(not ROUNDS, reason="a fault of the whole list: FAULT_ROUNDS=1")
LONG = {"activeDeadlineSeconds": 600, "backoffLimit": 6}
Record = Callable[[str, object], None]


@dataclass
class Pool:
    """Three peers with a volume of each kind that stands one of them being away, and what is written into them."""

    lab: Lab
    release: Release
    machines: Cluster
    values: dict[str, Any]
    load: Load
    record: Record = lambda name, value: None

    @property
    def names(self) -> list[str]:
        return [volume["name"] for volume in self.values["volumes"]]

    @property
    def person(self) -> Person:
        return Person(self.lab, self.release)

    @contextmanager
    def during(self, fault: str, errors: bool = False) -> Iterator[None]:
        """The fault happens and is put right in the block; with `errors` what was not acknowledged may have failed."""
        began, before = time.monotonic(), self.load.checked
        failed = self.load.failed()
        with self.load.running():
            yield
        if not errors:
            assert self.load.failed() == failed
        until_whole(self.release, self.names, self.release.maintain)
        self.load.check()
        assert "Nothing to do" in self.plan()
        stall = max(self.load.stalls().values())
        words = f"{time.monotonic() - began:.0f} s, {self.load.checked - before} bytes, longest stall {stall:.1f} s"
        self.record("fault", (fault, self.load.checked - before, words))

    def plan(self) -> str:
        """What `python -m hooks plan` prints; it exits with 0, as nothing is left to do."""
        planned = self.release.plan(self.values)
        assert planned.returncode == 0, planned
        return planned.stdout

    def set(self, **values: Any) -> dict[str, Any]:
        self.values = {**self.values, **values}
        return self.values

    def each(self, volume: str, **more: Any) -> list[dict[str, Any]]:
        """The volumes, the one called `volume` with `more`."""
        return [{**v, **(more if v["name"] == volume else {})} for v in self.values["volumes"]]

    def with_node(self, name: str, **more: Any) -> list[dict[str, Any]]:
        """The nodes, the one called `name` with `more`."""
        return [{**n, **(more if n["name"] == name else {})} for n in self.values["nodes"]]


@pytest.fixture(scope="module", params=range(max(ROUNDS, 1)))
def whole(lab: Lab, namespace: str, machines: Cluster, four: list[str]) -> Iterator[Pool]:
    safe, lean, cold = unique("safe"), unique("lean"), unique("cold")
    first: dict[str, Any] = {"bricks": ["/mnt/brick1"]}
    values = {
        "nodes": nodes(four[:3], bricks=["/mnt/brick1", "/mnt/brick2"]),
        "volumes": [
            {"name": safe, "replica": 3, **first},
            {"name": lean, "replica": 2, "arbiter": 1, **first},
            {"name": cold, "disperse": 3, "redundancy": 1, **first},
        ],
        "hooks": LONG,
        "maintenance": MAINTENANCE,
    }
    with lab.hosts_state(namespace) as state:
        release = Release(lab, namespace, state=state)
        try:
            release.install(values)
            with lab.mounted(namespace, four[3], release.server, safe, lean, cold) as shell:
                yield Pool(lab, release, machines, values, Load(shell, (safe, lean, cold)))
        finally:
            release.uninstall()


@pytest.fixture
def pool(whole: Pool, record_property: Record) -> Pool:
    whole.record = record_property
    return whole


@pytest.mark.parametrize("number", NUMBERS)
def test_a_node_crashes_and_boots(pool: Pool, four: list[str], number: int) -> None:
    node, silent = four[number], number == 1
    with pool.during(f"{node} {'silently ' if silent else ''}loses its power and boots"):
        pool.machines.crash(node, silent=silent)
        pool.load.gets_on()
        pool.machines.boot(node)
        until_ready(pool, node)


@whole_list
@pytest.mark.parametrize("number", NUMBERS)
def test_a_peer_s_pod_is_deleted(pool: Pool, four: list[str], number: int) -> None:
    release, node = pool.release, four[number]
    with pool.during(f"the pod of {node} is deleted"):
        before = release.uids()
        pool.lab.kubectl("delete", "pod", "-n", release.namespace, release.peers()[node])
        until("another pod is there", partial(another_pod, release, before))
        until_ready(pool, node)


@whole_list
def test_glusterd_alone_ends(pool: Pool, four: list[str]) -> None:
    with pool.during("glusterd ends, its bricks go on"):
        before = starts(pool, four[0])
        with suppress(CommandFailed):  # the container may end before the shell in it
            pool.release.in_peer(four[0], "bash", "-c", KILL, "bash", "TERM", "*glusterd *")
        until("the container has started anew", lambda: starts(pool, four[0]) > before)
        until_ready(pool, four[0])


@whole_list
def test_a_brick_s_process_is_killed(pool: Pool, four: list[str]) -> None:
    volume = pool.names[0]
    with pool.during("a brick's process is killed"):
        pool.release.in_peer(four[1], "bash", "-c", KILL, "bash", "KILL", f"*glusterfsd * {volume}.*")
        until("the brick is offline", lambda: offline(pool, volume))
        pool.load.gets_on()
        assert "was offline and has been started" in pool.release.maintain()


@whole_list
def test_a_link_is_cut_and_mended(pool: Pool, four: list[str]) -> None:
    with pool.during(f"the network of {four[2]} is cut and mended"):
        pool.machines.cut(four[2], "all")
        pool.load.gets_on()
        pool.machines.mend(four[2])
        until_ready(pool, four[2])


@whole_list
def test_a_brick_is_full(pool: Pool, four: list[str]) -> None:
    """A brick less, as everything that grows is refused there; but what was acknowledged has its other copies."""
    ballast = (
        "fallocate -l $(($(df --output=avail -B1 . | tail -n 1) - 8000000)) ballast; cat /dev/zero >> ballast || true"
    )
    with pool.during(f"the file system of {four[1]} is full", errors=True):
        pool.release.in_peer(four[1], "bash", "-c", f"cd /mnt/brick1; {ballast}")
        pool.load.gets_on()
        pool.release.in_peer(four[1], "rm", "/mnt/brick1/ballast")


def test_a_rolling_upgrade(pool: Pool) -> None:
    with pool.during("helm upgrade with another pod template"):
        printed = pool.release.upgrade(pool.set(peers={"podAnnotations": {"round": "one"}}))
        assert "3 of 3 peers get a changed pod" in printed


@whole_list
def test_the_hook_is_killed_at_every_step_of_a_rollout(pool: Pool) -> None:
    release = pool.release
    pods = release.uids()
    selector = f"batch.kubernetes.io/job-name={release.fullname}-converge"
    kill = ("delete", "pod", "-n", release.namespace, "-l", selector, "--grace-period=0", "--force")
    with pool.during("the hook is killed after each restart of a rollout"), ThreadPoolExecutor(1) as background:
        helm = background.submit(release.upgrade, pool.set(peers={"podAnnotations": {"round": "two"}}))
        for _ in pods:
            seen = release.uids()
            until("a further peer has a changed pod", partial(another_pod, release, seen), 240)
            pool.lab.kubectl(*kill)
        helm.result()
    assert all(pods[name] != uid for name, uid in release.uids().items())


@whole_list
def test_a_node_loses_its_state(pool: Pool, four: list[str]) -> None:
    node, uuids = four[2], pool.release.uuids()
    with pool.during("a node's state is lost, and the hook killed at every step of its rebuild"):
        come_back_empty(pool.release, pool.machines, node)
        with pytest.raises(CommandFailed, match=f"{node} .* was in the pool as peer {uuids[node]}"):
            pool.release.upgrade(pool.values)
        _, deaths = pool.person.hook_that_dies_at_every_step(pool.set(nodes=pool.with_node(node, rebuild="once")))
        assert deaths >= 1
    assert pool.release.uuids() == uuids


@whole_list
def test_a_brick_s_data_is_lost(pool: Pool, four: list[str]) -> None:
    node, volume = four[1], pool.names[0]
    with pool.during("a brick's data is lost, and the hook killed at every step of its rebuild"):
        lose = "cd /mnt/brick1; mv $1 lost; while ! rm -rf lost; do sleep 0.1; done"
        pool.release.in_peer(node, "bash", "-c", lose, "bash", volume)
        until("the brick sees it", lambda: offline(pool, volume))
        with pytest.raises(CommandFailed, match="rebuild"):
            pool.release.upgrade(pool.values)
        _, deaths = pool.person.hook_that_dies_at_every_step(pool.set(nodes=pool.with_node(node, rebuild="once")))
        assert deaths >= 1


@whole_list
def test_a_volume_grows(pool: Pool) -> None:
    both = pool.each(pool.names[0], bricks=["/mnt/brick1", "/mnt/brick2"])
    with pool.during("a volume grows, and the hook is killed at every step"):
        _, deaths = pool.person.hook_that_dies_at_every_step(pool.set(volumes=both))
        assert deaths == 2


@whole_list
def test_a_node_is_drained_and_replaced(pool: Pool, four: list[str]) -> None:
    old, new = four[2], four[3]
    entries = [*pool.with_node(old, state="drained"), *nodes([new], bricks=["/mnt/brick1", "/mnt/brick2"])]
    with pool.during("a node is drained and replaced, and the hook killed at every step"):
        pool.release.upgrade(pool.set(nodes=entries), "--no-hooks")
        until_ready(pool, new)
        _, deaths = pool.person.hook_that_dies_at_every_step(pool.values)
        assert deaths >= 5
        pool.release.upgrade(pool.set(nodes=[entry for entry in entries if entry["name"] != old]))
    for volume in pool.names:
        assert old not in pool.release.on(volume)


def test_all_that_was_acknowledged_is_there(pool: Pool, record_property: Record) -> None:
    pool.load.check_all(pool.release.server)
    record_property("checked", pool.load.checked)


# Sends a signal to each process whose command line is like a pattern; the image has no pkill.
KILL = """
for process in /proc/[0-9]*; do
  line=$(tr '\\0' ' ' < $process/cmdline) || continue
  [[ $process != /proc/1 && $process != /proc/$$ && $line == $2 ]] && kill -$1 ${process#/proc/}
done
true
"""


def another_pod(release: Release, before: dict[str, str]) -> bool:
    now = release.uids()
    return now.keys() == before.keys() and now != before


def until_ready(pool: Pool, node: str) -> None:
    """Wait until the peer's pod is there, its glusterd answers, and Kubernetes knows, which takes a cut node longer."""
    until(f"the peer on {node} answers", lambda: answers(pool, node), 180)
    pool.release.wait_ready(node)


def answers(pool: Pool, node: str) -> bool:
    try:
        return "UUID" in pool.release.gluster("pool", "list", node=node)
    except (CommandFailed, KeyError):
        return False


def offline(pool: Pool, volume: str) -> bool:
    """Whether a brick of the volume is."""
    return any(process.is_brick and not process.online for process in pool.release.processes(volume))


def starts(pool: Pool, node: str) -> int:
    """How often the container of the node's peer was started again."""
    pod = pool.lab.get("pod", pool.release.peers()[node], "-n", pool.release.namespace)
    return sum(int(status["restartCount"]) for status in pod["status"]["containerStatuses"])
