"""Peers get a changed pod one at a time, and only while the rest of the pool is whole.

StatefulSets of peers are `OnDelete`: their controller waits for somebody who has looked at the pool. That is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn, Protocol

from hooks.gluster.runner import Runner
from hooks.kube.pods import PeerPod
from hooks.plan import sentences
from hooks.plan.availability import unavailable_without
from hooks.run.context import LeaseCheckedRunner, Pool, RunContext
from hooks.run.endings import Changed, OutOfTime, Refused
from hooks.run.whole import RestartFirst, Whole, wait_until_whole
from hooks.wait import Interval, Pace, wait_until

STUCK_SECONDS = 60
"""How long a pod may show an error that does not pass by itself (image, node, mount, port) before the run ends."""
_REMEDY = (
    "Set `rollout.allowDowntime: true` if that may happen now; until then the pods stay as they are, "
    "and so does what needs the changed ones."
)


class Peers(Protocol):
    """The release's peers, as Kubernetes runs them."""

    def look(self) -> list[PeerPod]:
        """Their pods as they are now."""

    def delete(self, pod: str) -> None:
        """Delete a pod; its StatefulSet makes a new one."""

    def runner(self, pods: Sequence[PeerPod]) -> Runner:
        """What runs commands in these pods."""


def wait_for_pods(context: RunContext, peers: Peers, changed: Changed = Changed.NOTHING) -> list[PeerPod]:
    """Wait until every node of the values has a Ready pod; a pod that can only be replaced is deleted.

    Raises Refused or OutOfTime with each missing peer and what keeps it away, and whether the run has `changed`
    anything.
    """
    waiting = _PodWait(context, peers, changed)
    pace = Pace(context.deadline)
    return wait_until(
        peers.look, lambda pods: all(pod.ready for pod in pods), pace, waiting.on_wait, waiting.out_of_time
    )


class _PodWait:
    """What is done while pods are waited for."""

    def __init__(self, context: RunContext, peers: Peers, changed: Changed) -> None:
        self.context, self.peers = context, peers
        self.head = f"The peers did not all start, {changed.value}:"
        self.since: dict[str, tuple[str, float]] = {}
        """By node what keeps its pod from being Ready, and since when it is that."""
        self.reports = Interval(context.clock, 30, last=context.clock.monotonic() - 20)

    def on_wait(self, pods: list[PeerPod]) -> None:
        missing = [pod for pod in pods if not pod.ready]
        for pod in missing:
            if pod.replaceable:
                self._replace(pod)
        now = self.context.clock.monotonic()
        self.since = {
            p.node: self.since[p.node] if p.node in self.since and p.stuck else (p.problem, now) for p in missing
        }
        if any(p.stuck and now - self.since[p.node][1] > STUCK_SECONDS for p in missing):
            raise Refused(_not_ready(pods, self.head))
        if self.reports.is_over():
            self.context.report.say(_not_ready(pods, "Still waiting:"))

    def out_of_time(self, pods: list[PeerPod]) -> NoReturn:
        raise OutOfTime(_not_ready(pods, self.head))

    def _replace(self, pod: PeerPod) -> None:
        self.context.stop_if_lease_lost()
        self.context.report.say(
            f"{pod.node}: the pod {pod.pod} of older values never started ({pod.problem}); replaced."
        )
        self.peers.delete(pod.pod)


def _not_ready(pods: Sequence[PeerPod], head: str) -> str:
    missing = [pod for pod in pods if not pod.ready]
    reasons = "\n".join(f"  - {pod.node}: {pod.problem}" for pod in missing)
    return f"{head} {len(missing)} of {len(pods)} peers are not Ready.\n{reasons}"


def roll_out(context: RunContext, peers: Peers, pods: list[PeerPod], addresses: Mapping[str, str]) -> list[PeerPod]:
    """Replace the outdated ones of `pods`, one by one; returns the pods as they are then.

    Raises Refused before the first one when a volume would not survive it, and OutOfTime when the pool does not become
    whole.
    """
    outdated = [pod.node for pod in pods if pod.outdated]
    if not outdated:
        return pods
    report = context.report
    report.say(f"{len(outdated)} of {len(pods)} peers get a changed pod, one at a time: {', '.join(outdated)}.")

    def assess() -> Whole | RestartFirst:
        pool = Pool(LeaseCheckedRunner(context, peers.runner(pods)), addresses)
        return wait_until_whole(context, pool, outdated)

    found = assess()
    harmed = [
        sentences.words(obstacle)[0] for node in outdated for obstacle in unavailable_without(node, found.observed)
    ]
    if harmed and not context.values.allow_downtime:
        raise Refused("\n".join(["Peers are not restarted:", *(f"  - {text}" for text in harmed), _REMEDY]))
    while outdated:
        node = found.node if isinstance(found, RestartFirst) else outdated[0]
        outdated.remove(node)
        began = context.clock.monotonic()
        context.stop_if_lease_lost()
        peers.delete(next(pod.pod for pod in pods if pod.node == node))
        pods = wait_for_pods(context, peers, Changed.SOMETHING)
        found = assess()
        state = f"what is still wrong lies on {found.node}" if isinstance(found, RestartFirst) else "all healed"
        seconds = context.clock.monotonic() - began
        report.say(f"  [{report.seconds:6.1f} s] {node} is back, {state}, after {seconds:.1f} s")
    return pods
