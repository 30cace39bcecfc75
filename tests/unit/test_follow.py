"""Work that goes on by itself is followed to its end, its failure, a standstill or the deadline."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hooks.gluster.runner import ExecResult, OutcomeUnknown
from hooks.plan.model import Step, WaitFor, Work
from hooks.run.follow import STALL_SECONDS, Done, Failed, Finished, Outcome, Stalled, Unfinished, follow
from hooks.wait import Deadline
from tests.unit.clock import FakeClock

HEAL = WaitFor(Work.HEAL, "v")
BRICK = "<brick><name>a:/b</name><status>Connected</status><totalNumberOfEntries>{}</totalNumberOfEntries></brick>"
REBALANCE = WaitFor(Work.REBALANCE, "v")


class Heals:
    """A peer that answers one look after the other with these counts, the last one again and again."""

    def __init__(self, *counts: int | None) -> None:
        self.counts = [*counts]
        self.looks = 0

    def run(self, peer: str, argv: Sequence[str], stdin: str = "", timeout: float = 60) -> ExecResult:
        count = self.counts[min(self.looks, len(self.counts) - 1)]
        self.looks += 1
        if count is None:
            raise OutcomeUnknown("the connection broke")
        bricks = f"<healInfo><bricks>{BRICK.format(count)}</bricks></healInfo>"
        return ExecResult(f"<?xml?><cliOutput><opRet>0</opRet>{bricks}</cliOutput>", "", 0)


class Log:
    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.lines: list[str] = []

    def done(self, done: Done) -> None:
        self.steps.append(done.step)

    def say(self, text: str) -> None:
        self.lines.append(text)


def followed(heals: Heals, log: Log, seconds: float = 600) -> tuple[Outcome, float]:
    """The outcome, and after how many seconds it came."""
    clock = FakeClock()
    began = clock.seconds
    return follow(heals, [HEAL], "a", Deadline.after(seconds, clock), log), clock.seconds - began


def test_a_heal_has_ended_once_three_looks_in_a_row_show_it() -> None:
    heals, log = Heals(5, 0, 0, 3, 0, None, 0, 0, 0, 7), Log()
    assert followed(heals, log) == (Finished(), 8)
    assert heals.looks == 9
    assert log.steps == [HEAL]


def test_counts_that_stay_the_same_are_a_standstill_and_no_error() -> None:
    log = Log()
    outcome, seconds = followed(Heals(9, 8, 7), log)
    assert outcome == Stalled("`gluster volume heal v info summary`: 7 entries to heal")
    assert seconds == pytest.approx(STALL_SECONDS + 3)
    assert not log.steps


def test_the_deadline_leaves_it_going_on() -> None:
    outcome, seconds = followed(Heals(*range(99, 0, -1)), Log(), seconds=20)
    assert outcome == Unfinished("`gluster volume heal v info summary`: 79 entries to heal")
    assert seconds == 20


def test_an_end_that_was_not_seen_often_enough_is_none() -> None:
    outcome, _ = followed(Heals(2, 1, 0), Log(), seconds=3)
    assert outcome == Unfinished("`gluster volume heal v info summary`: 0 entries to heal")


def test_progress_is_reported_every_ten_seconds() -> None:
    log = Log()
    followed(Heals(*range(30, -1, -1)), log)
    assert log.lines == [f"  `gluster volume heal v info summary`: {n} entries to heal" for n in (30, 19, 8)]


def test_what_ends_without_success_has_failed() -> None:
    class Rebalance(Heals):
        def run(self, peer: str, argv: Sequence[str], stdin: str = "", timeout: float = 60) -> ExecResult:
            node = "<node><status>4</status></node><aggregate><files>3</files><failures>1</failures></aggregate>"
            work = f"<volRebalance>{node}</volRebalance>"
            return ExecResult(f"<?xml?><cliOutput><opRet>0</opRet>{work}</cliOutput>", "", 0)

    outcome = follow(Rebalance(), [REBALANCE], "a", Deadline.after(60, FakeClock()), Log())
    assert isinstance(outcome, Failed)
    assert outcome.text.startswith("`gluster volume rebalance v status` ended without success: ")


def test_nothing_to_follow_costs_nothing() -> None:
    heals = Heals(1)
    assert follow(heals, [], "a", Deadline.after(0, FakeClock()), Log()) == Finished()
    assert heals.looks == 0
