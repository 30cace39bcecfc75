"""The one line that Helm prints of a Job.

Helm prints what the containers of a hook's pods wrote. Helm 3 prints it as it is, Helm 4 as one record of its own log,
in which line breaks are escaped (hookOutputWriter in pkg/cmd/root.go of helm 4.3.1): a report of 40 lines becomes one.
Neither prints what init containers wrote. So an init container does the work, its log is the report, and the pod's
container prints this line and ends with the exit code. It runs this module, which imports nothing heavy.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

LONGEST = 1000  # characters, some ten lines of a terminal


def one_line(text: str) -> str:
    """A report's sentences and the entries of its lists, numbered; its commands and notes, further in, are left out."""
    parts: list[str] = []
    entries = shown = size = end = 0
    for line in text.splitlines():
        if line.startswith("  - "):
            entries += 1
            size += len(line)
            if size <= LONGEST or entries == 1:
                parts.append(f"({entries}) {line.removeprefix('  - ')}")
                end, shown = len(parts), entries
        elif not line.startswith(" "):
            parts.append(line)
    if entries > shown:
        parts.insert(end, f"and {entries - shown} more.")
    return " ".join(parts).replace('"', "'")  # Helm 4 escapes these, too


def leave(file: Path, code: int, text: str) -> None:
    """Leave a report's outcome for the container after this one."""
    file.write_text(f"{code}\n{one_line(text)}\n")


def main(arguments: Sequence[str]) -> int:
    """Print the line of a file, after a failure with the command that shows the report; returns the exit code in it."""
    file, command = arguments
    code, line = Path(file).read_text().splitlines()
    print(line if code == "0" else f"{line} The whole report: `{command}`.")
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
