"""The hook's own time, from its first look at the pool to its last step, against a script by hand on the same peers."""

from __future__ import annotations

import contextlib
import io
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench import by_hand
from bench.table import table
from hooks.kube.client import KubeClient
from hooks.kube.release import PodRunner
from hooks.plan.state import HookState
from hooks.run.context import Pool, RunContext
from hooks.run.follow import Done
from hooks.run.reconcile import reconcile
from hooks.run.report import Report
from hooks.values.parse import parse
from hooks.wait import Deadline
from tests.cluster.lab import Lab, unique
from tests.cluster.release import Release, nodes
from tests.support.values import merged

BRICKS = ["/mnt/brick1", "/mnt/brick2"]
SIZES = {1: (5, 3), 10: (5, 1), 30: (3, 1)}
"""Volumes, and how many rounds of installs and of expansions there are; hook and script take turns."""
RAZED = 5
"""Volumes that one session deletes: a stop takes seconds where there are many bricks."""


class Timed(Report):
    """A report that nobody reads, which knows when the last step was done."""

    last = 0.0

    def done(self, done: Done) -> None:
        self.last = self.seconds


@dataclass
class Peers:
    """Three running peers of a release that no hook has touched, and what the hook would have recorded."""

    lab: Lab
    release: Release
    memory: HookState = field(default_factory=HookState)

    def __post_init__(self) -> None:
        self.addresses = {node: self.lab.address(node) for node in self.lab.workers[:3]}
        self.runner = PodRunner(KubeClient(self.release.namespace, self.lab.kubeconfig), self.release.peers())

    def values(self, volumes: list[str], bricks: list[str]) -> dict[str, Any]:
        made = [{"name": name, "replica": 3, "options": {"performance.nl-cache": True}} for name in volumes]
        return {"nodes": nodes(list(self.addresses)), "bricks": bricks, "volumes": made}

    def hook(self, volumes: list[str], bricks: list[str]) -> Timed:
        """One run of the hook."""
        values = parse(merged(self.values(volumes, bricks)))
        with contextlib.redirect_stdout(io.StringIO()):
            report = Timed()
            context = RunContext(
                values, Deadline.after(1800), report, save=lambda memory: setattr(self, "memory", memory)
            )
            reconcile(context, Pool(self.runner, self.addresses), self.memory)
        return report

    def raze(self, volumes: list[str]) -> None:
        """Back to peers that do not know each other."""
        first = next(iter(self.addresses))
        for start in range(0, len(volumes), RAZED):
            some = volumes[start : start + RAZED]
            by_hand.run(self.runner, first, [c for v in some for c in (f"volume stop {v} force", f"volume delete {v}")])
        others = [address for name, address in self.addresses.items() if name != first]
        by_hand.run(self.runner, first, [f"peer detach {address}" for address in others])
        self.memory = HookState()


@contextmanager
def running_peers(lab: Lab) -> Iterator[Peers]:
    """A release without hooks, gone again afterwards."""
    with lab.namespace() as namespace:
        release = Release(lab, namespace)
        try:
            release.start_peers(lab.workers[:3], bricks=BRICKS)
            yield Peers(lab, release)
        finally:
            release.uninstall()


def against_by_hand(peers: Peers) -> str:
    """The table of installs and expansions."""
    rows = [("job", "volumes", "by hand", "hook", "hook / by hand")]
    for count, (installs, expansions) in SIZES.items():
        seconds: dict[str, list[float]] = {}
        for number in range(installs):
            _round(peers, count, seconds, expand=number < expansions)
        for job in ("install", "expand"):
            hand, hook = (statistics.median(seconds[f"{job} {who}"]) for who in ("by hand", "hook"))
            rows.append((job, str(count), f"{hand:.2f} s", f"{hook:.2f} s", f"{hook / hand:.2f}"))
    return table(rows)


def _round(peers: Peers, count: int, seconds: dict[str, list[float]], expand: bool) -> None:
    def timed(job: str, work: Callable[[], object]) -> None:
        began = time.monotonic()
        result = work()
        took = result.last if isinstance(result, Timed) else time.monotonic() - began
        seconds.setdefault(job, []).append(took)
        print(f"  {count} volumes, {job}: {took:.2f} s", flush=True)

    volumes = [unique("v") for _ in range(count)]
    timed("install by hand", lambda: by_hand.install(peers.runner, peers.addresses, volumes, BRICKS[0]))
    if expand:
        timed("expand by hand", lambda: by_hand.expand(peers.runner, peers.addresses, volumes, BRICKS[1]))
    peers.raze(volumes)
    volumes = [unique("v") for _ in range(count)]
    timed("install hook", lambda: peers.hook(volumes, BRICKS[:1]))
    if expand:
        timed("expand hook", lambda: peers.hook(volumes, BRICKS))
    peers.raze(volumes)


def no_op(peers: Peers, count: int = 30) -> str:
    """The table of a run that finds nothing to do."""
    volumes = [unique("v") for _ in range(count)]
    peers.hook(volumes, BRICKS[:1])
    taken = []
    for _ in range(5):
        before, began = peers.runner.execs, time.monotonic()
        peers.hook(volumes, BRICKS[:1])
        taken.append((time.monotonic() - began, peers.runner.execs - before))
    seconds, execs = statistics.median(took for took, _ in taken), max(execs for _, execs in taken)
    peers.raze(volumes)
    return table([("no-op", "execs", "seconds"), (f"3 peers, {count} volumes", str(execs), f"{seconds:.2f} s")])
