"""A clock on which nobody waits, for whatever asks for a hooks.wait.Clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


class FakeClock:
    """Time is a number that `sleep` moves on; what is to be done in the background is done when `beat` is called."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.background: list[Callable[[], None]] = []

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    @contextmanager
    def every(self, seconds: float, work: Callable[[], None]) -> Iterator[None]:
        self.background.append(work)
        try:
            yield
        finally:
            self.background.remove(work)

    def beat(self) -> None:
        """One round of what began last in the background."""
        self.background[-1]()
