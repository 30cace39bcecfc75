"""Telling what takes long: a line when a step begins, one when it is done, and in between how far all of them are.

On a terminal the line in between is rewritten, in a log file there is one whenever nothing was told for 15 s. All goes
to stderr, for stdout has the answers.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

TERMINAL_SECONDS, LOG_SECONDS = 0.5, 15.0


@dataclass
class _Step:
    what: str
    how_far: Callable[[], str]
    began: float = field(default_factory=time.monotonic)
    thread: int = field(default_factory=threading.get_ident)

    def __str__(self) -> str:
        how_far = self.how_far()
        name = self.what.partition(": ")[0]
        return f"{name}{how_far and ': '}{how_far}, {time.monotonic() - self.began:.0f} s"


class _Screen:
    """Who runs now, in any thread, and what stderr shows of it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._steps: list[_Step] = []
        self._told = 0.0
        self._drawn = self._watched = False

    def tell(self, line: str) -> None:
        with self._guard:
            self._print(line)

    def begin(self, step: _Step) -> None:
        with self._guard:
            if not self._steps:
                self._told = step.began
            self._steps.append(step)
            if not self._watched:
                self._watched = True
                threading.Thread(target=self._watch, daemon=True).start()

    def end(self, step: _Step) -> None:
        with self._guard:
            self._steps.remove(step)
            self._erase()

    def show(self, how_far: Callable[[], str]) -> None:
        with self._guard:
            if mine := [step for step in self._steps if step.thread == threading.get_ident()]:
                mine[-1].how_far = how_far

    def _watch(self) -> None:
        while True:
            time.sleep(TERMINAL_SECONDS)
            with self._guard:
                if not self._steps:
                    self._watched = False
                    return
                line = f"      ...  {'; '.join(map(str, self._steps))}"
                if _rewrites():
                    self._erase()
                    width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
                    print(line[: width - 1], end="", file=sys.stderr, flush=True)
                    self._drawn = True
                elif time.monotonic() - self._told >= LOG_SECONDS:
                    self._print(line)

    def _print(self, line: str) -> None:
        self._erase()
        print(line, file=sys.stderr, flush=True)
        self._told = time.monotonic()

    def _erase(self) -> None:
        if self._drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._drawn = False


_screen = _Screen()


def _nothing() -> str:
    return ""


def _rewrites() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"


@contextmanager
def step(what: str, *, slow: bool = False) -> Iterator[None]:
    """A line when the step is done, one before when it may take seconds; in between `what` is cut at its first `: `."""
    if slow:
        _screen.tell(f"      ...  {what}")
    mine = _Step(what, _nothing)
    _screen.begin(mine)
    try:
        yield
    finally:
        _screen.end(mine)
    _screen.tell(f"{time.monotonic() - mine.began:7.1f} s  {what}")


@contextmanager
def showing(how_far: Callable[[], str]) -> Iterator[None]:
    """Tell this thread's innermost step with what `how_far` returns, such as "7 of 9 packages"."""
    _screen.show(how_far)
    try:
        yield
    finally:
        _screen.show(_nothing)
