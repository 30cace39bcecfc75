"""The one line that Helm prints of a Job.

Helm prints what the containers of a hook's pods wrote. Helm 3 prints it as it is, Helm 4 as one record of its own log, in
which line breaks are escaped (hookOutputWriter in pkg/cmd/root.go of helm 4.3.1): a report of 40 lines becomes one.
Neither prints what init containers wrote. So an init container does the work, its log is the report, and the pod's
container repeats this line and ends with the exit code. This module is that container's program: it imports nothing heavy.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

LONGEST = 1000  # characters, some ten lines of a terminal


def one_line(text: str) -> str:
    """A report's sentences and the entries of its lists, numbered; its commands and notes, further in, are left out."""
    parts: list[str] = []
    entries = left = 0
    for line in text.splitlines():
        if not re.match(r"\S|  - ", line):
            continue
        entry = line.startswith("  - ")
        entries += entry
        part = f"({entries}) {line.removeprefix('  - ')}" if entry else line.rstrip()
        if entry and sum(map(len, parts)) + len(part) > LONGEST:
            left += 1
        else:
            parts.append(part)
    if left:
        parts.append(f"({left} more are in the report.)")
    return " ".join(parts).replace('"', "'")  # Helm 4 escapes these, too


def leave(file: Path, code: int, text: str) -> None:
    """Leave a report's outcome for the container after this one."""
    file.write_text(f"{code}\n{one_line(text)}\n")


def main(arguments: Sequence[str]) -> int:
    """Print the outcome that is in a file, if it is none of success with the command that shows the report, and end so."""
    file, command = arguments
    code, line = Path(file).read_text().splitlines()
    print(line if code == "0" else f"{line} The whole report: `{command}`.")
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
