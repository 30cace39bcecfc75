"""How long a plan takes to make for a large pool: pure computing over a snapshot of the in-memory pool."""

from __future__ import annotations

import contextlib
import io
import statistics
import time
from typing import Any

from bench.table import table
from hooks.gluster.observe import observe_through_two, with_folders
from hooks.plan.build import bricks_to_inspect, make_plan
from hooks.plan.case import Case
from hooks.plan.state import HookState
from hooks.run.context import Pool, RunContext
from hooks.run.reconcile import reconcile
from hooks.run.report import Report
from hooks.values.model import Values
from hooks.values.parse import parse
from hooks.wait import Deadline
from tests.support.values import merged
from tests.unit.fake_pool import FakePool

SIZES = ((25, 250), (50, 500), (100, 1000))
"""Peers and volumes, each pair twice the one before."""


def planning() -> str:
    """The table: an install, nothing to do, and an expansion of every volume by a set."""
    rows = [("planning", "peers", "volumes", "steps", "CPU seconds")]
    for peers, volumes in SIZES:
        pool = FakePool(*(f"n{i}" for i in range(1, peers + 1)))
        wanted, more = _values(pool, volumes, ["/mnt/brick1"]), _values(pool, volumes, ["/mnt/brick1", "/mnt/brick2"])
        results = {"install": _timed(pool, wanted)}
        with contextlib.redirect_stdout(io.StringIO()):
            context = RunContext(wanted, Deadline.after(600), Report())
            reconcile(context, Pool(pool, pool.addresses), HookState())
        results |= {"nothing to do": _timed(pool, wanted), "expand": _timed(pool, more)}
        rows += [(job, str(peers), str(volumes), str(n), f"{s:.3f} s") for job, (n, s) in results.items()]
    return table(rows)


def _values(pool: FakePool, volumes: int, bricks: list[str]) -> Values:
    """Each volume is a replica 3 one on three peers."""
    names = list(pool.addresses)
    made: list[dict[str, Any]] = [
        {"name": f"v{i}", "replica": 3, "nodes": [names[(i + k) % len(names)] for k in range(3)]}
        for i in range(volumes)
    ]
    entries = [{"name": name, "address": address} for name, address in pool.addresses.items()]
    return parse(merged({"nodes": entries, "bricks": bricks, "volumes": made}))


def _timed(pool: FakePool, values: Values) -> tuple[int, float]:
    """Steps of the plan, and the median of the CPU seconds that it took to make, looking at the pool not included."""
    observed = observe_through_two(pool, pool.addresses)
    observed = with_folders(pool, observed, bricks_to_inspect(Case(values, observed, HookState())))
    seconds = []
    for _ in range(5):
        began = time.process_time()
        case = Case(values, observed, HookState())
        bricks_to_inspect(case)
        plan = make_plan(case)
        seconds.append(time.process_time() - began)
    return len(plan.steps), statistics.median(seconds)
