"""A release in its cluster: its peers, its record and its Lease, as the commands use them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from hooks.kube.lease import hold_lease
from hooks.kube.pods import PeerPod, peer_pods
from hooks.kube.release import PodRunner, Release
from hooks.plan.state import HookState
from hooks.values.model import Values
from hooks.wait import Deadline


@dataclass(frozen=True)
class LiveRelease:
    """`fullname` is the start of its objects' names."""

    api: Release
    values: Values
    fullname: str
    runners: list[PodRunner] = field(default_factory=list)
    """Those that were made for it, which count their execs."""

    @property
    def lease_name(self) -> str:
        return f"{self.fullname}-hook"

    def hold_lease(self, holder: str, deadline: Deadline) -> AbstractContextManager[Callable[[], bool]]:
        """See hooks.kube.lease."""
        return hold_lease(self.api, self.lease_name, holder, deadline)

    def record(self) -> dict[str, str]:
        """What is in the ConfigMap that hooks and maintenance runs write."""
        return self.api.record(f"{self.fullname}-report")

    def write_record(self, data: Mapping[str, str]) -> None:
        """Set keys of it."""
        self.api.write_record(f"{self.fullname}-report", data)

    def remember(self, memory: HookState) -> None:
        """Write what the next run of the hook must know."""
        self.write_record(memory.to_record())

    def look(self) -> list[PeerPod]:
        """The peers' pods as they are now."""
        return self.pods(self.api.stateful_sets())

    def pods(self, sets: Sequence[Mapping[str, Any]]) -> list[PeerPod]:
        """The same with the StatefulSets at hand; Warnings are read only if some pod is not Ready."""
        nodes, found = [node.name for node in self.values.nodes], self.api.pods()
        pods = peer_pods(nodes, found, (), sets)
        return pods if all(pod.ready for pod in pods) else peer_pods(nodes, found, self.api.warnings(), sets)

    def delete(self, pod: str) -> None:
        """Delete a peer's pod; its StatefulSet makes a new one."""
        self.api.delete_pod(pod)

    def runner(self, pods: Sequence[PeerPod]) -> PodRunner:
        """What runs commands in these pods."""
        self.runners.append(PodRunner(self.api.client, {pod.node: pod.pod for pod in pods}))
        return self.runners[-1]

    @property
    def execs(self) -> int:
        return sum(runner.execs for runner in self.runners)
