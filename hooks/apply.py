"""Carries out the phases of a plan, one after the other; the steps of a phase go side by side where they may."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hooks.gluster import GlusterError, Reply, session
from hooks.observe import side_by_side
from hooks.runner import Runner
from hooks.steps import Phase, Step

SESSIONS = 4
"""Sessions at the same time, on different peers: gluster's locks are per volume (measured: 3 peers halve the time)."""


@dataclass(frozen=True)
class Done:
    """A step that was carried out, with the seconds that its session took."""

    step: Step
    seconds: float


def apply_phase(
    runner: Runner, phase: Phase, members: Sequence[str], deadline: float, done: Callable[[Done], None]
) -> None:
    """Carry out `phase`; steps that name no peer are shared out over `members`, peers of the pool.

    `deadline` is a time.monotonic() value: until then a step is repeated that another transaction's lock refused.
    `done` is told of each step that succeeded. Raises GlusterError for the first step that failed, after all sessions
    ended, and PeerUnavailable or OutcomeUnknown as gluster.session does.
    """
    steps = list(phase.steps)
    while steps:
        outcomes = side_by_side(lambda batch: _run(runner, *batch, done), _share_out(steps, members))
        failed = [(peer, step, reply) for outcome in outcomes for peer, step, reply in outcome]
        for peer, _, reply in failed:
            if not reply.retriable or time.monotonic() > deadline:
                raise GlusterError(peer, reply)
        steps = [step for _, step, _ in failed]
        if steps:
            time.sleep(random.uniform(0.3, 1.5))  # noqa: S311 - two hooks must not meet again in step


def _share_out(steps: Sequence[Step], members: Sequence[str]) -> list[tuple[str, list[Step]]]:
    """Batches of (peer, its steps in order): all steps of a volume go to one peer."""
    batches: dict[str, list[Step]] = {}
    peer_of: dict[str, str] = {}
    for step in steps:
        peer = step.peer or peer_of.setdefault(step.volume, members[len(peer_of) % min(SESSIONS, len(members))])
        batches.setdefault(peer, []).append(step)
    return list(batches.items())


def _run(
    runner: Runner, peer: str, steps: Sequence[Step], done: Callable[[Done], None]
) -> list[tuple[str, Step, Reply]]:
    began = time.monotonic()
    replies = session(runner, peer, [step.command for step in steps])
    seconds = time.monotonic() - began
    failed = []
    for step, reply in zip(steps, replies, strict=True):
        if reply.ok:
            done(Done(step, seconds))
        else:
            failed.append((peer, step, reply))
    return failed
