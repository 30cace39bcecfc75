"""The one loop that waits, on a clock of numbers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hooks.wait import Deadline, Interval, Pace, as_long_as_the_look, wait_until
from tests.unit.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def looks(*found: int) -> Iterator[int]:
    yield from found


def test_it_looks_until_what_is_found_is_ready_and_pauses_between(clock: FakeClock) -> None:
    found = looks(1, 2, 3, 4)
    waited: list[int] = []
    pace = Pace(Deadline.after(60, clock), lambda _: 5)
    assert wait_until(lambda: next(found), lambda number: number == 3, pace, waited.append) == 3
    assert waited == [1, 2]
    assert clock.seconds == 1010


def test_what_is_ready_at_once_is_not_waited_for(clock: FakeClock) -> None:
    assert wait_until(lambda: 1, bool, Pace(Deadline.after(0, clock))) == 1
    assert clock.seconds == 1000


def test_successes_must_be_the_same_and_in_a_row(clock: FakeClock) -> None:
    found = looks(1, 1, 0, 1, 2, 2, 2, 3)
    assert wait_until(lambda: next(found), bool, Pace(Deadline.after(60, clock), successes=3)) == 2
    assert next(found) == 3


def test_the_deadline_ends_it_after_a_last_look_even_where_that_was_ready_too_seldom(clock: FakeClock) -> None:
    asked: list[float] = []

    def look() -> int:
        asked.append(clock.seconds)
        return 1

    pace = Pace(Deadline.after(7, clock), lambda _: 3, successes=9)
    assert wait_until(look, bool, pace, on_timeout=lambda number: -number) == -1
    assert asked == [1000, 1003, 1006, 1007], "it never sleeps past the deadline"


@pytest.mark.parametrize("at", ["a look", "waiting", "the deadline"])
def test_an_error_ends_it(clock: FakeClock, at: str) -> None:
    def fail_at(moment: str) -> int:
        if moment == at:
            raise LookupError(at)
        return 0

    with pytest.raises(LookupError, match=at):
        wait_until(
            lambda: fail_at("a look"),
            bool,
            Pace(Deadline.after(5, clock)),
            lambda _: fail_at("waiting"),
            lambda _: fail_at("the deadline"),
        )


def test_a_look_that_takes_long_is_rested_from_as_long(clock: FakeClock) -> None:
    began: list[float] = []

    def look() -> int:
        began.append(clock.seconds)
        clock.sleep(20 if len(began) == 1 else 0.1)
        return len(began)

    wait_until(look, lambda number: number == 3, Pace(Deadline.after(600, clock), as_long_as_the_look))
    assert began == pytest.approx([1000, 1040, 1041.1])


def test_a_deadline_within_another_is_never_later(clock: FakeClock) -> None:
    whole = Deadline.after(10, clock)
    assert whole.within(3).seconds_left == 3
    assert whole.within(30).seconds_left == 10
    clock.sleep(10)
    assert whole.passed
    assert whole.seconds_left == 0


def test_an_interval_is_over_once_in_its_seconds(clock: FakeClock) -> None:
    first, later = Interval(clock, 10), Interval(clock, 10, last=clock.seconds)
    assert (first.is_over(), later.is_over()) == (True, False)
    clock.sleep(11)
    assert (first.is_over(), first.is_over(), later.is_over()) == (True, False, True)
