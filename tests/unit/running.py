"""Runs of the hook on the in-memory pool, for the tests."""

from __future__ import annotations

from typing import Any

from hooks.gluster.model import Observed
from hooks.plan.state import HookState
from hooks.run.context import Pool, RunContext
from hooks.run.reconcile import reconcile
from hooks.run.report import Report
from hooks.values.model import Values
from hooks.values.parse import parse
from hooks.wait import Deadline
from tests.support.values import merged
from tests.unit.clock import FakeClock
from tests.unit.fake_pool import FakePool, FakeVolume
from tests.unit.fake_pool.data import lacking, readable, write

FILES = 6

PLAIN: dict[str, Any] = {"tls": {"enabled": False}}
"""Without the options that TLS gives each volume: what these tests are about is easier to see."""
THREE: dict[str, Any] = {
    **PLAIN,
    "nodes": [{"name": name, "address": f"10.0.0.{i}"} for i, name in enumerate("abc", start=1)],
    "volumes": [
        {"name": "newvol", "replica": 2, "nodes": ["a", "b"]},
        {"name": "safe", "replica": 3, "options": {"performance.cache-size": "64MB", "performance.nl-cache": True}},
    ],
}


def addresses(values: Values) -> dict[str, str]:
    """Node -> its address in values, drained ones last, as the hook asks them."""
    nodes = sorted(values.nodes, key=lambda node: node.drained)
    return {node.name: str(node.address) for node in nodes}


class Run:
    """One run of the hook against a pool, with what it recorded."""

    def __init__(self, pool: FakePool, raw: dict[str, Any], memory: HookState | None = None) -> None:
        self.pool = pool
        self.raw = raw
        self.values: Values = parse(merged({**PLAIN, **raw}))
        self.memory = memory or HookState()
        self.clock = FakeClock()
        self.report = Report(self.clock)
        self.seconds = 60.0

    def __call__(self) -> Observed:
        deadline = Deadline.after(self.seconds, self.clock)
        context = RunContext(self.values, deadline, self.report, lambda memory: setattr(self, "memory", memory))
        return reconcile(context, Pool(self.pool, self.addresses), self.memory)

    @property
    def addresses(self) -> dict[str, str]:
        return addresses(self.values)

    @property
    def text(self) -> str:
        return "\n".join(self.report.lines)


def write_to_all(pool: FakePool) -> None:
    """A client writes FILES files to each volume."""
    first = pool.peers["a"]
    assert all(write(first, volume, file) for volume in first.cluster.volumes.values() for file in range(FILES))


def is_whole(pool: FakePool, volume: FakeVolume) -> bool:
    """Whether nothing is left to heal, and every file is there."""
    first = pool.peers["a"]
    whole = not volume.healing and not list(lacking(first, volume))
    return whole and all(readable(first, volume, file) for file in volume.homes)
