"""Words: lists, plurals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized

NAMED = 5
"""How many things a sentence names before it only counts."""


def joined(these: Iterable[str]) -> str:
    """ "a", "a and b", "a, b and c"; "" for none."""
    *others, last = [*these] or [""]
    return f"{', '.join(others)} and {last}" if others else last


def counted(number: int, noun: str) -> str:
    """ "1 peer", "3 peers"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def amount(number: int, noun: str) -> str:
    """ "a brick", "2 bricks"."""
    return f"a {noun}" if number == 1 else counted(number, noun)


def entries(number: int) -> str:
    """ "1 entry", "2 entries"."""
    return f"{number} {'entry' if number == 1 else 'entries'}"


def plural(these: Sized, noun: str) -> str:
    """The noun alone, with an s unless there is one thing."""
    return noun if len(these) == 1 else f"{noun}s"


def first_of(texts: Sequence[str], between: str = ", ") -> str:
    """The first few of `texts`, and how many more there are."""
    more = len(texts) - NAMED
    return between.join(texts[:NAMED]) + (f"{between}and {more} more" if more > 0 else "")
