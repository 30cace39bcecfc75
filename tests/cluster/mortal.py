"""The hook on real peers, in this process, and its death after any of its commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hooks.gluster.model import Observed
from hooks.gluster.runner import ExecResult
from hooks.kube.client import KubeClient
from hooks.kube.release import PodRunner
from hooks.kube.release import Release as KubeRelease
from hooks.plan.state import HookState
from hooks.run.context import Pool, RunContext
from hooks.run.reconcile import reconcile
from hooks.run.report import Report
from hooks.values.parse import parse
from hooks.wait import Deadline
from testbed.config import patience
from tests.cluster.lab import Lab
from tests.cluster.release import Release
from tests.support.values import merged

READS = ("system:: uuid get", "peer status", "volume info", "volume status", "volume get")


class Died(BaseException):
    """The hook's process is gone; nothing in the hook may catch this."""


@dataclass
class Mortal:
    """A Runner on real peers whose process dies right after the `life`-th command that is more than a look.

    What `killed` it before does not count, so that it gets on; nor does a heal that is asked for, which would begin by
    itself as well.
    """

    inner: PodRunner
    life: int
    killed: set[str] = field(default_factory=set)

    def run(self, peer: str, argv: Sequence[str], stdin: str = "", timeout: float = 60) -> ExecResult:
        commands = stdin.splitlines()
        for number, command in enumerate(commands, start=1):
            if not command.startswith(READS) and not command.endswith((" status", " info summary")):
                self._dies_after(command, peer, argv, "".join(f"{line}\n" for line in commands[:number]), timeout)
        if list(argv[2:4]) == ["sh", "-c"] and len(argv) == 5 and " volume heal " not in argv[4]:
            self._dies_after(argv[4], peer, argv, stdin, timeout)
        return self.inner.run(peer, argv, stdin, timeout)

    def _dies_after(self, command: str, peer: str, argv: Sequence[str], stdin: str, timeout: float) -> None:
        if command in self.killed:
            return
        self.life -= 1
        if self.life == 0:
            self.killed.add(command)
            self.inner.run(peer, argv, stdin, timeout)
            raise Died


@dataclass(frozen=True)
class Person:
    """Runs the hook on the release's peers, again and again, with what earlier runs recorded."""

    lab: Lab
    release: Release

    @property
    def memory(self) -> HookState:
        return HookState.from_record(self.release.record())

    @property
    def _client(self) -> KubeClient:
        return KubeClient(self.release.namespace, self.lab.kubeconfig)

    def _save(self, memory: HookState) -> None:
        kube = KubeRelease(self._client, self.release.name)
        kube.write_record(f"{self.release.fullname}-report", memory.to_record())

    def hook(self, raw: dict[str, Any], life: int = 0, killed: set[str] | None = None) -> Observed:
        """One run; `life` 0 means that it does not die. See Mortal for `killed`."""
        values = parse(merged(raw))
        runner = Mortal(PodRunner(self._client, self.release.peers()), life, set() if killed is None else killed)
        context = RunContext(values, Deadline.after(600 * patience()), Report(), self._save)
        entries = sorted(values.nodes, key=lambda node: node.drained)
        pool = Pool(runner, {node.name: self.lab.address(node.name) for node in entries})
        return reconcile(context, pool, self.memory)

    def hook_that_dies_at_every_step(self, raw: dict[str, Any]) -> tuple[Observed, int]:
        """Runs of which each dies after a change that none died after before; the last one's end, and their number."""
        killed: set[str] = set()
        while True:
            try:
                return self.hook(raw, 1, killed), len(killed)
            except Died:
                continue

    def raze(self, volumes: Sequence[str]) -> None:
        """Back to peers that do not know each other, so that the next round starts from nothing."""
        for volume in volumes:
            self.release.gluster("volume", "stop", volume, "force")
            self.release.gluster("volume", "delete", volume)
        for line in self.release.gluster("pool", "list").splitlines()[1:]:
            host = line.split("\t")[1].strip()
            if host != "localhost":
                self.release.gluster("peer", "detach", host)
        self._save(HookState())
