"""Waiting for what the hook does not control: one loop, and the clock that it goes by.

Every wait of the hook is `wait_until`, and every time comes from a Clock that is passed in: tests need not wait.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """Time, as far as the hook knows it."""

    def monotonic(self) -> float:
        """Seconds since some moment in the past, see time.monotonic()."""

    def now(self) -> datetime:
        """The time of day, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""

    def every(self, seconds: float, work: Callable[[], None]) -> AbstractContextManager[None]:
        """Do `work` in the background each time `seconds` have passed, until the context is left."""


@dataclass(frozen=True)
class SystemClock:
    """The machine's clock."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    @contextmanager
    def every(self, seconds: float, work: Callable[[], None]) -> Iterator[None]:
        left = threading.Event()

        def repeat() -> None:
            while not left.wait(seconds):
                work()

        thread = threading.Thread(target=repeat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            left.set()
            thread.join()


SYSTEM = SystemClock()


@dataclass(frozen=True)
class Deadline:
    """The moment `at`, a value of the clock's monotonic(), until which something may take."""

    clock: Clock
    at: float

    @classmethod
    def after(cls, seconds: float, clock: Clock = SYSTEM) -> Deadline:
        """The moment `seconds` from now."""
        return cls(clock, clock.monotonic() + seconds)

    def within(self, seconds: float) -> Deadline:
        """The moment `seconds` from now, but none after this one."""
        return replace(self, at=min(self.at, self.clock.monotonic() + seconds))

    @property
    def seconds_left(self) -> float:
        return self.at - self.clock.monotonic()

    @property
    def passed(self) -> bool:
        return self.seconds_left <= 0


def as_long_as_the_look(seconds: float) -> float:
    """Pause as long as the look took, at least 1 s: the bricks that are healed answer it.

    With 2,000 entries to heal a look took 110 s beside others (measured).
    """
    return max(1, seconds)


@dataclass(frozen=True)
class Pace:
    """How `wait_until` goes about it.

    `pause` gives the seconds between two looks, out of those that the last one took. `successes` is how many looks in a
    row must find the same.
    """

    deadline: Deadline
    pause: Callable[[float], float] = lambda _: 1
    successes: int = 1


def wait_until(
    look: Callable[[], T],
    ready: Callable[[T], bool],
    pace: Pace,
    on_wait: Callable[[T], object] = lambda _: None,
    on_timeout: Callable[[T], T] = lambda found: found,
) -> T:
    """Look, at least once, until what is found is `ready`; return it.

    `on_wait` gets what was found each time that it was not enough. Once the deadline has passed `on_timeout` gets it
    instead, and what that returns is returned: by default the last look as it is. Each of them may raise to end it.
    """
    clock, streak, before = pace.deadline.clock, 0, None
    while True:
        began = clock.monotonic()
        found = look()
        streak = 0 if not ready(found) else streak + 1 if streak and found == before else 1
        if streak == pace.successes:
            return found
        if pace.deadline.passed:
            return on_timeout(found)
        before = found
        on_wait(found)
        clock.sleep(max(0, min(pace.pause(clock.monotonic() - began), pace.deadline.seconds_left)))


class Interval:
    """Keeps what is done while waiting from being done more often than every `seconds`."""

    def __init__(self, clock: Clock, seconds: float, last: float = -math.inf) -> None:
        """`last` is when it was done last, a value of the clock's monotonic()."""
        self._clock, self._seconds, self._last = clock, seconds, last

    def is_over(self) -> bool:
        """Whether `seconds` have passed since it was last done; if so, it is taken to be done now."""
        now = self._clock.monotonic()
        if now - self._last <= self._seconds:
            return False
        self._last = now
        return True
