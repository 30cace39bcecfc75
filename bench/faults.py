"""What faults cost: the longest stall of writers in a rolling upgrade, and how long a lost node takes to rebuild."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.table import table
from testbed import cluster
from tests.cluster.lab import Lab, unique
from tests.cluster.load import Load, until_whole
from tests.cluster.loss import come_back_empty
from tests.cluster.release import Release, nodes

KINDS: dict[str, dict[str, int]] = {
    "replica 3": {"replica": 3},
    "replica 2 arbiter 1": {"replica": 2, "arbiter": 1},
    "disperse 3 redundancy 1": {"disperse": 3, "redundancy": 1},
}
GIGABYTE = 1000
"""Files of a megabyte."""


def faults(lab: Lab) -> str:
    """The tables. The test bed must be the native one: nodes lose their power."""
    return f"{_rollout(lab)}\n\n{_rebuilds(lab)}"


@contextmanager
def _release(lab: Lab, *volumes: dict[str, Any]) -> Iterator[tuple[Release, dict[str, Any]]]:
    """A release with these volumes, in the state folder that the test bed can blank, and its values."""
    values = {"nodes": nodes(lab.workers[:3]), "volumes": list(volumes), "hooks": {"activeDeadlineSeconds": 900}}
    with lab.namespace() as namespace, lab.hosts_state(namespace) as state:
        release = Release(lab, namespace, state=state)
        try:
            release.install(values)
            yield release, values
        finally:
            release.uninstall()


def _rollout(lab: Lab) -> str:
    rows: list[tuple[str, ...]] = [("rolling upgrade of 3 peers under fsync'd writers", "longest stall", "failed")]
    volumes = {kind: unique("v") for kind in KINDS}
    made = [{"name": volumes[kind], **words} for kind, words in KINDS.items()]
    with _release(lab, *made) as (release, values), _mounted(lab, release, *volumes.values()) as shell:
        load = Load(shell, list(volumes.values()))
        with load.running():
            load.stalls()
            began = time.monotonic()
            release.upgrade({**values, "peers": {"podAnnotations": {"round": "two"}}})
            took = time.monotonic() - began
        load.check()
        failed, stalls = load.failed().splitlines(), load.stalls()
    for kind, name in volumes.items():
        count = sum(line.startswith(f"{name}/w") for line in failed)
        rows.append((kind, f"{stalls[name]:.1f} s", str(count)))
    print(f"  rolling upgrade: {took:.0f} s", flush=True)
    return table([*rows, ("the upgrade, all healed", f"{took:.0f} s", "")])


def _rebuilds(lab: Lab) -> str:
    machines = cluster.current()
    rows = [("rebuild of a node, 1 GB on replica 3", "from `helm upgrade` to healed")]
    for lost in ("its state", "its state and its bricks"):
        volume = unique("v")
        with _release(lab, {"name": volume, "replica": 3}) as (release, values):
            with _mounted(lab, release, volume) as shell:
                shell(f"for i in $(seq {GIGABYTE}); do head -c 1000000 /dev/urandom > /data/{volume}/f$i; done")
            come_back_empty(release, machines, lab.workers[2], bricks="bricks" in lost)
            word = [*values["nodes"][:2], {**values["nodes"][2], "rebuild": "once"}]
            began = time.monotonic()
            release.upgrade({**values, "nodes": word})
            until_whole(release, [volume], lambda: None)
            rows.append((f"{lost} lost", f"{time.monotonic() - began:.0f} s"))
            print(f"  {', '.join(rows[-1])}", flush=True)
            with _mounted(lab, release, volume) as shell:
                shell(f"rm /data/{volume}/f*")  # bricks stay on the nodes, and the next round needs the room
    return table(rows)


def _mounted(lab: Lab, release: Release, *volumes: str) -> Any:
    return lab.mounted(release.namespace, lab.workers[0], release.server, *volumes)
