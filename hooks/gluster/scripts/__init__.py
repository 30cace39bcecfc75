"""The shell programs that run in a peer, each a file beside this one.

They are sent as text, because a peer's image has none of them. All their arguments are positional and quoted.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
# An exec's command is a part of its URL, which proxies limit, some to 8 KiB: what only people read is left out.
_COMMENT = re.compile(r"^[ \t]*#.*\n|^\n", re.MULTILINE)
_SOURCE = re.compile(r"^source (\S+\.sh)\n", re.MULTILINE)


def argv(name: str, *arguments: str) -> list[str]:
    """The command that runs the script `name` in a peer: what Runner.run takes.

    Raises FileNotFoundError if there is no such script.
    """
    return ["bash", "-c", _text(name), name, *arguments]


def shown(name: str, arguments: Sequence[str] = ()) -> str:
    """How a plan prints a script with its arguments: one line, quoted as a shell needs it."""
    return shlex.join([name, *arguments])


@cache
def _text(name: str) -> str:
    """The script's text without comments, and with each file that it sources in the place of that line."""
    text = _COMMENT.sub("", (_FOLDER / name).read_text())
    return _SOURCE.sub(lambda found: _text(found[1]), text)
