"""Peers get a changed pod one at a time, and only while nothing else is amiss in the pool.

StatefulSets of peers are `OnDelete`: their controller waits for somebody who has looked at the pool. That is here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace

from hooks.gluster import scripts
from hooks.gluster.model import Observed
from hooks.gluster.observe import observe
from hooks.gluster.runner import Runner
from hooks.gluster.session import Broken, Reply, session
from hooks.gluster.xml import healed, unhealed_bricks
from hooks.kube.pods import PeerPod
from hooks.plan import sentences
from hooks.plan.availability import depend_on, unavailable_without
from hooks.run.reconcile import REPAIR_SECONDS, Hook, Refused
from hooks.run.wait import rest

STUCK_SECONDS = 60
"""How long a pod may show the same error that waiting does not mend (image, node, mount, port) before we say so."""
ANNOUNCE_SECONDS = 15
ASK_SECONDS = 10
"""How often self-heal daemons are asked to go on: a dispersed volume under a writer stood at 23 entries for minutes
after a restart, and was healed within a minute of a few questions (measured)."""
LOOKS = 3
"""Looks in a row that must find the same: straight after a start a heal count of 0 can be premature."""
_REMEDY = (
    "Say `rollout.allowDowntime: true` if that may happen now; until then the pods stay as they are, "
    "and so does what needs the changed ones."
)


def wait_for_pods(
    hook: Hook, look: Callable[[], list[PeerPod]], delete: Callable[[str], None], stands: str = "nothing was changed"
) -> list[PeerPod]:
    """Wait until every node of values has a Ready pod; a pod that can only be replaced is deleted.

    Raises Refused with each missing peer and what keeps it away.
    """
    since: dict[str, tuple[str, float]] = {}
    announced = time.monotonic() + 10
    while True:
        pods = look()
        missing = [pod for pod in pods if not pod.ready]
        if not missing:
            return pods
        for pod in missing:
            if pod.replaceable:
                hook.stop_if_lease_lost()
                hook.report.say(
                    f"{pod.node}: the pod {pod.pod} of older values never started ({pod.problem}); replaced."
                )
                delete(pod.pod)
        now = time.monotonic()
        since = {p.node: since[p.node] if p.node in since and p.stuck else (p.problem, now) for p in missing}
        stuck = [p for p in missing if p.stuck and now - since[p.node][1] > STUCK_SECONDS]
        if stuck or hook.left() < 0:
            raise Refused(_not_ready(pods, missing, f"The peers did not all start, {stands}:"))
        if now > announced:
            hook.report.say(_not_ready(pods, missing, "Still waiting:"))
            announced = now + 30
        time.sleep(1)


def _not_ready(pods: list[PeerPod], missing: list[PeerPod], head: str) -> str:
    reasons = "\n".join(f"  - {pod.node}: {pod.problem}" for pod in missing)
    return f"{head} {len(missing)} of {len(pods)} peers are not Ready.\n{reasons}"


def roll_out(
    hook: Hook,
    pods: list[PeerPod],
    addresses: Mapping[str, str],
    runner_of: Callable[[Sequence[PeerPod]], Runner],
    look: Callable[[], list[PeerPod]],
    delete: Callable[[str], None],
) -> list[PeerPod]:
    """Replace the outdated ones of `pods`, one by one; returns the pods as they are then.

    Raises Refused before the first one when a volume would not survive it, or when the pool does not become whole.
    """
    outdated = [pod.node for pod in pods if pod.outdated]
    if not outdated:
        return pods
    hook.report.say(f"{len(outdated)} of {len(pods)} peers get a changed pod, one at a time: {', '.join(outdated)}.")
    observed, first = _wait_until_whole(hook, runner_of(pods), addresses, outdated)
    harmed = [sentences.words(found)[0] for node in outdated for found in unavailable_without(node, observed)]
    if harmed and not hook.values.allow_downtime:
        raise Refused("\n".join(["Peers are not restarted:", *(f"  - {text}" for text in harmed), _REMEDY]))
    while outdated:
        node = first or outdated[0]
        outdated.remove(node)
        began = time.monotonic()
        hook.stop_if_lease_lost()
        delete(next(pod.pod for pod in pods if pod.node == node))
        pods = wait_for_pods(hook, look, delete, "what was done before stands")
        _, first = _wait_until_whole(hook, runner_of(pods), addresses, outdated)
        state = f"what is amiss now lies on {first}" if first else "all healed"
        hook.report.say(
            f"  [{hook.report.seconds:6.1f} s] {node} is back, {state}, after {time.monotonic() - began:.1f} s"
        )
    return pods


def _wait_until_whole(
    hook: Hook, runner: Runner, addresses: Mapping[str, str], outdated: Sequence[str]
) -> tuple[Observed, str]:
    """Wait until nothing is amiss, or all that is amiss lies on `outdated` peers, whose restarts may mend it.

    Returns the last snapshot and the one of them that can be restarted first ("" when nothing is amiss).
    """
    began = announced = asked = time.monotonic()
    looks, before = 0, None
    while True:
        first, looking = None, time.monotonic()
        try:
            looked = observe(runner, addresses, hook.values)
            observed = _without(hook.values.deleted, looked)
            reasons = _broken(observed)
            unhealed = {} if reasons else _unhealed(runner, observed)
            reasons += [("", f"{name}: {words}") for name, words in unhealed.items()]
            if unhealed and time.monotonic() - asked > ASK_SECONDS:
                _ask_to_heal(runner, observed.reference_peer.name, unhealed)
                asked = time.monotonic()
            if not reasons:
                first = ""
            elif time.monotonic() - began > REPAIR_SECONDS:
                first = _first(hook, runner, observed, reasons, outdated) or None
        except Broken as error:
            reasons = [("", str(error))]
        looks, before = looks + 1 if first == before else 1, first
        if first is not None and looks >= LOOKS:
            return observed, first
        now = time.monotonic()
        if hook.left() < 0:
            raise Refused(
                "\n".join(
                    ["No peer is restarted until the pool is whole, and it did not become so:"]
                    + [f"  - {reason}" for _, reason in reasons]
                    + ["It may get there by itself; run `helm upgrade` again to go on."]
                )
            )
        if reasons and now - announced > ANNOUNCE_SECONDS:
            hook.report.say(f"  Waiting for: {'; '.join(reason for _, reason in reasons)}")
            announced = now
        rest(looking, hook.deadline)


def _without(deleted: Container[str], observed: Observed) -> Observed:
    """The snapshot without volumes that are to be deleted: no peer waits for what is to be destroyed after it."""
    peers = tuple(
        replace(peer, volumes=peer.volumes and tuple(v for v in peer.volumes if v.name not in deleted))
        for peer in observed.peers
    )
    return replace(observed, peers=peers)


def _first(
    hook: Hook, runner: Runner, observed: Observed, reasons: Sequence[tuple[str, str]], outdated: Sequence[str]
) -> str:
    """A peer that may be restarted while not all is whole, because what is amiss waits for that; "" if there is none.

    All that is amiss lies on `outdated` peers, and nothing misses what this one serves.
    """
    broken = {node for node, _ in reasons}
    if not broken or not broken <= set(outdated):
        return ""
    heals = _heals(runner, observed)
    unhealed = {name: unhealed_bricks(a) for name, r in heals.items() if (a := r.answer) is not None}
    if len(unhealed) < len(heals):
        return ""
    free = [n for n in outdated if n in broken and not depend_on(n, observed, unhealed, hook.values.allow_downtime)]
    return next(iter(free), "")


def _broken(observed: Observed) -> list[tuple[str, str]]:
    """What is not whole: peers away as any other sees it, bricks offline, data on the move.

    Each with the node that it lies on, "" where it lies on no single one.
    """
    views = [(peer, view) for peer in observed.peers for view in peer.views or ()]
    reasons = [
        (name := observed.name_of(view.uuid), f"{name} is not connected as {peer.name} sees it")
        for peer, view in views
        if not view.healthy
    ]
    started = [volume for volume in observed.volumes if volume.started]
    reasons += [
        (observed.name_of(brick.peer), f"the brick {brick} of {volume.name} is offline")
        for volume in started
        for brick in observed.offline(volume)
    ]
    reasons += [("", f"{v.name} is being rebalanced") for v in started if observed.rebalancing(v.name)]
    leaving = [v.name for v in started if (removal := observed.removing(v.name)) and removal.running]
    return reasons + [("", f"the data of {name} is moved off bricks that leave") for name in leaving]


def _heals(runner: Runner, observed: Observed) -> dict[str, Reply]:
    """What is said to `volume heal V info summary`, by volume."""
    names = [volume.name for volume in observed.volumes if volume.started and volume.set_size > 1]
    replies = session(runner, observed.reference_peer.name, [f"volume heal {name} info summary" for name in names])
    return dict(zip(names, replies, strict=True))


def _unhealed(runner: Runner, observed: Observed) -> dict[str, str]:
    """Volumes with entries that are to be healed, or of which that cannot be said, each with words on it."""
    words = {}
    for name, reply in _heals(runner, observed).items():
        if (answer := reply.answer) is None:
            words[name] = reply.message
        elif not (progress := healed(answer)).done:
            words[name] = progress.words
    return words


def _ask_to_heal(runner: Runner, peer: str, volumes: Iterable[str]) -> None:
    runner.run(peer, ["timeout", "60", *scripts.argv("heal.sh", *volumes)], timeout=70)
