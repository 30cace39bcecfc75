"""Carries out the phases of a plan, one after the other; the steps of a phase go side by side where they may."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hooks.gluster import scripts
from hooks.gluster.observe import side_by_side
from hooks.gluster.runner import OutcomeUnknown, PeerUnavailable, Runner
from hooks.gluster.session import Command, GlusterError, Reply, fail_fast_per_volume, session
from hooks.gluster.xml import Progress, healed, rebalanced
from hooks.plan.model import Gluster, Phase, Script, Step, WaitFor, Work
from hooks.run.wait import rest

SESSIONS = 4
"""Sessions at the same time, on different peers: gluster's locks are per volume (measured: 3 peers halve the time)."""


PROGRESS_SECONDS = 10
"""How often work that goes on by itself is looked at for the report; between, every second for its end."""
STALL_SECONDS = 30
"""How long the counts may stand still before the pool is looked at anew: a self-heal daemon can be lost when bricks are
added (seen on all three peers of a pool with seven volumes), and then nothing heals until it is started again."""
LOOKS = {Work.REBALANCE: 1, Work.HEAL: 3, Work.RETIREMENT: 1}
"""Looks in a row that must show the end: straight after bricks were added a heal count of 0 can be premature."""


class EndedBadly(Exception):
    """Work that went on by itself ended without success, as a rebalance may when many start at once (seen with ten)."""


class Unfinished(Exception):
    """Work in the pool goes on by itself, but this run's time is up. The next run takes it up where it stands."""


@dataclass(frozen=True)
class Done:
    """A step that was carried out, with the seconds that its session took."""

    step: Step
    seconds: float


def apply_phase(
    runner: Runner,
    phase: Phase,
    members: Sequence[str],
    deadline: float,
    done: Callable[[Done], None],
    say: Callable[[str], None],
) -> None:
    """Carry out `phase`; steps that name no peer are shared out over `members`, peers of the pool.

    `deadline` is a time.monotonic() value: until then a step is repeated that another transaction's lock refused.
    `done` is told of each step that succeeded, `say` gets lines on what goes on by itself. Raises GlusterError for the
    first step that failed, after all sessions ended, Unfinished when a wait reaches the deadline, EndedBadly when what
    it waits for failed, and PeerUnavailable or OutcomeUnknown as gluster.session does.
    """
    _wait(runner, [step for step in phase.steps if isinstance(step, WaitFor)], members[0], deadline, done, say)
    steps: list[Gluster | Script] = [step for step in phase.steps if not isinstance(step, WaitFor)]
    while steps:
        outcomes = side_by_side(lambda batch: _run(runner, *batch, done), _share_out(steps, members))
        failed = [found for outcome in outcomes for found in outcome]
        locked = {step.volume for _, step, reply in failed if reply.retriable and step.volume}
        for peer, step, reply in failed:
            # What came after a refused lock in the same session failed for want of it.
            if not (reply.retriable or step.volume in locked) or time.monotonic() > deadline:
                raise GlusterError(peer, reply)
        steps = [step for _, step, _ in failed]
        if steps:
            time.sleep(random.uniform(0.3, 1.5))  # noqa: S311 - two hooks must not meet again in step


def _share_out(steps: Sequence[Gluster | Script], members: Sequence[str]) -> list[tuple[str, list[Gluster | Script]]]:
    """Batches of (peer, its steps in order): all steps of a volume go to one peer."""
    batches: dict[str, list[Gluster | Script]] = {}
    peer_of: dict[str, str] = {}
    for step in steps:
        peer = step.peer or peer_of.setdefault(step.volume, members[len(peer_of) % min(SESSIONS, len(members))])
        batches.setdefault(peer, []).append(step)
    return list(batches.items())


def _run(
    runner: Runner, peer: str, steps: Sequence[Gluster | Script], done: Callable[[Done], None]
) -> list[tuple[str, Gluster | Script, Reply]]:
    began = time.monotonic()
    if isinstance(steps[0], Script):
        return _run_scripts(runner, peer, steps, done)
    replies = fail_fast_per_volume(runner, peer, [Command(step.argv, step.volume) for step in steps])
    seconds = time.monotonic() - began
    failed: list[tuple[str, Gluster | Script, Reply]] = []
    for step, reply in zip(steps, replies, strict=True):
        if reply.ok:
            done(Done(step, seconds))
        else:
            failed.append((peer, step, reply))
    return failed


def _run_scripts(
    runner: Runner, peer: str, steps: Sequence[Gluster | Script], done: Callable[[Done], None]
) -> list[tuple[str, Gluster | Script, Reply]]:
    for step in steps:
        assert isinstance(step, Script)  # a phase mixes them only on different peers
        began = time.monotonic()
        argv = ["timeout", f"{step.seconds:.0f}", *scripts.argv(step.name, *step.arguments)]
        result = runner.run(peer, argv, timeout=step.seconds + 10)
        if result.exit_code:
            text = result.stderr.strip() or f"exit code {result.exit_code}"
            return [(peer, step, Reply(str(step), -1, -1, text, shell=True))]
        done(Done(step, time.monotonic() - began))
    return []


def _wait(
    runner: Runner,
    steps: Sequence[WaitFor],
    peer: str,
    deadline: float,
    done: Callable[[Done], None],
    say: Callable[[str], None],
) -> None:
    """Look, at all `steps` in one session, until the work that they ask about has ended."""
    began = changed = time.monotonic()
    looks = dict.fromkeys(steps, 0)
    said, words = 0.0, ""
    while looks:
        asked = time.monotonic()
        found = _look(runner, list(looks), peer)
        for step, progress in found.items():
            if progress.failed:
                raise EndedBadly(f"`{step}` ended without success: {progress.words}")
            looks[step] = looks[step] + 1 if progress.done else 0
            if looks[step] == LOOKS[step.work]:
                del looks[step]
                done(Done(step, time.monotonic() - began))
        now = time.monotonic()
        going = [f"`{step}`: {found[step].words}" for step in looks if not found[step].done]
        if going and now > deadline:
            raise Unfinished(f"{going[0]}. It goes on by itself; run `helm upgrade` again to see it through.")
        if (text := "; ".join(going)) != words:
            changed, words = now, text
            if going and now - said > PROGRESS_SECONDS:
                say(f"  {going[0]}{f', and {len(going) - 1} more' if going[1:] else ''}")
                said = now
        elif going and now - changed > STALL_SECONDS:
            raise OutcomeUnknown(f"it stands still: {words}")
        if looks:
            rest(asked, deadline)


def _look(runner: Runner, steps: Sequence[WaitFor], peer: str) -> dict[WaitFor, Progress]:
    """How far each step's work is; an exec that breaks is just another look."""
    try:
        replies = session(runner, peer, [" ".join(step.argv) for step in steps])
    except (PeerUnavailable, OutcomeUnknown) as error:
        return dict.fromkeys(steps, Progress(False, str(error)))
    return {step: _progress(step, reply) for step, reply in zip(steps, replies, strict=True)}


def _progress(step: WaitFor, reply: Reply) -> Progress:
    if (answer := reply.answer) is None:
        return Progress(False, reply.message)
    return healed(answer) if step.work is Work.HEAL else rebalanced(answer)
