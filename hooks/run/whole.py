"""Whether the pool is whole, or which peer may be restarted though it is not: asked before each restart of a peer."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

from hooks.gluster import scripts
from hooks.gluster.model import Observed
from hooks.gluster.observe import observe
from hooks.gluster.runner import Runner
from hooks.gluster.session import Broken, Reply, session
from hooks.gluster.xml import healed, unhealed_bricks
from hooks.plan.availability import depend_on
from hooks.run.context import Pool, RunContext
from hooks.run.endings import OutOfTime
from hooks.run.reconcile import REPAIR_SECONDS
from hooks.wait import Deadline, Interval, Pace, as_long_as_the_look, wait_until

ANNOUNCE_SECONDS = 15
ASK_SECONDS = 10
"""How often self-heal daemons are asked to go on: a dispersed volume under a writer stood at 23 entries for minutes
after a restart, and was healed within a minute of a few questions (measured)."""
CONSECUTIVE_CHECKS = 3
"""Looks in a row that must find the same: straight after a start a heal count of 0 can be premature."""


@dataclass(frozen=True)
class Whole:
    """Nothing is wrong in the pool."""

    observed: Observed = field(compare=False)


@dataclass(frozen=True)
class RestartFirst:
    """All that is wrong lies on peers whose restarts may repair it; `node` can be the first of them."""

    node: str
    observed: Observed = field(compare=False)


@dataclass(frozen=True)
class _NotYet:
    """What keeps peers from being restarted."""

    reasons: tuple[str, ...]


_Assessment = Whole | RestartFirst | _NotYet


def wait_until_whole(context: RunContext, pool: Pool, outdated: Sequence[str]) -> Whole | RestartFirst:
    """Wait until nothing is wrong, or all that is wrong lies on `outdated` peers, whose restarts may repair it.

    Raises OutOfTime with what keeps the pool from that.
    """
    check = _PoolCheck(context, pool, outdated)
    reports = Interval(context.clock, ANNOUNCE_SECONDS, last=context.clock.monotonic())

    def announce(found: _Assessment) -> None:
        if isinstance(found, _NotYet) and reports.is_over():
            context.report.say(f"  Waiting for: {'; '.join(found.reasons)}")

    pace = Pace(context.deadline, as_long_as_the_look, CONSECUTIVE_CHECKS)
    found = wait_until(check.assess, lambda found: not isinstance(found, _NotYet), pace, announce, _out_of_time)
    assert not isinstance(found, _NotYet), "wait_until returns what is ready, _out_of_time nothing"
    return found


def _out_of_time(found: _Assessment) -> NoReturn:
    reasons = found.reasons if isinstance(found, _NotYet) else ("it has not been so for long enough",)
    raise OutOfTime(
        "\n".join(
            ["No peer is restarted until the pool is whole, and it did not become so:"]
            + [f"  - {reason}" for reason in reasons]
            + ["It may get there by itself; run `helm upgrade` again to go on."]
        )
    )


class _PoolCheck:
    """Looks at the pool before one of the `outdated` peers is restarted, and has it heal."""

    def __init__(self, context: RunContext, pool: Pool, outdated: Sequence[str]) -> None:
        self.context, self.pool, self.outdated = context, pool, outdated
        self.repair = Deadline.after(REPAIR_SECONDS, context.clock)
        self.heals = Interval(context.clock, ASK_SECONDS, last=context.clock.monotonic())

    def assess(self) -> _Assessment:
        """One look; what cannot be read is not whole."""
        try:
            return self._assess()
        except Broken as error:
            return _NotYet((str(error),))

    def _assess(self) -> _Assessment:
        values = self.context.values
        looked = observe(self.pool.runner, self.pool.addresses, values)
        observed = _without(values.deleted, looked)
        reasons = _broken(observed)
        if not reasons and (unhealed := _unhealed(self.pool.runner, observed)):
            reasons = [("", f"{name}: {words}") for name, words in unhealed.items()]
            if self.heals.is_over():
                _ask_to_heal(self.pool.runner, observed.reference_peer.name, unhealed)
        if not reasons:
            return Whole(observed)
        if self.repair.passed and (node := self._restart_first(observed, {node for node, _ in reasons})):
            return RestartFirst(node, observed)
        return _NotYet(tuple(reason for _, reason in reasons))

    def _restart_first(self, observed: Observed, broken: set[str]) -> str:
        """A peer that may be restarted though not all is whole, because that may repair it; "" for none.

        The `broken` nodes must all be outdated, and no volume may need what this one serves.
        """
        if not broken <= set(self.outdated):
            return ""
        heals = _heals(self.pool.runner, observed)
        unhealed = {name: unhealed_bricks(a) for name, r in heals.items() if (a := r.answer) is not None}
        if len(unhealed) < len(heals):
            return ""
        downtime = self.context.values.allow_downtime
        free = (n for n in self.outdated if n in broken and not depend_on(n, observed, unhealed, downtime))
        return next(free, "")


def _without(deleted: Container[str], observed: Observed) -> Observed:
    """The snapshot without volumes that are to be deleted: no peer waits for what is to be destroyed after it."""
    peers = tuple(
        replace(peer, volumes=peer.volumes and tuple(v for v in peer.volumes if v.name not in deleted))
        for peer in observed.peers
    )
    return replace(observed, peers=peers)


def _broken(observed: Observed) -> list[tuple[str, str]]:
    """What is not whole: peers that another does not see connected, bricks offline, data on the move.

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
    """The reply to `volume heal V info summary`, by volume."""
    names = [volume.name for volume in observed.volumes if volume.started and volume.set_size > 1]
    replies = session(runner, observed.reference_peer.name, [f"volume heal {name} info summary" for name in names])
    return dict(zip(names, replies, strict=True))


def _unhealed(runner: Runner, observed: Observed) -> dict[str, str]:
    """Volumes with entries to heal, or of which nobody knows, each with words on it."""
    words = {}
    for name, reply in _heals(runner, observed).items():
        if (answer := reply.answer) is None:
            words[name] = reply.message
        elif not (progress := healed(answer)).done:
            words[name] = progress.words
    return words


def _ask_to_heal(runner: Runner, peer: str, volumes: Iterable[str]) -> None:
    runner.run(peer, ["timeout", "60", *scripts.argv("heal.sh", *volumes)], timeout=70)
