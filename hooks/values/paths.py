"""What a path in values may look like."""

from __future__ import annotations

import re

PLAIN_PATH_WANTED = (
    "is no plain absolute path: write letters, digits and any of ._+@=- between slashes, none at the end"
)

_PATH = re.compile(r"(/[A-Za-z0-9._+@=-]+)+")
_DOTS = re.compile(r"/\.\.?(/|$)")


def is_plain_path(path: str) -> bool:
    """Whether a path is what `PLAIN_PATH_WANTED` asks for, and without `.` and `..`."""
    return bool(_PATH.fullmatch(path)) and not _DOTS.search(path)
