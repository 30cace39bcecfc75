"""What the checks of nodes and of volumes, and the schema's words, have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable

PLAIN_PATH_WANTED = (
    "is no plain absolute path: write letters, digits and any of ._+@=- between slashes, none at the end"
)

_PATH = re.compile(r"(/[A-Za-z0-9._+@=-]+)+")
_DOTS = re.compile(r"/\.\.?(/|$)")


def is_plain_path(path: str) -> bool:
    """Whether a path is what `PLAIN_PATH_WANTED` asks for, and without `.` and `..`."""
    return bool(_PATH.fullmatch(path)) and not _DOTS.search(path)


def joined(these: Iterable[str]) -> str:
    """ "a", "a and b", "a, b and c"; "" for none."""
    *others, last = [*these] or [""]
    return f"{', '.join(others)} and {last}" if others else last


def counted(number: int, noun: str) -> str:
    """ "a brick", "2 bricks"."""
    return f"a {noun}" if number == 1 else f"{number} {noun}s"
